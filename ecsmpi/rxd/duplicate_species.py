"""Two species of one name, as when a notebook's cell runs twice: refuse, or drop the leftover."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from ecsmpi.neuron_api import intracellular_solver
from ecsmpi.neuron_api.intracellular_species import regions_with, sections_of_region
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.model_reset import made_inside
from ecsmpi.rxd.session import simulation

if TYPE_CHECKING:
    from ecsmpi.rxd.species import Species

CURE = (
    "if the older one is a leftover, drop it first (`del` its name; in a notebook also "
    "`%reset -f out`, as Out[...] holds what a cell ended with), or call rxd.reset() to begin anew"
)


def made_inside_cells(
    kind: Any, regions: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A new species of NEURON's in regions inside cells. Local.

    An older species of the same name that only a reference cycle holds is collected first.

    Raises
    ------
    RxDException
        If an older species of the name still lives there. NEURON raises, too, but then takes the
        next species for the older one.
    """
    # before its first initialisation NEURON does not look: garbage is collected at that time
    if intracellular_solver.is_initialized():
        name = kwargs.get("name", args[1] if len(args) > 1 else None)
        if _regions_with(name, regions):
            gc.collect()
        occupied = _regions_with(name, regions)
        if occupied:
            raise RxDException(
                f'species "{name}" is already defined on {occupied[0]!r}: '
                f"give it another name; {CURE}"
            )
        intracellular_solver.tidy()
    species = kind(regions, *args, **kwargs)
    made_inside.add(species)
    return species


def _regions_with(name: str | None, regions: list[Any]) -> list[Any]:
    """NEURON's regions with a species of the name that overlap some regions."""
    known = regions_with(name)
    return [other for other in known if any(_overlap(region, other) for region in regions)]


def _overlap(region: Any, other: Any) -> bool:
    """Whether two regions are the same, or lie on the same side of the same sections."""
    if region is other:
        return True
    side = getattr(other, "nrn_region", None)
    sections = sections_of_region(region) & sections_of_region(other)
    return bool(sections) and side is not None and region.nrn_region == side


def refuse_duplicate(species: Species) -> None:
    """Raise RxDException if another extracellular species has the name in one of the regions.

    Also if another one has the name with another charge. Local.
    """
    if _conflict(species) is None:
        return
    simulation.let_go()  # the other one may be one that only a reference cycle holds
    message = _conflict(species)
    if message is not None:
        raise RxDException(message)


def _conflict(species: Species) -> str | None:
    """What is wrong beside the other species of the name; None if nothing is."""
    name = species.name
    if not name:
        return None
    for other in simulation.registry.scripts_species:
        if other is species or other.name != name:
            continue
        shared = [region for region in species.regions if region in other.regions]
        if shared:
            return (
                f'species "{name}" is already defined on {shared[0]!r}: give it another name, or '
                f"put all regions in one Species; {CURE}"
            )
        if other.charge != species.charge:
            return (
                f'species "{name}" has charge {other.charge} on another region, '
                f"got {species.charge}; {CURE}"
            )
    return None
