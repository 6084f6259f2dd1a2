"""What a script has described: its species, regions, reactions, and which of their laws hold where."""

from __future__ import annotations

from ecsmpi.neuron_api.lifetimes import Living, ScriptReference


class ModelRegistry:
    """All regions, species and reactions of a script, in the order they were made. Local.

    A species is anything with ``key``, ``regions``, ``name``, ``charge``, ``ion(region)`` and
    ``initial_profile(region)``; a region anything with ``box`` and ``tissue``; a reaction anything with
    ``key``, ``regions`` and ``law(region, numbers of species in regions)``.
    All are held weakly: those that a script drops are gone; those that Python's collector ends,
    which may be on one rank alone and in any step, go on until the next finitialize.
    """

    def __init__(self):
        self._species, self._reactions = Living(self.redescribe), Living()
        self.version = 0  # another one after each change of what there is
        self.stamp = (
            0  # another one after whatever may change what a script reads of the concentrations
        )
        self.made_in = 0  # what is made from now on belongs to the description of this number

    def add(self, species) -> ScriptReference:
        """Take part from the next finitialize on; a reference to it, which keeps it not alive."""
        return self._species.add(species)

    def forget(self) -> None:
        """There is nothing any more. Local."""
        self.made_in += 1
        self._species.clear()
        self._reactions.clear()

    def redescribe(self) -> None:
        """A species has come, gone, or another name, charge or regions. Local."""
        self.version += 1
        self.stamp += 1

    def add_reaction(self, reaction) -> None:
        """Take part from the next step on."""
        self._reactions.add(reaction)

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
        """The regions with species, in the order they were first used."""
        return list(dict.fromkeys(region for species in self.species for region in species.regions))

    def on(self, region) -> list:
        """The species in a region."""
        return [species for species in self.species if region in species.regions]

    def beside(self, region) -> list:
        """The other regions on the same grid, whose species a rate in this one may read."""
        return [other for other in self.regions if other is not region and other.box == region.box]

    def in_order_of_reacting(self) -> list:
        """The regions, that of the last made reaction first, as in NEURON: a rate sees what other
        boxes have come to.
        """
        used = list(
            dict.fromkeys(region for reaction in self.reactions for region in reaction.regions)
        )
        return [region for region in reversed(used) if region in self.regions] + [
            each for each in self.regions if each not in used
        ]

    def laws(self, region) -> list:
        """Those that hold in a region; their numbers count its species, then those beside it."""
        here = [
            (species.key, each)
            for each in (region, *self.beside(region))
            for species in self.on(each)
        ]
        numbers = {part: number for number, part in enumerate(here)}
        return [
            law for reaction in self.reactions if (law := reaction.law(region, numbers)) is not None
        ]

    def laws_in_words(self) -> list[str]:
        """Each law, in each region."""
        return [
            f"{law.rate} changes {law.changes}"
            for region in self.regions
            for law in self.laws(region)
        ]
