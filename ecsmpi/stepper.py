"""One box and its species, advanced together: the step reads as the physics.

    currents -> owners -> diffuse -> concentrations back to the segments

No NEURON here: currents come in and concentrations go out as arrays, one entry for each segment that lies
in the box (and for each node that is watched).
"""

from __future__ import annotations

import numpy as np

from ecsmpi import entry_kernels, interface_kernels, kernels
from ecsmpi.decomposition import Slabs
from ecsmpi.diffusion import Diffusion
from ecsmpi.exchange import ExactExchange, Exchange
from ecsmpi.grid import Box
from ecsmpi.halo import Halo
from ecsmpi.model import Ion, Tissue
from ecsmpi.timing import Phases
from ecsmpi.workspace import Workspace

class Field:
    """The concentration of one ion in this rank's slab (mM).

    u: (n + 2, ny, nz), a ghost plane on either side; owned: (n, ny, nz) writable view of the slab itself.
    """

    def __init__(self, box: Box, planes: tuple[int, int]):
        lo, hi = self.planes = planes
        self.box = box
        self.u = np.zeros((hi - lo + 2, *box.shape[1:]))
        self.owned = self.u[1:-1]

    def hold_walls(self, value: float) -> None:
        """Set this slab's share of the box's border voxels to ``value`` (mM)."""
        lo, hi = self.planes
        for wall, at in ((0, lo == 0), (-1, hi == self.box.shape[0])):
            if at and hi > lo:
                self.owned[wall] = value
        for wall in (0, -1):
            self.owned[:, wall] = value
            self.owned[:, :, wall] = value


class Stepper:
    """Plans once, then advances all species of a box. Everything is collective."""

    def __init__(
        self, comm, box: Box, tissue: Tissue, ions: list[Ion], fields: list[Field], voxels: np.ndarray,
        slabs: Slabs | None = None, phases: Phases | None = None,
    ):  # fmt: skip
        """voxels: (entries,) flat index into the box of this rank's entries; fields: one for each ion, of its slab.

        slabs: with a grain, results have the same bits at any number of ranks.
        """
        self.slabs, self.phases = slabs or Slabs(box.shape[0], comm.size), phases or Phases()
        self._ions, self._fields = ions, fields
        plane = box.shape[1] * box.shape[2]
        kind = ExactExchange if self.slabs.grain else Exchange
        self._exchange = kind(comm, self.slabs, plane, voxels, len(ions))
        self._sources = np.zeros((len(ions), self._exchange.local_voxels.size))
        self._flat = [field.u[1:-1].reshape(-1) for field in fields]
        owns = comm.rank < self.slabs.owners
        self._owners = comm.Split(0 if owns else 1, comm.rank)
        self._halos, self._diffusions, self._workspace = [], [], None
        if owns:
            self._plan_diffusion(box, tissue)

    def _plan_diffusion(self, box: Box, tissue: Tissue) -> None:
        work = self._workspace = Workspace(self._owners, box, self.slabs, self.phases)
        self._diffusions = [Diffusion(work, ion, tissue, self._exchange.local_voxels) for ion in self._ions]
        self._halos = [
            Halo(self._owners, field.u) if diffusion.diffuses else None
            for field, diffusion in zip(self._fields, self._diffusions)
        ]

    def advance(self, amounts: np.ndarray, dt: float) -> np.ndarray:
        """One step of dt (ms). amounts: (ions, entries) mM/ms into each entry's voxel.

        Returns the concentrations (ions, entries) in mM after it; the same buffer each time.
        """
        with self.phases["ghosts"]:
            for halo in filter(None, self._halos):
                halo.start()
        with self.phases["deposit"]:
            self._exchange.deposit(amounts, dt, self._sources)
        with self.phases["ghosts"]:
            for halo in filter(None, self._halos):
                halo.finish()
        for field, diffusion, sources in zip(self._fields, self._diffusions, self._sources):
            diffusion.advance(field.u, sources, dt)
        with self.phases["collect"]:
            return self.concentrations()

    def concentrations(self) -> np.ndarray:
        """(ions, entries) mM in each entry's voxel now; the same buffer each time."""
        return self._exchange.collect(self._flat)

    def report(self, dt: float) -> list[str]:
        """How each diffusing ion's x-solve crosses the ranks at steps of dt (ms)."""
        lines = []
        for ion, diffusion in zip(self._ions, self._diffusions):
            if diffusion.diffuses and self.slabs.owners > 1:
                lines.append(f"{ion.name or 'unnamed species'}: {diffusion.factors(dt).joints}")
        return lines

    def free(self) -> None:
        """Release messages and communicators."""
        for part in [*filter(None, self._halos), self._exchange, *filter(None, [self._workspace])]:
            part.free()
        self._owners.Free()


def compile_kernels(comm) -> None:
    """Compile every kernel, or load it from the cache, by advancing a small box. comm: of this process alone."""
    box, ion = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (3, 3, kernels.TILE)), Ion("k", (1.0, 1.0, 1.0), 1, 0.0)
    fields = [Field(box, (0, 3)), Field(box, (0, 3))]
    still = Ion("a", (0.0, 0.0, 0.0))
    for grain in (None, 2):
        stepper = Stepper(comm, box, Tissue(), [ion, still], fields, np.zeros(1, dtype=np.int64), Slabs(3, 1, grain))
        stepper.advance(np.zeros((2, 1)), 1.0)
        stepper.free()
    nothing, nowhere = np.zeros(0), np.zeros(0, dtype=np.int64)
    entry_kernels.take_scaled(nothing, nowhere, nothing, nothing)
    entry_kernels.add_scaled(nothing, nowhere, nothing, 1.0, nothing)
    entry_kernels.put(nothing, nowhere, nothing)
    plane = np.zeros((1, 1))
    interface_kernels.join_pair(*np.zeros((5, 1)))
    interface_kernels.join_blocks(plane, plane, plane, plane, *np.zeros((5, 1, 1)))
