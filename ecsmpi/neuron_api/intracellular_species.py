"""NEURON's species inside cells: which there are, where they are, and NEURON's arrays of states.

A species inside cells has a state in each segment of its sections in each of its regions. NEURON
keeps the states of all species in one array; a state is known by its row there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecsmpi.neuron_api.rxd_names import node, species


def living_species() -> list:
    """All species inside cells that still exist, in the order they were made. Local."""
    return [one for reference in species._all_species if (one := reference()) is not None]


def were_any_defined() -> bool:
    """Whether the script has defined a species inside cells. Local."""
    return bool(species._get_all_species())


def regions_with(name: str | None) -> list:
    """NEURON's regions that have a species of a name. Local."""
    return list(species._defined_species.get(name, {}))


def regions_of(inside: Any) -> list:
    """The regions of a species inside cells."""
    return list(inside._regions)


def species_and_region_of(part: Any) -> tuple[Any, Any]:
    """The species and the region of a species in a region, ``k[cytosol]``."""
    return part._species(), part._region()


def species_of(part: Any) -> Any:
    """The species of a species in a region, ``k[cytosol]``."""
    return part._species()


def sections_of_region(region: Any) -> set:
    """The sections of a region; empty where the region has none."""
    return set(getattr(region, "_secs", ()))


def sections_with_rows(inside: Any, region: Any) -> list[tuple[Any, list[int]]]:
    """(NEURON's section, rows of its states) of a species in a region, in NEURON's order. Local."""
    sections = [one for one in inside._secs if one._region is region]
    return [(one._sec, one.indices) for one in sections]


def sections_with(inside: Any, region: Any) -> list:
    """NEURON's sections of a species in a region, in the order of `sections_with_rows`. Local."""
    return [one._sec for one in inside._secs if one._region is region]


def states() -> np.ndarray:
    """(states,) of all species inside cells, mM: NEURON's own array. Local."""
    return node._get_states()


def volumes_of_states() -> np.ndarray:
    """(states,) um3 in which each state is, um2 on a membrane: NEURON's own array. Local."""
    return node._get_data()[0]


def is_membrane(region: Any) -> bool:
    """Whether a region is an area: a membrane."""
    return region._geometry.is_area()


def membrane_areas(region: Any) -> list[tuple[Any, np.ndarray]]:
    """(NEURON's section, (nseg,) um2 of membrane) of each section of a membrane's region. Local."""
    found = []
    for one in region.secs:
        areas = region._geometry.volumes1d(one)
        found.append((getattr(one, "_sec", one), areas))
    return found
