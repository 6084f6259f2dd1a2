"""Cases for the stepper: made here, advanced on any number of ranks, and judged by dense algebra."""

import functools
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from exact import dense_step

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
    permeability: float = 1.0

    def r(self, ion, dt):
        """D dt/h2 along each axis."""
        return np.array(self.d[ion]) * self.permeability * dt / np.array(self.spacing) ** 2

    @functools.cached_property
    def dense(self):
        """(ions, nx, ny, nz) mM after the steps, by dense algebra."""
        return np.array([self._dense(ion) for ion in range(len(self.d))])

    def _dense(self, ion):
        given = np.zeros(self.shape)
        np.add.at(given.reshape(-1), self.voxels, self.amounts[ion])
        u = self.initial[ion]
        for dt in self.dts:
            u = dense_step(u, self.r(ion, dt), given * dt, self.walls[ion])
        return u


def case(name, shape, dts, d, walls=(None,), initial=None, entries=0, **more):
    """A Case with random concentrations (unless given) and random amounts into `entries` random voxels."""
    rng = np.random.default_rng(len(name) + 1000 * sum(shape))
    if initial is None:
        initial = rng.uniform(0.5, 1.5, (len(d), *shape))
    voxels, amounts = rng.integers(0, np.prod(shape), entries), rng.uniform(-1, 1, (len(d), entries))
    return Case(name, shape, tuple(dts), np.asarray(initial), d, walls, voxels, amounts, **more)


def advanced(on_ranks, ranks, cases, tmp_path):
    """Advance the cases on so many ranks; name -> (ions, nx, ny, nz), and what else advance.py saves."""
    described = tmp_path / "cases"
    described.write_bytes(pickle.dumps(cases))
    return on_ranks(ranks, ADVANCE, described, timeout=300.0)
