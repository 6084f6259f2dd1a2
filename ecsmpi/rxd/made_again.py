"""Species made again under the same name, such as by a notebook's cell that is run twice."""

from __future__ import annotations

import gc

from ecsmpi.rxd.forgotten import made_inside
from ecsmpi.rxd.missing import RxDException

from neuron.rxd import initializer, species as neurons  # isort: skip  (session has started MPI)

LEFTOVER = (
    "if the older one is a leftover, drop it first (`del` its name; in a notebook also `%reset -f out`, as Out[...] holds "
    "what a cell ended with), or call rxd.reset() to begin anew"
)


def species_inside(kind, regions: list, args: tuple, kwargs: dict):
    """NEURON's species of a kind, inside cells; one of the name that only a reference cycle holds makes way. Local.

    Raises RxDException, as NEURON does, where another one of the name lives there.
    """
    name = kwargs.get("name", args[1] if len(args) > 1 else None)
    if _is_taken(name, regions):
        gc.collect()
    taken = _is_taken(name, regions)
    try:
        made = kind(regions, *args, **kwargs)
    except RxDException as error:
        raise RxDException(f"{error}; {LEFTOVER}") if taken else error from None
    made_inside.add(made)
    return made


def _is_taken(name: str | None, regions: list) -> bool:
    """Whether NEURON knows a species of the name in the regions, or in others of the same side of the same sections."""
    if not initializer.is_initialized():
        return False  # NEURON looks at its first initialisation, before which garbage is collected
    known = neurons._defined_species.get(name, {})
    return any(_overlap(region, other) for other in list(known) for region in regions)


def _overlap(region, other) -> bool:
    if region is other:
        return True
    sections = set(getattr(region, "_secs", ())) & set(getattr(other, "_secs", ()))
    return bool(sections) and region.nrn_region == getattr(other, "nrn_region", None) is not None
