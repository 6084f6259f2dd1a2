"""A species inside cells and in the extracellular space: NEURON's within, ecsmpi's without, under
one name.
"""

from __future__ import annotations

import weakref

import numpy as np

from ecsmpi.neuron_api.expressions import is_voltage, leaves, replaced
from ecsmpi.neuron_api.intracellular_species import living_species, species_of
from ecsmpi.neuron_api.rxd_names import (
    InsidePart as SpeciesOnRegion,
)
from ecsmpi.neuron_api.rxd_names import (
    InsideSpecies as Species,
)
from ecsmpi.neuron_api.rxd_names import (
    SpeciesMathable,
)
from ecsmpi.rxd.arithmetic import Arithmetic
from ecsmpi.rxd.compat import RxDException, RxdStandIn, refuse_unknown_names
from ecsmpi.rxd.forgetting import made_inside
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.region_arguments import are_none, listed, warn_of_none
from ecsmpi.rxd.session import simulation

_halves = weakref.WeakSet()  # NEURON's


class TransmembraneSpecies(Arithmetic, RxdStandIn):
    """What Species, Parameter and State make for regions on both sides of the membrane.

    ``k[region]`` is its part in a region, as NEURON or ecsmpi has it. What is set on it is set on
    both halves.
    """

    original = "Species"

    def __init__(self, within, without):
        self._within, self._without = within, without
        without._whole = weakref.ref(self)
        _halves.add(within)

    def __getitem__(self, region):
        """Its part in one of the regions."""
        return (self._without if region in self._without.regions else self._within)[region]

    @property
    def regions(self) -> list:
        """The regions, first those inside cells."""
        return [*self._within.regions, *self._without.regions]

    @property
    def nodes(self):
        """The nodes, first those inside cells; `nodes(region)` has those of a region alone."""
        return NodesOfBothSides(self._within.nodes, self._without.nodes)

    def defined_on_region(self, region) -> bool:
        """Whether it has the region."""
        return region in self.regions

    def re_init(self) -> None:
        """Set it to what the segments hold inside and outside. Collective."""
        self._within.re_init()
        self._without.re_init()

    def __repr__(self):
        return f"{self._without!r} and inside cells"

    def __str__(self):
        return str(self._without)


def _of_both(name: str) -> property:
    def read(self):
        return getattr(self._without, name)

    def write(self, value):
        setattr(self._within, name, value)
        setattr(self._without, name, value)

    return property(read, write, doc=f"{name} of both halves.")


for _name in ("d", "name", "charge", "initial", "value", "represents"):
    setattr(TransmembraneSpecies, _name, _of_both(_name))


def _rate_of_both(name: str) -> property:
    def read(self):
        return getattr(self._without, name)

    def write(self, rate):
        setattr(self._within, name, within(rate))
        setattr(self._without, name, without(rate))

    return property(read, write, doc=f"{name} of both halves; set it on every rank.")


@refuse_unknown_names
class NodesOfBothSides:
    """Nodes of NEURON's and of ecsmpi's."""

    def __init__(self, within, without):
        self._lists = within, without

    def __call__(self, condition):
        """The nodes that satisfy a condition: of the one half that knows it, or of both."""
        found = []
        for nodes in self._lists:
            try:
                found.append(nodes(condition))
            except RxDException:
                pass  # neither a region nor a place of this half
        kept = [nodes for nodes in found if len(nodes)]
        return kept[0] if len(kept) == 1 else NodesOfBothSides(*kept) if kept else found[0]

    def __iter__(self):
        for nodes in self._lists:
            yield from nodes

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    def __getitem__(self, at: int):
        """One of the nodes, by its number."""
        at = range(len(self))[at]
        for nodes in self._lists:
            if at < len(nodes):
                return nodes[at]
            at -= len(nodes)

    @property
    def value(self) -> np.ndarray:
        """Concentrations (mM) of all nodes; set by a number, or one for each. Collective."""
        return np.concatenate([nodes.value for nodes in self._lists])

    @value.setter
    def value(self, given) -> None:
        if np.ndim(given) and len(given) != len(self):
            raise RxDException(
                f"concentration needs one number, or one for each of {len(self)} nodes, got {len(given)}"
            )
        end = 0
        for nodes in self._lists:
            begin, end = end, end + len(nodes)
            nodes.value = given[begin:end] if np.ndim(given) else given

    concentration = value


