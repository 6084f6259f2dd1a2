"""Rate laws, and the groups of laws that are compiled and solved together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ecsmpi.reactions.expression import Concentration, Expression, Tree, concentrations_in


@dataclass(frozen=True)
class Law:
    """A rate, and how much of each species it makes: dc_s/dt = changes[s] * rate.

    Parameters
    ----------
    rate : tree
        Its leaves are concentrations (mM) and other values, such as the voltage (mV). Its value is
        in mM/ms, or in molecules/ms across a membrane.
    changes : dict
        {number of a species: factor}, negative for a species that is consumed. A factor may be an
        expression of fields that no law changes, such as the volume that an amount enters.
    label : str
        What messages call the law.
    where : bool, optional
        Where the law acts: (n, ny, nz) voxels of this slab, or (places,) segments. None for all.
    """

    rate: Tree
    changes: dict[int, int | Expression]
    label: str
    where: np.ndarray | None = field(default=None, compare=False)

    @cached_property
    def reads(self) -> tuple[int, ...]:
        """Numbers of the species in its rate and factors, from left to right, with repetitions."""
        found = concentrations_in(self.rate)
        for factor in self.changes.values():
            found += concentrations_in(factor)
        return tuple(leaf.number for leaf in found)


@dataclass(frozen=True)
class LawGroup:
    """Laws that act in the same places and share one compiled module.

    A group is made once, where laws are planned. Everything that code and steps need to know of
    the laws is derived here, once for each group.
    """

    laws: tuple[Law, ...]

    @cached_property
    def fields(self) -> tuple[int, ...]:
        """Numbers of the species that the laws read or change, in the order of first mention.

        The compiled code takes the fields in this order. So it does not depend on the numbers that
        other species of the model have, to the last bit.
        """
        numbers: list[int] = []
        for law in self.laws:
            numbers += law.reads
        for law in self.laws:
            numbers += law.changes
        return tuple(dict.fromkeys(numbers))

    @cached_property
    def changed(self) -> tuple[int, ...]:
        """Numbers of the species that the laws change, in the order of first mention."""
        numbers: list[int] = []
        for law in self.laws:
            for number, factor in law.changes.items():
                if not (isinstance(factor, int) and factor == 0):
                    numbers.append(number)
        return tuple(dict.fromkeys(numbers))

    @cached_property
    def alike(self) -> tuple[tuple[Law, ...], ...]:
        """The laws, those with the same rate together, in the order of first mention."""
        place = self._place
        found: dict[str, list[Law]] = {}
        for law in self.laws:
            found.setdefault(_canonical_text(law.rate, place), []).append(law)
        return tuple(map(tuple, found.values()))

    @property
    def solved_by_rates(self) -> bool:
        """Whether a step's linear system is that of the rates, rather than that of the species."""
        return len(self.alike) <= len(self.changed)

    @property
    def _place(self) -> dict[int, int]:
        """{number of a species: its place in `fields`}."""
        return dict(zip(self.fields, range(len(self.fields))))

    @cached_property
    def key(self) -> str:
        """The canonical text of the laws: groups with the same key have the same code.

        Species are called by their places in `fields`, so groups that differ in the numbers of
        their species alone have the same key.
        """
        place = self._place
        texts = []
        for law in self.laws:
            changes = []
            for number, factor in law.changes.items():
                changes.append((place[number], _canonical_text(factor, place)))
            texts.append(f"{_canonical_text(law.rate, place)} changes {sorted(changes)}")
        return "; ".join(texts)

    def everywhere(self) -> LawGroup:
        """The same laws without their masks, as another process needs them to make code."""
        return LawGroup(tuple(replace(law, where=None) for law in self.laws))


def independent_groups(laws: Sequence[Law]) -> list[LawGroup]:
    """Split laws into groups, none of which changes a species that another one reads or changes."""
    changed = set(LawGroup(tuple(laws)).changed)
    found: list[tuple[set[int], list[int]]] = []  # (species that change, places in laws)
    for place, law in enumerate(laws):
        species = changed.intersection([*law.reads, *law.changes])
        places = [place]
        others = []
        for group in found:
            if group[0].isdisjoint(species):
                others.append(group)
            else:
                species |= group[0]
                places += group[1]
        found = [*others, (species, places)]
    groups = []
    for _, places in found:
        members = [laws[place] for place in sorted(places)]
        groups.append(LawGroup(tuple(members)))
    return groups


def _canonical_text(tree: Tree, place: dict[int, int]) -> str:
    if isinstance(tree, Expression):
        arguments = [_canonical_text(argument, place) for argument in tree.arguments]
        return f"{tree.operation}({', '.join(arguments)})"
    return f"c{place[tree.number]}" if isinstance(tree, Concentration) else repr(tree)
