"""Species and regions as observers know them: species by the names that files have for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ecsmpi.files.items import Item
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, without

AnySpecies = Species | TransmembraneSpecies | str


def species_list(species: Any) -> list[Any]:
    is_one = isinstance(species, (str, Species, TransmembraneSpecies))
    return [species] if is_one else list(species)


def name_of(species: Any) -> str:
    """The name of a species in files."""
    species = without(species)
    if isinstance(species, Species):
        return simulation.registry.label(species)
    return str(species)


def region_of(species: Any, region: Any) -> Any:
    """The region as given, or that of a species that has no other.

    In another region another species may have the same name.
    """
    species = without(species)
    if region is None and isinstance(species, Species) and len(species.regions) == 1:
        return species.regions[0]
    return region


def item_list(items: Any) -> list[Any]:
    """The items as a list; ValueError names one that is not an item of a species."""
    found = [items] if isinstance(items, Item) else list(items)
    for item in found:
        is_item = isinstance(item, Item) and type(item) is not Item
        if not is_item or not isinstance(item.species, (str, Species, TransmembraneSpecies)):
            raise ValueError(
                f"items must be rxd.Field, Slice, Mean or Subvolume of a species, got {item!r}"
            )
    return found


def with_names(item: Any) -> Any:
    """An item with the name of its species in place of the species."""
    region = region_of(item.species, item.region)
    return replace(item, species=name_of(item.species), region=region)
