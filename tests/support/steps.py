"""Cases for the stepper, advanced on any number of ranks and judged by dense algebra."""

from dataclasses import dataclass
import functools
from pathlib import Path
import pickle

from ecsmpi.description.boundaries import Held
from ecsmpi.description.model import Tissue
import numpy as np

from support.exact import dense_step, varying_step

ADVANCE = Path(__file__).with_name("advance.py")


@dataclass(frozen=True)
class Case:
    """Some ions in one box, advanced by the steps `dts` (ms) under constant amounts (mM/ms)."""

    name: str
    shape: tuple[int, int, int]
    dts: tuple[float, ...]
    initial: np.ndarray  # (ions, nx, ny, nz) mM
    d: tuple[tuple[float, float, float], ...]  # um2/ms of each ion
    walls: tuple[float | None, ...]  # mM, of each ion
    voxels: np.ndarray  # (entries,)
    amounts: np.ndarray  # (ions, entries)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tissue: Tissue = Tissue()
    changes: tuple[tuple[int, Tissue], ...] = ()  # (step before which, what the tissue becomes)
    added: tuple[tuple[int, np.ndarray], ...] = ()  # (step before which, (ions, nx, ny, nz) mM)
    faces: tuple = ()  # boundaries.Faces of each ion
    grain: int | None = None

    def r(self, ion, dt):
        """D dt/h2 along each axis."""
        return (
            np.array(self.d[ion]) * self.tissue.permeability * dt / np.array(self.spacing) ** 2
        )

    @functools.cached_property
    def dense(self):
        """(ions, nx, ny, nz) mM after the steps, by dense algebra."""
        return np.array([self._dense(ion) for ion in range(len(self.d))])

    def _dense(self, ion):
        given = np.zeros(self.shape)
        np.add.at(given.reshape(-1), self.voxels, self.amounts[ion])
        u, tissue, t = self.initial[ion], self.tissue, 0.0
        for step, dt in enumerate(self.dts):
            t += dt
            if step in dict(self.added):
                u = u + dict(self.added)[step][ion]
            tissue = dict(self.changes).get(step, tissue)
            if tissue.varies or self.faces:
                u = varying_step(
                    u,
                    *self._local(tissue),
                    self.d[ion],
                    self.spacing,
                    dt,
                    given * dt,
                    self._at_faces(ion),
                    t,
                )
            else:
                r = (
                    np.array(self.d[ion])
                    * tissue.permeability
                    * dt
                    / np.array(self.spacing) ** 2
                )
                u = dense_step(u, r, given * dt / tissue.volume_fraction, self.walls[ion])
        return u

    def _at_faces(self, ion):
        if self.faces:
            return self.faces[ion].conditions
        wall = self.walls[ion]
        return (None if wall is None else Held(wall),) * 6

    def _local(self, tissue):
        """Volume fraction and permeability as arrays, and the rule for faces."""
        arrays = [
            np.broadcast_to(getattr(each, "values", each), self.shape)
            for each in (tissue.volume_fraction, tissue.permeability)
        ]
        return *arrays, tissue.face_average


def case(name, shape, dts, d, walls=(None,), initial=None, entries=0, **more):
    """Return a Case with random amounts into `entries` random voxels.

    Its concentrations are random unless `initial` gives them.
    """
    rng = np.random.default_rng(len(name) + 1000 * sum(shape))
    if initial is None:
        initial = rng.uniform(0.5, 1.5, (len(d), *shape))
    voxels = rng.integers(0, np.prod(shape), entries)
    amounts = rng.uniform(-1, 1, (len(d), entries))
    return Case(name, shape, tuple(dts), np.asarray(initial), d, walls, voxels, amounts, **more)


def advanced(on_ranks, ranks, cases, tmp_path):
    """Advance the cases on so many ranks and return what advance.py saves, by name."""
    described = tmp_path / "cases"
    described.write_bytes(pickle.dumps(cases))
    return on_ranks(ranks, ADVANCE, described, timeout=300.0)
