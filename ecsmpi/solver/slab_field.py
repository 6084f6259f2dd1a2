"""The concentration of one species in a rank's slab."""

from __future__ import annotations

from ecsmpi.description.grid import Box, aligned_zeros


class SlabField:
    """The concentration of one species in this rank's slab (mM), with ghost planes.

    Attributes
    ----------
    box : Box
        As given.
    planes : (int, int)
        The slab's planes [lo, hi) of the box.
    u : (n + 2, ny, nz) float
        Concentrations, with a ghost plane on either side of the slab.
    owned : (n, ny, nz) float
        Writable view of the slab itself.
    """

    def __init__(self, box: Box, planes: tuple[int, int]):
        self.box = box
        self.planes = planes
        lo, hi = planes
        self.u = aligned_zeros((hi - lo + 2, *box.shape[1:]))
        self.owned = self.u[1:-1]
