"""What a script has described: species, regions and reactions, and which laws hold where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import lifetimes
from ecsmpi.neuron_api.lifetimes import Living, ScriptReference
from ecsmpi.reactions.rate_law import Law
from ecsmpi.run.model_parts import ModelReaction, ModelRegion, ModelSpecies


def _nothing() -> None:
    """Default of `ModelRegistry.on_change`."""


class ModelRegistry:
    """All regions, species and reactions of a script, in the order they were made. Local.

    For what these objects have see `model_parts`.

    The registry holds all of them weakly. An object that the script drops is gone at once. An
    object that Python's collector ends, which may happen on one rank alone and in any step, takes
    part until the next finitialize.

    Attributes
    ----------
    version : int
        Changes with each change of what there is.
    made_in : int
        Number of the description that objects made from now on belong to; see `forget`.
    on_change : callable
        Called after each change of what there is.
    """

    def __init__(self, on_change: Callable[[], None] = _nothing):
        self.on_change = on_change
        self.version = 0
        self.made_in = 0
        self._species = Living(self.redescribe)
        self._reactions = Living()

    def add(self, species: ModelSpecies) -> ScriptReference:
        """Let a species take part from the next finitialize on; returns a weak reference to it."""
        return self._species.add(species)

    def replace(self, species: Any) -> None:
        """Forget a species whose place another one takes, whoever still holds it."""
        self._species.replace(species)

    @staticmethod
    def reference(species: Any) -> ScriptReference:
        """The weak reference to a species that `add` made."""
        return species._held

    def add_reaction(self, reaction: ModelReaction) -> None:
        """Let a reaction take part from the next step on."""
        self._reactions.add(reaction)

    def redescribe(self) -> None:
        """Take note that a species has come or gone, or has another name, charge or regions."""
        self.version += 1
        self.on_change()

    def forget(self) -> None:
        """Forget everything. Objects made before belong to another description."""
        self.made_in += 1
        self._species.clear()
        self._reactions.clear()

    def let_go(self, *others: Living) -> None:
        """Forget what the script has dropped, here and in other groups. Local.

        It comes before a plan, or where nothing goes on.
        """
        lifetimes.let_go(self._species, self._reactions, *others)

    @property
    def scripts_species(self) -> list:
        """The species that the script holds."""
        return self._species.scripts

    @property
    def species(self) -> list:
        """The species that take part: those that have regions."""
        return [species for species in self._species.acting if species.regions]

    @property
    def reactions(self) -> list:
        """The rates and reactions that take part."""
        return self._reactions.acting

    @property
    def regions(self) -> list:
        """The regions with species, in the order of their first use."""
        found: dict[Any, None] = {}
        for species in self.species:
            found.update(dict.fromkeys(species.regions))
        return list(found)

    def species_in(self, region: ModelRegion) -> list:
        """The species in a region."""
        return [species for species in self.species if region in species.regions]

    def neighbours(self, region: ModelRegion) -> list:
        """The other regions on the same grid; a rate in this region may read their species."""
        return [other for other in self.regions if other is not region and other.box == region.box]

    # names in files and messages

    def labels(self) -> list[str]:
        """The label of each of `species`: its name; species without one are numbered."""
        return [one.name or f"species{number}" for number, one in enumerate(self.species)]

    def label(self, species: ModelSpecies) -> str:
        """The label of one species."""
        return species.name or f"species{self.species.index(species)}"

    def by_label(self) -> dict[str, list]:
        """{label: species}. Several species may share a name, each in other regions."""
        found: dict[str, list] = {}
        for label, species in zip(self.labels(), self.species):
            found.setdefault(label, []).append(species)
        return found

    # reactions

    def in_order_of_reacting(self) -> list:
        """The regions in the order of their reactions: that of the last made reaction first.

        NEURON has this order: a rate sees to what values other regions have come.
        """
        used: dict[Any, None] = {}
        for reaction in self.reactions:
            used.update(dict.fromkeys(reaction.regions))
        regions = self.regions
        reacting = [region for region in reversed(list(used)) if region in regions]
        return reacting + [region for region in regions if region not in used]

    def laws(self, region: ModelRegion) -> list[Law]:
        """The laws that hold in a region.

        Their numbers count the region's species, then those of its neighbours.
        """
        numbers: dict[tuple, int] = {}
        for each in (region, *self.neighbours(region)):
            for species in self.species_in(each):
                numbers[species.key, each] = len(numbers)
        found = []
        for reaction in self.reactions:
            law = reaction.law(region, numbers)
            if law is not None:
                found.append(law)
        return found

    def described_laws(self) -> list[str]:
        """Text for each law in each region."""
        found: list[str] = []
        for region in self.regions:
            found += map(described, self.laws(region))
        return found


def described(law: Law) -> str:
    """Text for a law: its rate, and what it changes."""
    return f"{law.rate} changes {law.changes}"
