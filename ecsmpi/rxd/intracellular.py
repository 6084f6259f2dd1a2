"""Regions, species and reactions inside cells are NEURON's own, under the same import."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.expressions import leaves
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.rxd.stand_in import RxdStandIn

OWN = (  # names of ecsmpi.rxd that are NEURON's own objects
    "Region",
    "membrane",
    "inside",
    "Shell",
    "FractionalVolume",
    "FixedCrossSection",
    "FixedPerimeter",
    "ScalableBorder",
    "DistributedBoundary",
    "MultipleGeometry",
    "geometry",
    "v",
    "rxdmath",
    "constants",
    "set_solve_type",
)


def sides(regions: Any) -> tuple[list[Any], list[Any]]:
    """The regions inside NEURON's cells, and all other regions."""
    inside: list[Any] = []
    others: list[Any] = []
    for region in regions if hasattr(regions, "__iter__") else [regions]:
        side = inside if isinstance(region, neuron_rxd.Region) else others
        side.append(region)
    return inside, others


def names_extracellular(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an extracellular species or region is named among arguments."""
    for argument in (*args, *kwargs.values()):
        items = argument if isinstance(argument, (list, tuple)) else [argument]
        for item in items:
            if any(isinstance(leaf, RxdStandIn) for leaf in leaves(item)):
                return True
    return False
