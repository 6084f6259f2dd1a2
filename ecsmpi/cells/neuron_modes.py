"""Ways of stepping that NEURON offers and ecsmpi does not support."""

from __future__ import annotations

import sys

from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.structure import change_structure


def refuse_unsupported_modes() -> None:
    """Raise where NEURON would step in a way that leaves the extracellular space out; microseconds.

    Raises
    ------
    RuntimeError naming the mode and the cure.
    """
    refuse_threads()
    if n.CVode().active():
        raise RuntimeError(
            "the variable time step is not supported: call n.cvode.active(False) and set n.dt"
        )
    coreneuron = sys.modules.get("neuron.coreneuron")
    if coreneuron is not None and coreneuron.enable:
        raise RuntimeError("CoreNEURON is not supported: set coreneuron.enable = False")


def refuse_threads() -> None:
    """Raise RuntimeError, which names the cure, where NEURON has several threads.

    NEURON sets itself up again afterwards, so that the next initialisation or step raises, too.
    """
    threads = int(n.ParallelContext().nthread())
    if threads > 1:
        change_structure()
        raise RuntimeError(
            f"NEURON uses {threads} threads here: call pc.nthread(1) and use more ranks"
        )
