"""Rates and reactions of species on both sides of the membrane: one of them on each side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api.expressions import is_voltage, leaves
from ecsmpi.neuron_api.rxd_names import SpeciesMathable
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.model_reset import made_inside
from ecsmpi.rxd.region_arguments import is_empty_list, region_list, warn_of_empty_list
from ecsmpi.rxd.species_arithmetic import SpeciesArithmetic
from ecsmpi.rxd.stand_in import FixedAttributes, RxdStandIn
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, within, without


def _rate_of_both(name: str, doc: str) -> property:
    """A property that reads the extracellular half and sets both."""

    def read(self: ReactionOnBothSides) -> Any:
        return getattr(self._without, name)

    def write(self: ReactionOnBothSides, rate: Any) -> None:
        setattr(self._within, name, within(rate))
        setattr(self._without, name, without(rate))

    return property(read, write, doc=doc)


class ReactionOnBothSides(FixedAttributes):
    """A rate or reaction inside cells and in the extracellular space; ``del`` ends both.

    ``rxd.Rate`` and ``rxd.Reaction`` make it of species with regions on both sides of the membrane.
    """

    f_rate = _rate_of_both(
        "f_rate",
        "Forward rate on both sides, as given (complete ones in mM/ms); set it on every rank.",
    )
    b_rate = _rate_of_both(
        "b_rate",
        "Backward rate on both sides, as given (complete ones in mM/ms); set it on every rank.",
    )

    def __init__(self, within: Any, without: Any):
        self._within = within
        self._without = without
        self._is_complete = True

    def __repr__(self) -> str:
        return f"{self._without!r} and inside cells"


def on_both_sides(kind: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A rate or reaction that names species on both sides of the membrane.

    Parameters
    ----------
    kind, original
        ecsmpi's class, and NEURON's.
    args, kwargs
        The arguments of the script.

    Returns
    -------
    ReactionOnBothSides, NEURON's object, or None
        NEURON's object alone if the species or the regions leave out the extracellular side; None
        if they leave out the cells.

    Raises
    ------
    RxDException
        If no side has all species and regions.
    """
    if kind.original == "Rate":
        positional = dict(zip(("regions", "membrane_flux"), args[2:]))
        args = args[:2]
        kwargs = positional | kwargs
    words = ", ".join(map(str, args))
    if is_empty_list(kwargs.get("regions")):
        warn_of_empty_list(f"{kind.original}({words})", frames=2)
        inner = {name: within(argument) for name, argument in kwargs.items()}
        return original(*map(within, args), **inner)
    regions = region_list(kwargs.get("regions"))
    outside = [region for region in regions if isinstance(region, RxdStandIn)]
    inside = [region for region in regions if not isinstance(region, RxdStandIn)]
    named = []
    for argument in (*args, *kwargs.values()):
        named += leaves(argument)
    is_inside = not any(map(_is_outside_only, named)) and (inside or not regions)
    is_outside = not any(map(_is_inside_only, named)) and (outside or not regions)
    if not (is_inside or is_outside):
        raise RxDException(
            f"no side of the membrane has all species of {words}: say which region each is in, "
            "and use a MultiCompartmentReaction where a reaction crosses the membrane"
        )
    if not is_inside:
        return None
    if kwargs.get("where") is not None:
        raise RxDException(
            "where= is for the extracellular space: say regions=..., "
            "or make one reaction for each side"
        )
    half = original(*map(within, args), **_with_regions(kwargs, inside, within))
    made_inside.add(half)
    if not is_outside:
        return half
    other = kind(*map(without, args), **_with_regions(kwargs, outside, without))
    return ReactionOnBothSides(half, other)


def _with_regions(
    kwargs: dict[str, Any], regions: list[Any], half_of: Callable[[Any], Any]
) -> dict[str, Any]:
    """The keywords for one side: its halves of species, and its regions if any are given."""
    of_side = {name: half_of(value) for name, value in kwargs.items() if name != "regions"}
    if regions:
        of_side["regions"] = regions
    return of_side


def _is_outside_only(leaf: Any) -> bool:
    return isinstance(leaf, SpeciesArithmetic) and not isinstance(leaf, TransmembraneSpecies)


def _is_inside_only(leaf: Any) -> bool:
    if is_voltage(leaf):
        return True
    return isinstance(leaf, SpeciesMathable) and not isinstance(leaf, SpeciesArithmetic)
