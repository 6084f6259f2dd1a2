"""Ghost planes: each slab's outermost planes, copied to its neighbours.

        rank p-1              rank p                rank p+1
    ... [n-1][ n ][g]     [g][ 1 ] ... [ n ][g]     [g][ 1 ][ 2 ] ...
              |_____________^   |________  |_____________^
             ^____________________________|  and back

At the ends of the box the ghost repeats the border plane, which is what zero flux means there.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.solver.routes import finish, start


class Halo:
    """The messages of one slab's ghost planes, negotiated once and replayed in each step.

    Parameters
    ----------
    comm
        Communicator of the slabs' owners, in the order of the slabs.
    u : (n + 2, ny, nz) float
        Contiguous; its first and last planes are the ghosts.
    """

    def __init__(self, comm, u: np.ndarray):
        self._requests = []
        self._repeated = []  # (ghost, border plane that it repeats)
        if comm.rank == 0:
            self._repeated.append((u[0], u[1]))
        else:
            self._requests += [
                comm.Send_init(u[1], comm.rank - 1, 3),
                comm.Recv_init(u[0], comm.rank - 1, 4),
            ]
        if comm.rank == comm.size - 1:
            self._repeated.append((u[-1], u[-2]))
        else:
            self._requests += [
                comm.Send_init(u[-2], comm.rank + 1, 4),
                comm.Recv_init(u[-1], comm.rank + 1, 3),
            ]

    def start(self) -> None:
        """Send the border planes. Collective among neighbours."""
        start(self._requests)
        for ghost, border in self._repeated:
            np.copyto(ghost, border)

    def finish(self) -> None:
        """Wait for the neighbours' planes."""
        finish(self._requests)

    def free(self) -> None:
        """Release the messages."""
        for request in self._requests:
            request.Free()
