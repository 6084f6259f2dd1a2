"""Extracellular regions: the box of a script and its tissue."""

from __future__ import annotations

from ecsmpi.grid import Box
from ecsmpi.model import Tissue
from ecsmpi.rxd.missing import InvalidValue, RxDException, StandIn
from ecsmpi.rxd.options import options


class Extracellular(StandIn):
    """An extracellular region: the box from (xlo, ylo, zlo) to at least (xhi, yhi, zhi) um, in voxels of dx um.

    dx: a number or (dx, dy, dz). volume_fraction in (0, 1]; tortuosity > 0 or permeability = 1/tortuosity**2,
    not both; numbers. Raises InvalidValue, an RxDException and a ValueError, naming the argument.
    """

    original = "Extracellular"

    def __init__(
        self, xlo, ylo, zlo, xhi, yhi, zhi, dx, volume_fraction=1, tortuosity=None, permeability=None
    ):  # fmt: skip
        if not options.enable.extracellular:
            raise RxDException("extracellular diffusion is disabled: set rxd.options.enable.extracellular = True")
        try:
            self.box = Box.spanning((xlo, ylo, zlo), (xhi, yhi, zhi), dx)
            self.tissue = Tissue.from_rxd(volume_fraction, tortuosity, permeability)
        except ValueError as error:
            raise InvalidValue(str(error)) from None

    @property
    def alpha(self) -> float:
        """Volume fraction."""
        return self.tissue.volume_fraction

    @property
    def tortuosity(self) -> float:
        """Tortuosity."""
        return self.tissue.tortuosity

    @property
    def permeability(self) -> float:
        """1/tortuosity**2."""
        return self.tissue.permeability

    def volume(self, index=None) -> float:
        """Free volume (um3) of the region, or of one voxel where ``index`` is given."""
        return self.box.voxel_volume * self.alpha * (self.box.voxels if index is None else 1)

    def __repr__(self):
        return f"Extracellular({self.box}, volume_fraction={self.alpha}, tortuosity={self.tortuosity})"