NodeList.register(NodesOfBothSides)


def whole(species):
    """The species on both sides whose extracellular half this is, or the species itself."""
    made = getattr(species, "_whole", None)
    return made() if made else species


def every_species() -> list:
    """All of the script's, as it has them, first those that are outside."""
    return [
        *map(whole, simulation.registry.scripts_species),
        *(one for one in living_species() if one not in _halves),
    ]


def is_half(leaf) -> bool:
    """Whether it is NEURON's half of a species on both sides, or its part in a region."""
    owner = species_of(leaf) if isinstance(leaf, SpeciesOnRegion) else leaf
    return isinstance(owner, Species) and owner in _halves


class HalvesOfReaction:
    """A rate or reaction on both sides of the membrane; it ends with its name."""

    def __init__(self, within, without):
        self._within, self._without = within, without

    def __repr__(self):
        return f"{self._without!r} and inside cells"


for _name in ("f_rate", "b_rate"):
    setattr(HalvesOfReaction, _name, _rate_of_both(_name))
refuse_unknown_names(HalvesOfReaction)


def names_both_sides(args: tuple, kwargs: dict) -> bool:
    """Whether a species on both sides is named among arguments."""
    return any(
        isinstance(leaf, TransmembraneSpecies)
        for one in (*args, *kwargs.values())
        for leaf in leaves(one)
    )


def without(given):
    """An argument with the extracellular halves of what is on both sides."""
    return replaced(
        given, lambda leaf: leaf._without if isinstance(leaf, TransmembraneSpecies) else leaf
    )


def within(given):
    """An argument with NEURON's halves of what is on both sides."""
    return replaced(
        given, lambda leaf: leaf._within if isinstance(leaf, TransmembraneSpecies) else leaf
    )


def on_both_sides(kind, original, args: tuple, kwargs: dict):
    """The halves of a rate or reaction that names species on both sides, one of NEURON's class and
    one of ours, ``kind``.

    Where the other species or the regions leave one side, NEURON's half alone; or None, for an
    extracellular one. RxDException where no side has all that it names.
    """
    if kind.original == "Rate":
        args, kwargs = args[:2], dict(zip(("regions", "membrane_flux"), args[2:])) | kwargs
    if are_none(kwargs.get("regions")):
        warn_of_none(f"{kind.original}({', '.join(map(str, args))})", frames=2)
        return original(
            *map(within, args), **{name: within(given) for name, given in kwargs.items()}
        )
    named = [leaf for one in (*args, *kwargs.values()) for leaf in leaves(one)]
    regions = listed(kwargs.get("regions")) or []
    outside = [region for region in regions if isinstance(region, RxdStandIn)]
    inside = [region for region in regions if not isinstance(region, RxdStandIn)]
    is_inside = not any(map(_outside_only, named)) and (inside or not regions)
    is_outside = not any(map(_inside_only, named)) and (outside or not regions)
    if not (is_inside or is_outside):
        raise RxDException(
            f"no side of the membrane has all species of {', '.join(map(str, args))}: say which region each is in, and use a "
            "MultiCompartmentReaction where a reaction crosses the membrane"
        )
    if not is_inside:
        return None
    if kwargs.get("where") is not None:
        raise RxDException(
            "where= is for the extracellular space: say regions=..., or make one reaction for each side"
        )
    half = original(*map(within, args), **_with_regions(kwargs, inside, within))
    made_inside.add(half)
    return (
        HalvesOfReaction(half, kind(*map(without, args), **_with_regions(kwargs, outside, without)))
        if is_outside
        else half
    )


def _with_regions(kwargs: dict, regions: list, half) -> dict:
    return {name: half(given) for name, given in kwargs.items() if name != "regions"} | (
        {"regions": regions} if regions else {}
    )


def _outside_only(leaf) -> bool:
    return isinstance(leaf, Arithmetic) and not isinstance(leaf, TransmembraneSpecies)


def _inside_only(leaf) -> bool:
    return (
        is_voltage(leaf) or isinstance(leaf, SpeciesMathable) and not isinstance(leaf, Arithmetic)
    )
