"""Species whose place others have taken, as in a notebook, and what a script had attached to them.

A cell that makes a species runs again; cells that use the species may not.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

from ecsmpi.neuron_api.rxd_names import RxDException
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry

FLUXES = "fluxes (include_flux)"
POINTERS = "pointers (_ref_value, as in Vector.record)"


class ReplacedSpecies:
    """Lets species take the place of others, and says what is left behind. Local."""

    def __init__(self, registry: ModelRegistry, solvers: RegionSolvers):
        self._registry = registry
        self._solvers = solvers
        self._any = False  # whether a species was ever replaced
        # (weak reference to the species that took the place, what the other one had)
        self._left_behind: list[tuple[weakref.ref, str]] = []

    def replace(self, old: Any, new: Any) -> None:
        """Let a new species take the place of an older one.

        Pointers into the same box follow the new species from the next finitialize on.
        """
        self._any = True
        self._registry.replace(old)
        earlier = [what for reference, what in self._left_behind if reference() is old]
        self._left_behind += [(weakref.ref(new), what) for what in earlier]
        for region, solver in list(self._solvers.items()):
            if region not in old.regions:
                continue
            if region in new.regions:
                solver.pointers.hand_over(old.key, new.key)
            elif solver.pointers.voxels_of(old.key).size:
                self._left_behind.append((weakref.ref(new), POINTERS))
            if solver.fluxes.has(old.key):
                self._left_behind.append((weakref.ref(new), FLUXES))

    def check(self, simulation: Any) -> None:
        """Refuse reactions that name a replaced species; say what is left behind.

        Called by n.finitialize on every rank; rank 0 prints.

        Raises
        ------
        RxDException
            If a reaction names a species that another one has replaced. The traceback holds no
            reaction: a notebook keeps it, and a reaction that is made again is to take the place of
            the one before.
        """
        if not self._any:
            return
        if _words_of_reactions(simulation):
            simulation.let_go()  # the reaction may be one that only a reference cycle holds
            words = _words_of_reactions(simulation)
            if words:
                raise RxDException(
                    f"{', '.join(words)}: a later cell of the notebook has replaced the species by "
                    "another one of its name. Run the cell of each reaction again, or `del` the "
                    "reaction"
                )
        for new, what in self._lost():
            if simulation.comm.rank == 0:
                print(  # each time: Python shows a warning of the same text once
                    f"ecsmpi: species {new} took the place of one that had {what}, and has none: "
                    "run the cells that make them again, unless this is meant",
                    file=sys.stderr,
                    flush=True,
                )
        self._left_behind.clear()

    def _lost(self) -> list[tuple[Any, str]]:
        """(species, what it has not got again), each once."""
        found: dict[tuple[Any, str], None] = {}
        for reference, what in self._left_behind:
            new = reference()
            if new in self._registry.scripts_species and not self._has(new, what):
                found[new, what] = None
        return list(found)

    def _has(self, species: Any, what: str) -> bool:
        for region, solver in self._solvers.items():
            if region not in species.regions:
                continue
            if what == FLUXES and solver.fluxes.has(species.key):
                return True
            if what == POINTERS and solver.pointers.voxels_of(species.key).size:
                return True
        return False


def _words_of_reactions(simulation: Any) -> list[str]:
    found = [*simulation.registry.reactions, *simulation.membrane_reactions.own]
    words = []
    for one in found:
        words += [f"a {type(one).__name__} of {name}" for name in one.replaced_species()]
    return words
