"""The regions that a script gives to a rate or a reaction: some, none of them, or nothing."""

from __future__ import annotations

import warnings

from ecsmpi.rxd.session import simulation


def listed(regions) -> list | None:
    """Regions as they are given: one, or several; None where nothing is said, so that all are
    meant.
    """
    if regions is None or (
        isinstance(regions, (list, tuple)) and len(regions) == 1 and regions[0] is None
    ):
        return None
    return list(regions) if hasattr(regions, "__len__") else [regions]


def are_none(regions) -> bool:
    """Whether a script gives regions and there is none among them: then neuron.rxd lets nothing
    happen.
    """
    return listed(regions) == []


def warn_of_none(what: str, frames: int) -> None:
    """Say, on rank 0, that a rate or reaction acts nowhere. frames: from the caller to the script's
    line.
    """
    if simulation.comm.rank == 0:
        warnings.warn(
            f"{what} has regions=[], so it acts nowhere in the extracellular space, as in NEURON: "
            "leave regions out, or give None, to let it act wherever its species are",
            stacklevel=frames + 2,
        )
