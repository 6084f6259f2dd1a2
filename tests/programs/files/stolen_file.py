"""A model of 1 ms for `ecsmpi run`: rank 0 deletes its file k.h5 before the last frame."""

import os

from support.observed_model import n, rank, rxd

n.tstop = 1


class Thief:
    """Deletes the file on rank 0."""

    def stepped(self, simulation, t):
        """Delete the file near the end of the run."""
        if t > 0.9 and rank == 0 and os.path.exists("k.h5"):
            os.remove("k.h5")


rxd.add_observer(Thief())
