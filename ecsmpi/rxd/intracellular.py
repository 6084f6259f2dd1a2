"""What happens inside cells is NEURON's own: its regions, species, reactions, through the same
import.

Nothing of an extracellular region is in it; what joins both sides is in across.py.
"""

from __future__ import annotations

from ecsmpi.neuron_api.expressions import leaves
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.rxd.compat import RxdStandIn

OWN = """
    Region membrane inside Shell FractionalVolume FixedCrossSection FixedPerimeter ScalableBorder DistributedBoundary
    MultipleGeometry geometry v rxdmath constants set_solve_type
""".split()


def sides(regions) -> tuple[list, list]:
    """The regions of NEURON's cells, and whatever else there is."""
    found = list(regions) if hasattr(regions, "__iter__") else [regions]
    inside = [region for region in found if isinstance(region, neuron_rxd.Region)]
    return inside, [region for region in found if not isinstance(region, neuron_rxd.Region)]


def names_extracellular(args: tuple, kwargs: dict) -> bool:
    """Whether an extracellular species or region is named among arguments."""
    given = (part for one in (*args, *kwargs.values()) for part in _parts(one))
    return any(isinstance(leaf, RxdStandIn) for part in given for leaf in leaves(part))


def _parts(given) -> list:
    return list(given) if isinstance(given, (list, tuple)) else [given]
