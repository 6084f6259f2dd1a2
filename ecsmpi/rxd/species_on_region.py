"""A species in one extracellular region: scripts read and set concentrations by it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ecsmpi.description.profiles import FloatArray, Profile, values_at
from ecsmpi.description.voxels import Voxels
from ecsmpi.rxd.argument_types import Concentrations, PerAxis
from ecsmpi.rxd.errors import InvalidValue, RxDException
from ecsmpi.rxd.flux_source import flux_into
from ecsmpi.rxd.model_reset import refuse_forgotten
from ecsmpi.rxd.node import NodeExtracellular
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.profiles import concentration_profile, one_concentration
from ecsmpi.rxd.species_arithmetic import SpeciesArithmetic
from ecsmpi.rxd.stand_in import RxdStandIn
from ecsmpi.rxd.voxel_writes import write_of, write_of_all

if TYPE_CHECKING:
    from ecsmpi.run.simulation import Simulation
    from ecsmpi.rxd.extracellular import Extracellular
    from ecsmpi.rxd.species import Species

AXES = ("xyz", "xy", "xz", "yz", "x", "y", "z")


class SpeciesOnExtracellular(SpeciesArithmetic, RxdStandIn):
    """A species in one extracellular region, ``species[region]``.

    It does not keep the species alive: once the species is deleted, using it raises RxDException.

    Any rank may read and set concentrations at any time, without the other ranks. A rank reads the
    concentrations at the end of the last step that it took part in. It reads at once what it sets
    itself; ranks that do not set the same read it from the next step on.

    Attributes
    ----------
    region : Extracellular
        The region.

    Examples
    --------
    >>> n.finitialize(-65)
    1.0
    >>> k[ecs].states3d.shape
    (10, 10, 10)
    >>> k[ecs].concentration = rxd.from_function(lambda x, y, z: 3 + 0.01 * x)
    >>> k[ecs].node_by_ijk(9, 0, 0).value  # mM
    3.45
    """

    original = "species.SpeciesOnExtracellular"
    settable = ("region",)
    hidden = (
        "each",
        "node",
        "profile",
        "set_value_at",
        "set_values_at",
        "value_at",
        "values_at",
        "volumes",
        "watch",
    )

    def __init__(self, simulation: Simulation, species: Species, region: Extracellular):
        self._simulation = simulation
        # parts of the simulation, for a look-up less in each node that is read or set
        self._reading = simulation.reading
        self._solvers = simulation.solvers
        self._reference = species._held
        self.region = region
        # For fast loops over nodes: the box that answers reads, and the stamp of the simulation for
        # which it was found.
        self._seen: Any = None
        self._seen_at: int | None = None
        # (flat index of a voxel) -> bool, if the region has pointers
        self._is_set_by_pointer: Callable[[int], bool] | None = None

    @property
    def species(self) -> Species:
        """The species. Reading it raises RxDException once the species has been deleted."""
        species: Species | None = self._reference()
        if species is None:
            raise RxDException(
                "the species has been deleted: keep it in a variable as long as species[region] "
                "or its nodes are used"
            )
        refuse_forgotten(species)
        return species

    def _require_field(self) -> Any:
        """The field of this rank's planes; RxDException if the species has left the region."""
        if not self.defined_on_region(self.region):
            raise RxDException(f"species {self.species} is no longer defined on {self.region!r}")
        return self._simulation.field(self.species, self.region)

    @property
    def states3d(self) -> FloatArray:
        """(nx, ny, nz) concentrations (mM). Local.

        On one rank a live, writable view; on several ranks a read-only copy.
        """
        self._require_field()
        return self._reading.whole(self.species, self.region)

    @property
    def local(self) -> FloatArray:
        """(n, ny, nz) concentrations (mM) in the planes of this rank: a live, writable view. Local.

        The planes are those that `planes` names. Other ranks may see at once what is written to the
        view: call ``pc.barrier()`` between such a write and their reads.
        """
        self._require_field()
        return self._reading.slab(self.species, self.region)

    @property
    def planes(self) -> tuple[int, int]:
        """The x-planes [lo, hi) of the box that this rank owns. Local."""
        planes: tuple[int, int] = self._require_field().planes
        return planes

    def gather(self, root: int = 0) -> FloatArray | None:
        """All concentrations on one rank. Local.

        Parameters
        ----------
        root
            The number of the rank that gets them.

        Returns
        -------
        array or None
            (nx, ny, nz) concentrations (mM), read-only, on rank ``root``; None on the other ranks.

        Raises
        ------
        InvalidValue
            If there is no such rank.
        """
        comm = self._simulation.comm
        if root not in range(comm.size):
            raise InvalidValue(f"root must be a rank, 0 to {comm.size - 1}, got {root!r}")
        if comm.rank != root:
            return None
        box: FloatArray = self.states3d.view()
        box.flags.writeable = False
        return box

    @property
    def nodes(self) -> NodeList:
        """The nodes of all voxels, in C order."""
        return NodeList.of([(self, Voxels(self.region.box))])

    @property
    def concentration(self) -> FloatArray:
        """(voxels,) all concentrations (mM) in C order, a copy. Local.

        Set it (mM) by a number, an array of the box's shape or flat in C order, a function of a
        node, ``rxd.from_function(f)`` or ``rxd.from_file(path, dataset)``. Setting it raises
        InvalidValue for a value that is not finite or does not fit the box.
        """
        return self.nodes.value

    @concentration.setter
    def concentration(self, value: Concentrations) -> None:
        self._require_field()
        self._reading.set(self.species, self.region, write_of_all(self, value))

    @property
    def d(self) -> PerAxis:
        """Diffusion coefficient in this region, as the script gave it (um2/ms).

        Set it on every rank; it acts from the next step on.
        """
        return self.species.d_on(self.region)

    @d.setter
    def d(self, value: PerAxis) -> None:
        self.species.set_d_on(self.region, value)

    def defined_on_region(self, region: object) -> bool:
        """Whether a region is this one, and the species still has it.

        Parameters
        ----------
        region
            An extracellular region, or anything else.

        Returns
        -------
        bool
        """
        return region is self.region and bool(self.species.defined_on_region(region))

    def volumes(self, voxels: Voxels) -> FloatArray:
        """(voxels,) free volumes (um3). Local."""
        fraction = self.species.tissue_on(self.region).volume_fraction
        box = self.region.box
        return box.voxel_volume * values_at(fraction, box, voxels.array())

    def alpha_by_location(
        self, locs: Iterable[tuple[float, float, float]]
    ) -> float | FloatArray | Species:
        """The volume fraction (dimensionless) at some places. Local.

        Parameters
        ----------
        locs
            Points (x, y, z), in um.

        Returns
        -------
        float, array or species
            One number if all voxels have the same, else (places,) numbers; dimensionless.

        Raises
        ------
        RxDException
            If a point is outside the box, and the fraction varies.
        """
        if not isinstance(self.region.tissue.volume_fraction, Profile):
            return self.region.alpha
        flat = [self.node_by_location(*place).voxel_index for place in locs]
        return self.region.volume_fractions(np.array(flat, dtype=np.int64))

    def extent(self, axes: str) -> list[float]:
        """The ends of the box along some axes. Local.

        Parameters
        ----------
        axes
            "xyz", "xy", "xz", "yz", "x", "y" or "z".

        Returns
        -------
        list of float
            Such as [xlo, xhi, zlo, zhi] (um).

        Raises
        ------
        RxDException
            For other axes.
        """
        if axes not in AXES:
            raise RxDException(f"axes must be one of {', '.join(AXES)}, got {axes!r}")
        box = self.region.box
        ends = []
        for axis in axes:
            number = "xyz".index(axis)
            ends += [box.lo[number], box.hi[number]]
        return ends

    def values_at(self, voxels: Voxels) -> FloatArray:
        """(voxels,) concentrations (mM), a copy. Local."""
        self._require_field()
        return self._reading.values(self.species, self.region, voxels)

    def set_values_at(self, voxels: Voxels, value: Concentrations) -> None:
        """Set concentrations by a number, (voxels,) numbers or a function of a node (mM). Local."""
        self._require_field()
        self._reading.set(self.species, self.region, write_of(self, voxels, value))

    def profile(self, value: Concentrations, what: str | None = None) -> Profile:
        """The profile (mM) of what `concentration` may be set to; messages call it ``what``."""
        return concentration_profile(what or f"concentration of {self.species}", self, value)

    def node_by_location(self, x: float, y: float, z: float) -> NodeExtracellular:
        """The node of the voxel that holds a point. Local.

        Parameters
        ----------
        x, y, z
            The point (um). One on the upper face belongs to the last voxel.

        Returns
        -------
        NodeExtracellular

        Raises
        ------
        RxDException
            If the point is outside the box.
        """
        flat = int(self.region.box.index_of([[x, y, z]])[0])
        if flat < 0:
            raise RxDException(f"location ({x}, {y}, {z}) um is outside {self.region!r}")
        return self.node(flat)

    def node_by_ijk(self, i: int, j: int, k: int) -> NodeExtracellular:
        """The node of voxel (i, j, k). Local.

        Parameters
        ----------
        i, j, k
            Numbers of the voxel along x, y and z, from 0.

        Returns
        -------
        NodeExtracellular

        Raises
        ------
        RxDException
            If there is no such voxel.
        """
        shape = self.region.box.shape
        if not all(0 <= index < count for index, count in zip((i, j, k), shape)):
            raise RxDException(f"voxel ({i}, {j}, {k}) is outside the {shape} voxels of the region")
        return NodeExtracellular(self, i, j, k)

    def each(self, voxels: Voxels) -> Iterator[NodeExtracellular]:
        """The nodes of voxels, one by one."""
        return itertools.starmap(NodeExtracellular, ((self, *ijk) for ijk in voxels.ijk()))

    def node(self, flat: int) -> NodeExtracellular:
        """The node of a voxel, by its flat index in C order."""
        _, ny, nz = self.region.box.shape
        return NodeExtracellular(self, flat // (ny * nz), flat // nz % ny, flat % nz)

    def value_at(self, i: int, j: int, k: int) -> float:
        """Concentration in a voxel (mM). Local."""
        if self._seen_at != self._reading.stamp:
            self._look()
        if self._is_set_by_pointer is not None and self._is_set_by_pointer(self._flat(i, j, k)):
            self._reading.apply_pointer_writes()
            self._look()
        if self._seen is not None:
            value: float = self._seen.item(i, j, k)
            return value
        return self._reading.value(self.species, self.region, self._flat(i, j, k))

    def _look(self) -> None:
        """Keep the box that answers reads until something changes: loops over nodes are fast."""
        self._require_field()
        pointers = self._simulation.space(self.region).pointers
        is_set = partial(pointers.is_set, self.species.key) if pointers else None
        # past the checks of RxdStandIn, which would take longer than all the rest
        set_attribute = object.__setattr__
        set_attribute(self, "_seen", self._reading.kept(self.species, self.region))
        set_attribute(self, "_seen_at", self._reading.stamp)
        set_attribute(self, "_is_set_by_pointer", is_set)

    def set_value_at(self, i: int, j: int, k: int, concentration: Any) -> None:
        """Set the concentration in a voxel (mM); InvalidValue if it is not finite. Local."""
        value = concentration
        if type(value) is not float:
            value = one_concentration("node.value", value)
        if not math.isfinite(value):
            raise InvalidValue(f"node.value must be finite, got {value}")
        if self._seen_at != self._reading.stamp:
            self._look()
        if self._is_set_by_pointer is not None:
            # what was set through pointers came before this value
            self._reading.apply_pointer_writes()
            pointers = self._simulation.space(self.region).pointers
            pointers.show(self.species.key, self._flat(i, j, k), value)
        if self._solvers.comm.size == 1:
            self._seen[i, j, k] = value
            self._reading.touch()
        else:
            self._reading.set_one(self.species, self.region, self._flat(i, j, k), value)

    def _flat(self, i: int, j: int, k: int) -> int:
        _, ny, nz = self.region.box.shape
        return (i * ny + j) * nz + k

    def _include_flux(self, voxels: Voxels, source: tuple[Any, ...], units: str) -> None:
        """See `NodeExtracellular.include_flux`. Local; during a run to be called on every rank."""
        self._require_field()
        flux = flux_into(self, voxels, source, units)
        self._simulation.add_flux(self.species, self.region, flux)

    def watch(self, i: int, j: int, k: int) -> Any:
        """NEURON's pointer to the concentration in a voxel. Local."""
        self._require_field()
        return self._simulation.point(self.species, self.region, self._flat(i, j, k))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpeciesOnExtracellular):
            return False
        return self._reference is other._reference and self.region is other.region

    def __hash__(self) -> int:
        return hash((id(self._reference), id(self.region)))

    def __repr__(self) -> str:
        return f"{self.species}[{self.region!r}]"

    def __str__(self) -> str:
        return f"{self.species}[ecs]"
