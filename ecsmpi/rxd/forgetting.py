"""Beginning anew in one process: ``rxd.reset()``, and what it leaves of the objects made before."""

from __future__ import annotations

import weakref

from ecsmpi.neuron_api import intracellular_solver, neuron_calls
from ecsmpi.ranks.meeting import meet
from ecsmpi.rxd.compat import RxDException
from ecsmpi.rxd.session import simulation

made_inside = weakref.WeakSet()  # species and reactions of NEURON's that were made through ecsmpi


def reset() -> None:
    """Forget all that was made so far, so that a notebook or a test begins anew in one process.
    Collective.

    Species, regions and reactions, in boxes and inside cells, are forgotten, also those that a
    variable or a notebook's history
    still holds: using one afterwards raises RxDException. Observers (files, progress, diagnostics)
    are ended, checkpoints and restarts given up. Sections stay the script's, as do ``rxd.options``.
    A new model needs an ``n.finitialize``. Raises RuntimeError where NEURON is in the middle of
    something, such as a step.
    """
    if neuron_calls.inside():
        raise RuntimeError(
            "rxd.reset() cannot be called while NEURON runs: call it from the script, between two runs"
        )
    if simulation.comm.size > 1:
        meet(simulation.comm, "rxd.reset()")
    simulation.forget()
    intracellular_solver.forget(made_inside)
    made_inside.clear()
    intracellular_solver.settle()


def refuse_forgotten(one) -> None:
    """Raise RxDException where a species or region was made before `reset`."""
    if one._made_in != simulation.registry.made_in:
        raise RxDException(
            f"{one} was made before rxd.reset(), which has forgotten it: make it anew"
        )
