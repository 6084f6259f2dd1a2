"""Two species of one name: the second is refused, or replaces one of an earlier notebook cell.

A cell that a notebook runs again makes its species again. The older one may be held by the name
that the new one is about to get, by ``Out[...]``, or by a reaction of another cell.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

from ecsmpi.neuron_api import intracellular_solver
from ecsmpi.neuron_api.intracellular_species import (
    living_species,
    regions_of,
    regions_with,
    sections_of_region,
)
from ecsmpi.notebook import cells
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.model_reset import made_inside
from ecsmpi.rxd.session import simulation

if TYPE_CHECKING:
    from ecsmpi.rxd.species import Species

CURE = (
    "if the older one is a leftover, drop it first (`del` its name; in a notebook also "
    "`%reset -f out`, as Out[...] holds what a cell ended with), or call rxd.reset() to begin anew"
)

# {a species of NEURON's: number of the notebook's cell that made it}
_cell_of_inside: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def made_inside_cells(
    kind: Any, regions: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A new species of NEURON's in regions inside cells. Local.

    An older species of the same name goes first if only a reference cycle holds it, or if an
    earlier cell of the notebook made it.

    Raises
    ------
    RxDException
        If an older species of the name still lives there. NEURON raises, too, but then takes the
        next species for the older one.
    """
    name = kwargs.get("name", args[1] if len(args) > 1 else None)
    _replace_inside(name, regions)
    # before its first initialisation NEURON does not look: garbage is collected at that time
    if intracellular_solver.is_initialized():
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
    _cell_of_inside[species] = cells.number
    return species


def _replace_inside(name: str | None, regions: list[Any]) -> None:
    """End species of the name there that earlier cells of a notebook made."""
    older = []
    for one in living_species() if name and cells.number else []:
        is_earlier = _cell_of_inside.get(one, cells.number) < cells.number
        if is_earlier and one.name == name and _share(regions, regions_of(one)):
            older.append(one)
    intracellular_solver.forget(older)


def _share(regions: list[Any], others: list[Any]) -> bool:
    """Whether a region of one list overlaps a region of the other."""
    return any(_overlap(region, other) for region in regions for other in others)


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


def replace_older(species: Species) -> None:
    """Let a new species take the place of one that an earlier cell of a notebook made. Local.

    The older one has the same name, and a region that is the same or overlaps. Using it afterwards
    raises RxDException.
    """
    for other in _namesakes(species):
        if _is_replaced_by(species, other):
            simulation.replaced.replace(other, species)


def _is_replaced_by(species: Species, other: Species) -> bool:
    is_new = getattr(species, "_held", None) is None
    if not is_new or other._cell >= species._cell:
        return False
    pairs = [(one, region) for one in species.regions for region in other.regions]
    return any(one.box.overlaps(region.box) for one, region in pairs)


def _namesakes(species: Species) -> list[Species]:
    """The other species of the script that have the name."""
    name = species.name
    if not name:
        return []
    # the attribute, as the property would be called for each pair of a model's species
    known = simulation.registry.scripts_species
    return [one for one in known if one._name == name and one is not species]


def refuse_duplicate(species: Species) -> None:
    """Raise RxDException if another extracellular species has the name in one of the regions.

    Also if another one has the name with another charge. What `replace_older` replaces is passed
    over. Local.
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
    for other in _namesakes(species):
        if _is_replaced_by(species, other):
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
