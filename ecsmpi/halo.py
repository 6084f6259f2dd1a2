"""Ghost planes: each slab's outermost planes, copied to its neighbours.

        rank p-1              rank p                rank p+1
    ... [n-1][ n ][g]     [g][ 1 ] ... [ n ][g]     [g][ 1 ][ 2 ] ...
              |_____________^   |________  |_____________^
             ^____________________________|  and back

At the ends of the box the ghost repeats the border plane, which is what zero flux means there.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI


class Halo:
    """The messages of one slab's ghost planes, negotiated once and replayed each step."""

    def __init__(self, comm, u: np.ndarray):
        """comm: of the slabs' owners, in the order of the slabs. u: (n + 2, ny, nz) contiguous."""
        self._u, self._requests = u, []
        self._first, self._last = comm.rank == 0, comm.rank == comm.size - 1
        if not self._first:
            self._requests += [comm.Send_init(u[1], comm.rank - 1, 3), comm.Recv_init(u[0], comm.rank - 1, 4)]
        if not self._last:
            self._requests += [comm.Send_init(u[-2], comm.rank + 1, 4), comm.Recv_init(u[-1], comm.rank + 1, 3)]

    def start(self) -> None:
        """Send the border planes. Collective among neighbours."""
        MPI.Prequest.Startall(self._requests)
        if self._first:
            self._u[0] = self._u[1]
        if self._last:
            self._u[-1] = self._u[-2]

    def finish(self) -> None:
        """Wait for the neighbours' planes."""
        MPI.Prequest.Waitall(self._requests)

    def free(self) -> None:
        """Release the messages."""
        for request in self._requests:
            request.Free()
