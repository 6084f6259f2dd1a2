"""Copies of voxels at segments, in which reactions of cells run; their changes reach the voxel
once.

    voxel's owner --renew--> copies at segments --reactions--> their changes --settle, summed-->
    voxel's owner

A copy is as large as the free volume that its voxel had when it was made. What the copy gains, the
voxel gains: in ions, or, where the tissue says that copies keep their volume, in concentration.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver import entry_kernels
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.tissue import SlabTissue


class VoxelCopies:
    """All copies of one box on this rank. `settle` and `renew` are collective; a change is settled
    once.
    """

    def __init__(
        self,
        comm,
        slabs: Slabs,
        plane_size: int,
        fields: list[np.ndarray],
        tissues: list[SlabTissue],
        voxels: np.ndarray,
        places: np.ndarray,
        held: list[np.ndarray],
        shares: list[np.ndarray],
    ):
        """Collective. fields: (n, ny, nz) slab of each ion with copies, the same ions on all ranks;
        tissues: theirs.

        voxels: (entries,) flat index into the box of each segment in it; places: (entries,) where
        in ``held`` its copy is; held: (places,) of each ion, what reactions change; shares:
        (places,) the volume of each copy over that of a voxel, tissue and all.
        """
        self._tissues, self._fields = tissues, [field.reshape(-1) for field in fields]
        self._in_ions = [not tissue.copies_keep_volume for tissue in tissues]
        self._exchange = plan_exchange(comm, slabs, plane_size, voxels, len(fields))
        turn = self._exchange.order(places)
        self._exchange.reorder(turn)
        self._places = places[turn].astype(np.uint32)
        self._voxels = voxels[turn]
        self._shares = [
            share[self._places] if in_ions else np.ones(turn.size)
            for share, in_ions in zip(shares, self._in_ions)
        ]
        self._held, self._before = held, [np.zeros_like(one) for one in held]
        self._change = np.zeros(held[0].size)

    def settle(self) -> None:
        """Add what has happened to the copies to their voxels. Collective."""
        for f, (held, before, shares) in enumerate(zip(self._held, self._before, self._shares)):
            np.subtract(held, before, out=self._change)
            before[:] = held
            self._exchange.add_sources(f, self._change, self._places, shares, 1.0)
        self._exchange.send_sources()
        for field, sources, tissue, in_ions in zip(
            self._fields, self._exchange.sources, self._tissues, self._in_ions
        ):
            fractions = np.asarray(tissue.volume_fraction if in_ions else 1.0, dtype=float).reshape(
                -1
            )
            entry_kernels.add_over(sources, self._exchange.local_voxels, fractions, field)

    def renew(self) -> None:
        """Let the copies be what their voxels are now. Collective."""
        self._exchange.set_values(self._fields)
        self._exchange.fetch_values()
        for f, (held, before) in enumerate(zip(self._held, self._before)):
            self._exchange.scatter_values(f, held, self._places)
            before[:] = held

    def renew_from(self, values) -> None:
        """As `renew`, from values(number of the ion, flat indices into the box) -> (entries,) mM.
        Local.
        """
        for f, (held, before) in enumerate(zip(self._held, self._before)):
            held[self._places] = values(f, self._voxels)
            before[:] = held

    def free(self) -> None:
        """Release the messages."""
        self._exchange.free()
