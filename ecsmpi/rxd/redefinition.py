"""Species made again under the same name, such as by a notebook's cell that is run twice."""

from __future__ import annotations

import gc

from ecsmpi.neuron_api import intracellular_solver
from ecsmpi.neuron_api.intracellular_species import regions_with, sections_of_region
from ecsmpi.rxd.compat import RxDException
from ecsmpi.rxd.forgetting import made_inside

LEFTOVER = (
    "if the older one is a leftover, drop it first (`del` its name; in a notebook also `%reset -f out`, as Out[...] holds "
    "what a cell ended with), or call rxd.reset() to begin anew"
)


def species_inside(kind, regions: list, args: tuple, kwargs: dict):
    """NEURON's species of a kind, inside cells; one of the name that only a reference cycle holds
    makes way. Local.

    Raises RxDException where another one of the name lives there. (NEURON raises, too, and takes
    the next one for the first.)
    """
    if (
        intracellular_solver.is_initialized()
    ):  # else NEURON looks at its first initialisation, before which garbage is collected
        name = kwargs.get("name", args[1] if len(args) > 1 else None)
        if _taken(name, regions):
            gc.collect()
        if taken := _taken(name, regions):
            raise RxDException(
                f'species "{name}" is already defined on {taken[0]!r}: give it another name; {LEFTOVER}'
            )
        intracellular_solver.tidy()
    made = kind(regions, *args, **kwargs)
    made_inside.add(made)
    return made


def _taken(name: str | None, regions: list) -> list:
    """NEURON's regions with a species of the name that are among these, or on the same side of the
    same sections.
    """
    known = regions_with(name)
    return [other for other in known if any(_overlap(region, other) for region in regions)]


def _overlap(region, other) -> bool:
    if region is other:
        return True
    side = getattr(other, "nrn_region", None)
    sections = sections_of_region(region) & sections_of_region(other)
    return bool(sections) and side is not None and region.nrn_region == side
