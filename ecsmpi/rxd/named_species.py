"""Which species a reaction names, and whether these are still those of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecsmpi.neuron_api.expressions import leaves
from ecsmpi.neuron_api.lifetimes import ScriptReference


def replaced_species(reaction: Any) -> list[str]:
    """The extracellular species that a reaction names and whose place others have taken. Local.

    There are some in a notebook if the cell of the species ran again, and that of the reaction did
    not.
    """
    names = {reference.replaced for reference in _references(reaction)}
    return sorted(names - {""})


def _references(reaction: Any) -> Iterator[ScriptReference]:
    """The references to the species that a reaction holds in any of its attributes."""
    for held in vars(reaction).values():
        for leaf in leaves(held):
            for one in (leaf, getattr(leaf, "_held", None), getattr(leaf, "_reference", None)):
                if isinstance(one, ScriptReference):
                    yield one
