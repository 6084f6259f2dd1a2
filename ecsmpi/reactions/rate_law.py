"""Rate laws in a box: what each reads and changes, and which belong together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecsmpi.reactions.expression import Concentration, Expression, leaves


@dataclass(frozen=True)
class Law:
    """A rate in mM/ms, and how many of each species come (or, negative, go) with it: {number: how
    many}.

    How many may be an expression of leaves that no law changes, such as the volume that an amount
    comes into. rate: of Concentration leaves. label: what messages call it. where: (n, ny, nz) the
    voxels of this slab in which it acts, or None for all.
    """

    rate: Expression
    changes: dict[int, int | Expression]
    label: str
    where: np.ndarray | None = field(default=None, compare=False)


def fields_of(laws: list[Law]) -> list[int]:
    """The numbers of the species that the laws read or change, in the order in which they name
    them.

    So the code of some laws does not depend on what else has numbers, to the last bit.
    """
    trees = (tree for law in laws for tree in (law.rate, *law.changes.values()))
    read = [leaf.number for tree in trees for leaf in leaves(tree)]
    return list(dict.fromkeys([*read, *(number for law in laws for number in law.changes)]))


def changing(laws: list[Law]) -> list[int]:
    """The numbers of the species that the laws change, in the order in which they name them."""
    return list(
        dict.fromkeys(
            number
            for law in laws
            for number, count in law.changes.items()
            if not (isinstance(count, int) and count == 0)
        )
    )


def groups(laws: list[Law]) -> list[list[Law]]:
    """The laws in groups that change nothing which another group reads or changes."""
    moving, found = set(changing(laws)), []
    for law in laws:
        touched = moving.intersection(fields_of([law]))
        joined = [group for group in found if group[0] & touched]
        found = [group for group in found if group not in joined]
        found.append(
            (
                touched.union(*(group[0] for group in joined)),
                [*(one for group in joined for one in group[1]), law],
            )
        )
    return [sorted(members, key=laws.index) for _, members in found]


def in_words(laws: list[Law]) -> str:
    """The same for laws that differ in the numbers of their species alone, in the same order: they
    have the same code.
    """
    place = {number: i for i, number in enumerate(fields_of(laws))}
    changes = [
        sorted((place[number], _words(count, place)) for number, count in law.changes.items())
        for law in laws
    ]
    return "; ".join(
        f"{_words(law.rate, place)} changes {change}" for law, change in zip(laws, changes)
    )


def _words(tree, place: dict[int, int]) -> str:
    if isinstance(tree, Expression):
        return (
            f"{tree.operation}({', '.join(_words(argument, place) for argument in tree.arguments)})"
        )
    return f"c{place[tree.number]}" if isinstance(tree, Concentration) else repr(tree)
