"""One voxel of one species, as rxd shows it to scripts."""

from __future__ import annotations

from ecsmpi.rxd.missing import StandIn


class Node(StandIn):
    """A voxel (i, j, k) of a species in an extracellular region.

    ``x3d, y3d, z3d`` are its centre (um). ``value`` (also ``concentration``, mM) is the same on every rank and
    collective to read and to set; so is nothing else here.
    """

    original = "node.NodeExtracellular"
    __slots__ = ("_restriction", "_i", "_j", "_k")

    def __init__(self, restriction, i: int, j: int, k: int):
        self._restriction = restriction
        self._i, self._j, self._k = i, j, k

    @property
    def region(self):
        """The extracellular region of the voxel."""
        return self._restriction.region

    @property
    def species(self):
        """The species."""
        return self._restriction.species

    @property
    def x3d(self) -> float:
        """x of the centre (um)."""
        return self.region.box.lo[0] + (self._i + 0.5) * self.region.box.spacing[0]

    @property
    def y3d(self) -> float:
        """y of the centre (um)."""
        return self.region.box.lo[1] + (self._j + 0.5) * self.region.box.spacing[1]

    @property
    def z3d(self) -> float:
        """z of the centre (um)."""
        return self.region.box.lo[2] + (self._k + 0.5) * self.region.box.spacing[2]

    @property
    def d(self):
        """Diffusion coefficient of the species (um2/ms)."""
        return self.species.d

    @property
    def volume(self) -> float:
        """Free volume of the voxel (um3)."""
        return self.region.box.voxel_volume * self.region.alpha

    @property
    def value(self) -> float:
        """Concentration (mM). Collective."""
        return self._restriction.value_at(self._i, self._j, self._k)

    @value.setter
    def value(self, concentration: float) -> None:
        self._restriction.set_value_at(self._i, self._j, self._k, concentration)

    concentration = value

    @property
    def _ref_value(self):
        """NEURON's pointer to a copy of the value, kept on this rank from the next finitialize on."""
        return self._restriction.watch(self._i, self._j, self._k)._ref_x[0]

    _ref_concentration = _ref_value

    def __repr__(self):
        return f"Node({self.species}, i={self._i}, j={self._j}, k={self._k})"
