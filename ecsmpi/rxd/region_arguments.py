"""The argument `regions` of rates and reactions: some regions, none, or not given."""

from __future__ import annotations

import warnings
from typing import Any

from ecsmpi.rxd.session import simulation


def regions_or_none(regions: Any) -> list[Any] | None:
    """The regions as a list; None if the argument is not given, which means all regions.

    As in neuron.rxd, ``[None]`` means None.
    """
    if regions is None:
        return None
    if isinstance(regions, (list, tuple)) and len(regions) == 1 and regions[0] is None:
        return None
    return list(regions) if hasattr(regions, "__len__") else [regions]


def region_list(regions: Any) -> list[Any]:
    """The regions as a list, which is empty if the argument is not given."""
    return regions_or_none(regions) or []


def is_empty_list(regions: Any) -> bool:
    """Whether a script gives an empty list of regions, for which neuron.rxd does nothing."""
    return regions_or_none(regions) == []


def warn_of_empty_list(what: str, frames: int) -> None:
    """Warn on rank 0 that a rate or reaction acts nowhere.

    Parameters
    ----------
    what
        The rate or reaction.
    frames
        How many calls lie between the script's line and the caller.
    """
    if simulation.comm.rank == 0:
        warnings.warn(
            f"{what} has regions=[], so it acts nowhere in the extracellular space, as in NEURON: "
            "leave regions out, or give None, to let it act wherever its species are",
            stacklevel=frames + 2,
        )
