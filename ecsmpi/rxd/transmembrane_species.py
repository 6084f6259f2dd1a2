"""Species on both sides of the membrane: NEURON's inside cells and ecsmpi's outside, as one."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ecsmpi.description.profiles import FloatArray
from ecsmpi.neuron_api.expressions import leaves, replaced
from ecsmpi.neuron_api.intracellular_species import living_species, species_of
from ecsmpi.neuron_api.rxd_names import InsidePart, InsideSpecies
from ecsmpi.rxd.argument_types import Region
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species_arithmetic import SpeciesArithmetic
from ecsmpi.rxd.stand_in import FixedAttributes, RxdStandIn

# NEURON's halves of the species on both sides
_halves: weakref.WeakSet[Any] = weakref.WeakSet()


def _of_both(name: str, doc: str) -> property:
    """A property that reads the extracellular half and sets both."""

    def read(self: TransmembraneSpecies) -> Any:
        return getattr(self._without, name)

    def write(self: TransmembraneSpecies, value: Any) -> None:
        setattr(self._within, name, value)
        setattr(self._without, name, value)

    return property(read, write, doc=doc)


class TransmembraneSpecies(SpeciesArithmetic, RxdStandIn):
    """A species with regions inside cells and extracellular ones.

    ``rxd.Species``, ``rxd.Parameter`` and ``rxd.State`` make it if their regions lie on both sides.
    ``k[region]`` is the species in one region, as NEURON or ecsmpi has it. Setting an attribute
    sets it on both sides; set it on every rank.
    """

    original = "Species"

    d = _of_both("d", "Diffusion coefficient (um2/ms), as given; setting it sets both sides.")
    name = _of_both("name", "The name of the ion; setting it sets both sides.")
    charge = _of_both("charge", "The charge of the ion (elementary charges).")
    initial = _of_both(
        "initial", "Initial concentration (mM), as given; setting it sets both sides."
    )
    value = _of_both("value", "The value of a Parameter, as given, in its own unit.")
    represents = _of_both("represents", "A label of an ontology.")

    def __init__(self, within: Any, without: Any):
        self._within = within
        self._without = without
        without._whole = weakref.ref(self)
        _halves.add(within)

    def __getitem__(self, region: Region) -> Any:
        """The species in one of its regions: ``k[ecs]``, ``k[cytosol]``. Local.

        Parameters
        ----------
        region
            One of the species' regions.

        Returns
        -------
        SpeciesOnExtracellular, or NEURON's species in a region
        """
        half = self._without if region in self._without.regions else self._within
        return half[region]

    @property
    def regions(self) -> list[Any]:
        """The regions, first those inside cells."""
        return [*self._within.regions, *self._without.regions]

    @property
    def nodes(self) -> NodesOfBothSides:
        """The nodes, first those inside cells; ``nodes(region)`` are the nodes of one region."""
        return NodesOfBothSides(self._within.nodes, self._without.nodes)

    def defined_on_region(self, region: object) -> bool:
        """Whether the species has a region.

        Parameters
        ----------
        region
            A region, or anything else.

        Returns
        -------
        bool
        """
        return region in self.regions

    def re_init(self) -> None:
        """Set the species to the concentrations (mM) of segments, on both sides. Collective."""
        self._within.re_init()
        self._without.re_init()

    def __repr__(self) -> str:
        return f"{self._without!r} and inside cells"

    def __str__(self) -> str:
        return str(self._without)


class NodesOfBothSides(FixedAttributes):
    """The nodes of a species on both sides of the membrane: NEURON's, then ecsmpi's."""

    def __init__(self, *lists: Any):
        self._lists = lists
        self._is_complete = True

    def __call__(self, condition: Any) -> Any:
        """The nodes that meet a condition: of the side that knows the condition, or of both.

        Parameters
        ----------
        condition
            A region, a section, a segment, a point (x, y, z) in um or a function of a node.

        Returns
        -------
        NodeList, NodesOfBothSides, or NEURON's list of nodes
        """
        found = []
        for nodes in self._lists:
            with suppress(RxDException):  # for a region or place of the other side
                found.append(nodes(condition))
        chosen = [nodes for nodes in found if len(nodes)]
        if not chosen:
            return found[0]
        return chosen[0] if len(chosen) == 1 else NodesOfBothSides(*chosen)

    def __iter__(self) -> Iterator[Any]:
        for nodes in self._lists:
            yield from nodes

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    def __getitem__(self, place: int) -> Any:
        """The node at a place of the list.

        Parameters
        ----------
        place
            The place, from 0; a negative one counts from the end.

        Returns
        -------
        NodeExtracellular, or NEURON's node

        Raises
        ------
        IndexError
            If there is no such place.
        """
        place = range(len(self))[place]
        for nodes in self._lists:
            if place < len(nodes):
                return nodes[place]
            place -= len(nodes)
        raise IndexError(f"no node {place}")

    @property
    def value(self) -> FloatArray:
        """(nodes,) concentrations (mM). Local.

        Set it by a number, or by (nodes,) numbers. Raises RxDException for an array of another
        length.
        """
        return np.concatenate([nodes.value for nodes in self._lists])

    @value.setter
    def value(self, value: Any) -> None:
        is_array = bool(np.ndim(value))
        if is_array and len(value) != len(self):
            raise RxDException(
                f"concentration needs one number, or one for each of {len(self)} nodes, "
                f"got {len(value)}"
            )
        begin = 0
        for nodes in self._lists:
            end = begin + len(nodes)
            nodes.value = value[begin:end] if is_array else value
            begin = end

    concentration = value


NodeList.register(NodesOfBothSides)


def whole(species: Any) -> Any:
    """The species on both sides whose extracellular half is given; any other species as it is."""
    reference = getattr(species, "_whole", None)
    return reference() if reference else species


def every_species() -> list[Any]:
    """All species of the script, as it has them: first those with extracellular regions."""
    inside = [species for species in living_species() if species not in _halves]
    return [*map(whole, simulation.registry.scripts_species), *inside]


def is_half(leaf: Any) -> bool:
    """Whether a leaf is NEURON's half of a species on both sides, whole or in one region."""
    owner = species_of(leaf) if isinstance(leaf, InsidePart) else leaf
    return isinstance(owner, InsideSpecies) and owner in _halves


def names_both_sides(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a species on both sides is named among arguments."""
    for argument in (*args, *kwargs.values()):
        if any(isinstance(leaf, TransmembraneSpecies) for leaf in leaves(argument)):
            return True
    return False


def without(argument: Any) -> Any:
    """An argument with the extracellular halves in place of species on both sides."""
    return replaced(argument, _outer_half)


def within(argument: Any) -> Any:
    """An argument with NEURON's halves in place of species on both sides."""
    return replaced(argument, _inner_half)


def _outer_half(leaf: Any) -> Any:
    return leaf._without if isinstance(leaf, TransmembraneSpecies) else leaf


def _inner_half(leaf: Any) -> Any:
    return leaf._within if isinstance(leaf, TransmembraneSpecies) else leaf
