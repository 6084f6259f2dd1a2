"""One voxel of one species, as rxd shows it to scripts."""

from __future__ import annotations

import warnings

from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.rxd_names import Node1D as Node1D
from ecsmpi.neuron_api.rxd_names import Node3D as Node3D
from ecsmpi.rxd.compat import RxDException, RxdStandIn

_set = object.__setattr__


class NodeExtracellular(RxdStandIn):
    """A voxel (i, j, k) of a species in an extracellular region.

    ``x3d, y3d, z3d`` are its centre (um). ``value`` (also ``concentration``, mM) can be read and
    set on any rank, at any time; other ranks see what one rank alone has set from the next step on.
    """

    original = "node.NodeExtracellular"
    __slots__ = ("_restriction", "_i", "_j", "_k")

    def __init__(self, restriction, i: int, j: int, k: int):
        _set(
            self, "_restriction", restriction
        )  # past RxdStandIn's checks, which take longer than all the rest
        _set(self, "_i", i)
        _set(self, "_j", j)
        _set(self, "_k", k)

    def part(self) -> tuple:
        """(the species on its region, this one of its Voxels)."""
        _, ny, nz = self.region.box.shape
        flat = (self._i * ny + self._j) * nz + self._k
        return self._restriction, Voxels(self.region.box, range(flat, flat + 1))

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
        box = self._restriction.region.box
        return box.lo[0] + (self._i + 0.5) * box.spacing[0]

    @property
    def y3d(self) -> float:
        """y of the centre (um)."""
        box = self._restriction.region.box
        return box.lo[1] + (self._j + 0.5) * box.spacing[1]

    @property
    def z3d(self) -> float:
        """z of the centre (um)."""
        box = self._restriction.region.box
        return box.lo[2] + (self._k + 0.5) * box.spacing[2]

    @property
    def d(self):
        """Diffusion coefficient of the species in the region (um2/ms); setting it, on every rank,
        sets the whole region's.
        """
        return self._restriction.d

    @d.setter
    def d(self, value) -> None:
        warnings.warn(f"the d of a node is that of all {self._restriction}", stacklevel=3)
        self._restriction.d = value

    @property
    def volume(self) -> float:
        """Free volume of the voxel (um3)."""
        restriction, voxel = self.part()
        return float(restriction.volumes(voxel)[0])

    @property
    def value(self) -> float:
        """Concentration (mM). Local."""
        return self._restriction.value_at(self._i, self._j, self._k)

    @value.setter
    def value(self, concentration: float) -> None:
        self._restriction.set_value_at(self._i, self._j, self._k, concentration)

    concentration = value

    @property
    def _ref_value(self):
        """NEURON's pointer to the value, which it shows on this rank from the next finitialize on.

        It may be recorded, played into and set, as in NEURON. Other ranks see what this rank alone
        has set through it from the next step on.
        """
        return self._restriction.watch(self._i, self._j, self._k)

    _ref_concentration = _ref_value

    def satisfies(self, condition) -> bool:
        """Whether this is a node of a region, or of the voxel that holds a point (x, y, z) in um."""
        if isinstance(condition, tuple) and len(condition) == 3:
            _, voxel = self.part()
            return voxel.index[0] == self.region.box.index_of([condition])[0]
        if isinstance(condition, type(self.region)):
            return condition is self.region
        raise RxDException(
            f"unrecognized node condition: {condition!r}; give a region or a point (x, y, z)"
        )

    def include_flux(self, *source, units: str = "molecule/ms") -> None:
        """Let a source add to the voxel in every step from now on: a rate of mass, which the
        voxel's volume dilutes.

        source: a number, a pointer (``synapse._ref_i``), an object and the name of its variable
        (``synapse, 'i'``), or a
        function without arguments. units: molecule/ms, mol/ms or mmol/ms.

        The same call on several ranks is one flux. Pointers into cells or synapses are of one rank,
        and those of several ranks add up; a function is evaluated by one rank alone, that which
        owns the voxel if that has it, so it must not be collective. Before a finitialize any rank
        may call this. During a run every rank must, or call rxd.re_init().
        """
        restriction, voxel = self.part()
        restriction._include_flux(voxel, source, units)

    def __eq__(self, other):
        return isinstance(other, NodeExtracellular) and self._place() == other._place()

    def __hash__(self):
        return hash(self._place())

    def _place(self):
        return self._restriction, self._i, self._j, self._k

    def __repr__(self):
        return f"NodeExtracellular({self.species}, i={self._i}, j={self._j}, k={self._k})"
