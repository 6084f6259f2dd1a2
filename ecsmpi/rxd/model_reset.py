"""`rxd.reset()`, and the refusal of objects that were made before it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ecsmpi.neuron_api import intracellular_solver, neuron_calls
from ecsmpi.ranks.meeting import meet
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.session import simulation

if TYPE_CHECKING:
    from ecsmpi.rxd.extracellular import Extracellular
    from ecsmpi.rxd.species import Species

# NEURON's species and reactions inside cells that were made through ecsmpi
made_inside: weakref.WeakSet[Any] = weakref.WeakSet()


def reset() -> None:
    """Forget the whole model, so that a notebook or a test starts again in the same process.

    Species, regions and reactions are forgotten, in boxes and inside cells, even those that a
    variable or a notebook's history still holds: using one afterwards raises RxDException.
    Observers (files, progress, diagnostics) end; checkpoints and a restart are given up. Sections
    and ``rxd.options`` stay as they are. The next model needs an ``n.finitialize``. Collective.

    Raises
    ------
    RuntimeError
        If NEURON is running, as in a step.

    Examples
    --------
    >>> rxd.reset()
    >>> rxd.all_species()
    []
    """
    if neuron_calls.inside():
        raise RuntimeError(
            "rxd.reset() cannot be called while NEURON runs: "
            "call it from the script, between two runs"
        )
    if simulation.comm.size > 1:
        meet(simulation.comm, "rxd.reset()")
    simulation.forget()
    intracellular_solver.forget(made_inside)
    made_inside.clear()
    intracellular_solver.settle()


def refuse_forgotten(thing: Species | Extracellular) -> None:
    """Raise RxDException for a species or region that was made before `reset`, or replaced."""
    if getattr(getattr(thing, "_held", None), "replaced", ""):
        raise RxDException(
            f"species {thing} has been replaced: a later cell of the notebook has made another one "
            "of this name there. Run the cells that use it again, or give one another name"
        )
    if thing._made_in != simulation.registry.made_in:
        raise RxDException(
            f"{thing} was made before rxd.reset(), which has forgotten it: make it again"
        )
