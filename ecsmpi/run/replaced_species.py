"""Reactions that name a species whose place another one has taken, as in a notebook."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.rxd_names import RxDException


def refuse_replaced(simulation: Any) -> None:
    """Raise RxDException if a reaction names a species that another one has replaced. Local.

    The traceback holds no reaction: a notebook keeps it, and a reaction that is made again is to
    take the place of the one before.
    """
    if not _words_of_reactions(simulation):
        return
    simulation.let_go()  # the reaction may be one that only a reference cycle holds
    words = _words_of_reactions(simulation)
    if words:
        raise RxDException(
            f"{', '.join(words)}: a later cell of the notebook has replaced the species by another "
            "one of its name. Run the cell of each reaction again, or `del` the reaction"
        )


def _words_of_reactions(simulation: Any) -> list[str]:
    found = [*simulation.registry.reactions, *simulation.membrane_reactions.own]
    words = []
    for one in found:
        words += [f"a {type(one).__name__} of {name}" for name in one.replaced_species()]
    return words
