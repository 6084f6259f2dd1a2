"""Nodes: one voxel of one species, as scripts see it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.rxd_names import Node1D as Node1D
from ecsmpi.neuron_api.rxd_names import Node3D as Node3D
from ecsmpi.rxd.argument_types import PerAxis
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.stand_in import RxdStandIn

if TYPE_CHECKING:
    from ecsmpi.rxd.extracellular import Extracellular
    from ecsmpi.rxd.species import Species
    from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

_set = object.__setattr__


class NodeExtracellular(RxdStandIn):
    """The voxel (i, j, k) of a species in an extracellular region.

    Any rank may read and set ``value`` at any time. A rank reads at once what it sets itself; other
    ranks read it from the next step on. Nodes come from ``species[region]`` or from lists of nodes.

    Examples
    --------
    >>> n.finitialize(-65)
    1.0
    >>> node = k[ecs].node_by_location(0, 0, 0)
    >>> node.value = 10  # mM
    >>> trace = n.Vector().record(node._ref_value)
    >>> node.include_flux(1e6)  # molecules/ms
    """

    original = "node.NodeExtracellular"
    hidden = ("as_group",)
    __slots__ = ("_on_region", "_i", "_j", "_k")
    _on_region: SpeciesOnExtracellular
    _i: int
    _j: int
    _k: int

    def __init__(self, on_region: SpeciesOnExtracellular, i: int, j: int, k: int):
        # past the checks of RxdStandIn, which would take longer than all the rest
        _set(self, "_on_region", on_region)
        _set(self, "_i", i)
        _set(self, "_j", j)
        _set(self, "_k", k)

    @property
    def voxel_index(self) -> int:
        """The flat index of the voxel in C order. Local."""
        return self._on_region._flat(self._i, self._j, self._k)

    def as_group(self) -> tuple[SpeciesOnExtracellular, Voxels]:
        """The species in its region, and the voxel as a set of one."""
        flat = self.voxel_index
        return self._on_region, Voxels(self.region.box, range(flat, flat + 1))

    @property
    def region(self) -> Extracellular:
        """The extracellular region of the voxel."""
        return self._on_region.region

    @property
    def species(self) -> Species:
        """The species. Reading it raises RxDException once the species has been deleted."""
        return self._on_region.species

    @property
    def x3d(self) -> float:
        """x of the voxel's centre (um)."""
        box = self._on_region.region.box
        return box.lo[0] + (self._i + 0.5) * box.spacing[0]

    @property
    def y3d(self) -> float:
        """y of the voxel's centre (um)."""
        box = self._on_region.region.box
        return box.lo[1] + (self._j + 0.5) * box.spacing[1]

    @property
    def z3d(self) -> float:
        """z of the voxel's centre (um)."""
        box = self._on_region.region.box
        return box.lo[2] + (self._k + 0.5) * box.spacing[2]

    @property
    def d(self) -> PerAxis:
        """Diffusion coefficient of the species in the region (um2/ms).

        Setting it sets that of the whole region, with a warning; set it on every rank.
        """
        return self._on_region.d

    @d.setter
    def d(self, value: PerAxis) -> None:
        warnings.warn(
            f"setting d of a node sets the d of {self._on_region} in all voxels",
            stacklevel=3,  # the line of the script, past RxdStandIn.__setattr__
        )
        self._on_region.d = value

    @property
    def volume(self) -> float:
        """Free volume of the voxel (um3). Local."""
        on_region, voxel = self.as_group()
        return float(on_region.volumes(voxel)[0])

    @property
    def value(self) -> float:
        """Concentration (mM). Local. Setting it to NaN or infinity raises InvalidValue."""
        return self._on_region.value_at(self._i, self._j, self._k)

    @value.setter
    def value(self, concentration: float) -> None:
        self._on_region.set_value_at(self._i, self._j, self._k, concentration)

    concentration = value

    @property
    def _ref_value(self) -> Any:
        """NEURON's pointer to the concentration (mM). Local.

        It follows the concentration from the next finitialize on. It may be recorded, played into
        and set, as in NEURON. Other ranks read what this rank has set through it from the next
        step on.
        """
        return self._on_region.watch(self._i, self._j, self._k)

    _ref_concentration = _ref_value

    def satisfies(self, condition: Any) -> bool:
        """Whether the node meets a condition. Local.

        Parameters
        ----------
        condition
            An extracellular region that the node may lie in, or a point (x, y, z) in um that its
            voxel may hold.

        Returns
        -------
        bool

        Raises
        ------
        RxDException
            For any other condition.
        """
        if isinstance(condition, tuple) and len(condition) == 3:
            return self.voxel_index == int(self.region.box.index_of([condition])[0])
        if isinstance(condition, type(self.region)):
            return condition is self.region
        raise RxDException(
            f"unrecognized node condition: {condition!r}; give a region or a point (x, y, z)"
        )

    def include_flux(self, *source: Any, units: str = "molecule/ms") -> None:
        """Let a source add ions to the voxel in every step from now on.

        The source is a rate of mass; the free volume of the voxel dilutes it. The same call on
        several ranks is one flux. Pointers into cells or synapses belong to one rank each, and
        those of several ranks add up. A function is evaluated by one rank alone (the owner of the
        voxel, if that rank has the function), so it must not be collective.

        Local before a finitialize: any rank may call this. During a run every rank must call it, or
        must call ``rxd.re_init()`` afterwards.

        Parameters
        ----------
        source
            The rate, in ``units``: a number; a pointer (``synapse._ref_i``); an object and the name
            of its variable (``synapse, "i"``); or a function without arguments.
        units
            "molecule/ms", "mol/ms", "mmol/ms", "millimol/ms" or "mol/s".

        Raises
        ------
        RxDException
            For unknown units, a wrong number of arguments, or a flux into a Parameter.
        InvalidValue
            For a number that is not finite, or a pointer to something that no longer exists.
        """
        on_region, voxel = self.as_group()
        on_region._include_flux(voxel, source, units)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeExtracellular) and self._place() == other._place()

    def __hash__(self) -> int:
        return hash(self._place())

    def _place(self) -> tuple[SpeciesOnExtracellular, int, int, int]:
        return self._on_region, self._i, self._j, self._k

    def __repr__(self) -> str:
        return f"NodeExtracellular({self.species}, i={self._i}, j={self._j}, k={self._k})"
