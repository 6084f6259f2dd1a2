"""Actions that NEURON calls: how their failures and interrupts reach the script.

An exception reaches the script as itself, from its own call of NEURON (`neuron_api.neuron_calls`).
On several ranks it ends the job.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import neuron_calls
from ecsmpi.neuron_api.native_slots import DONE, FAILED
from ecsmpi.ranks import forks, launch
from ecsmpi.run.interrupts import Interrupts

Action = Callable[[], object]


class NeuronGuard:
    """Wraps actions so that NEURON may call them.

    Parameters
    ----------
    comm
        Communicator of all ranks of the job.

    Attributes
    ----------
    interrupts : Interrupts
        Holds back Ctrl-C until a step is complete.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self.interrupts = Interrupts(neuron_calls.after_this_call)

    def __call__(self, action: Action) -> Action:
        """The action for a handler or an event of NEURON.

        A failure ends the job on all of several ranks; on one rank it reaches the script.
        """

        def handler():
            try:
                action()
                if self.interrupts.take():
                    raise KeyboardInterrupt
            except BaseException as error:
                self._end_if_others_wait(error)
                if not neuron_calls.keep(error):
                    raise
                raise neuron_calls.Stopped(f"{type(error).__name__}: {error}") from None

        self.interrupts.entries.add(handler.__code__)
        return handler

    def run(self, action: Callable, *arguments) -> int:
        """Run an action for a nonvint block; returns DONE, or FAILED where it raises."""
        try:
            self.interrupts.watch()
            action(*arguments)
        except BaseException as error:
            self._end_if_others_wait(error)
            if not neuron_calls.keep(error):
                traceback.print_exc()
            return FAILED
        return DONE

    def _end_if_others_wait(self, error: BaseException) -> None:
        """End the job where other ranks would wait for this one for ever."""
        sys.stdout.flush()
        if self._comm.size > 1 and not forks.is_child():
            launch.abort(self._comm, error)
