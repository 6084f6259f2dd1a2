"""NEURON's calls into the simulation.

NEURON initialises in this order, and the extracellular space with it:

    type 3   the structure may change: collect garbage, insert ions, plan the exchange, set the initial concentrations
    type 0   where NEURON keeps the segments' variables
             ... INITIAL blocks, which see the ions' default concentrations, as NEURON resets them
             ...
    type 1   segments get their concentrations
    type 2   everything is set: observers see t = 0

Every fixed step then calls the nonvint blocks once, after the voltages and before the mechanisms'
states, NEURON's own reactions first; and before the voltages it lets them add currents.

An exception reaches the script as itself, from its own call of NEURON (`neuron_api.neuron_calls`). On
several ranks it ends the job.
"""

from __future__ import annotations

import atexit
import sys
import traceback

import numpy as np

from ecsmpi.cells.reversal_potentials import ReversalPotentials
from ecsmpi.neuron_api import intracellular_solver, neuron_calls
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.lifetimes import Collector, Living, collector
from ecsmpi.neuron_api.native_callbacks import DONE, FAILED, NonvintBlock
from ecsmpi.neuron_api.range_variable import memory
from ecsmpi.ranks import forks, launch
from ecsmpi.run.interrupts import Interrupts
from ecsmpi.run.simulation import Simulation

STRUCTURE, CURRENTS, FIXED_STEP, ODE_COUNT = (
    0,
    2,
    4,
    5,
)  # those methods of NEURON's nonvint block that concern us


class Hooks:
    """Keeps NEURON's references to a simulation alive for as long as the process."""

    def __init__(self, simulation: Simulation):
        self._simulation, self._comm = simulation, simulation.comm
        self._interrupts = Interrupts(neuron_calls.after_this_call)
        in_steps = self._called_first, self._called, ReversalPotentials.compute
        self._interrupts.steps = {function.__code__ for function in in_steps}
        self._interrupts.steps |= intracellular_solver.codes_called_by_neuron()
        self._interrupts.called_by_python = {
            function.__code__ for function in (Collector.said, Living.ended)
        }
        self._handlers_kept = None
        neuron_calls.install(self._after_neurons_call)
        self._early = n.FInitializeHandler(3, self._guarded(self._begin))
        # NEURON's own reactions and diffusion come first in each step and phase
        intracellular_solver.register()
        self._context, self._events = n.ParallelContext(), n.CVode()
        self._right_at = self._right = None
        simulation.course.guard = self._guarded
        first = NonvintBlock(self._called_first, (CURRENTS, FIXED_STEP))
        self._blocks = first, NonvintBlock(self._called, (STRUCTURE, FIXED_STEP, ODE_COUNT))
        intracellular_solver.surround(*(block.address for block in self._blocks))
        actions = {
            3: simulation.plan,
            0: simulation.find,
            1: simulation.begin_concentrations,
            2: self._start,
        }
        self._handlers = [
            n.FInitializeHandler(kind, self._guarded(action)) for kind, action in actions.items()
        ]
        self._ended = False
        atexit.register(self._at_exit)
        launch.before_mpi_ends(self._at_exit)  # n.quit() ends MPI before Python's exit

    # initialisation

    def _begin(self) -> None:
        """Type 3, first: what the script has dropped is gone before anything is planned, and no
        more until all is set.
        """
        self._handlers_kept = list(
            n.List("FInitializeHandler")
        )  # NEURON goes through them now: none may end
        neuron_calls.after_this_call()
        self._simulation.let_go()
        collector.hold()
        intracellular_solver.settle()
        self._simulation.take_reactions()

    def _start(self) -> None:
        self._simulation.start()
        collector.release()

    def _after_neurons_call(self) -> None:
        """The script's call of NEURON has ended, well or not."""
        collector.release()
        self._handlers_kept = None
        if self._interrupts.take():
            raise KeyboardInterrupt

    # steps

    def _called_first(self, method, size, right, _pd2, _thread) -> int:
        """The nonvint block before that of NEURON's diffusion in cells."""
        if method == CURRENTS:
            return self._done(self._simulation.add_currents, lambda: self._array(right, size))
        return self._done(self._simulation.before_reactions)

    def _array(self, address: int, size: int) -> np.ndarray:
        """NEURON's memory, as an array that is kept for as long as it does not move."""
        if (address, size) != self._right_at:
            self._right_at, self._right = (address, size), memory(address, size)
        return self._right

    def _called(self, method, _size, _pd1, _pd2, _thread) -> int:
        """The nonvint block after that of NEURON's reactions."""
        if method == STRUCTURE:
            return self._done(self._simulation.structure_changes)
        if method == FIXED_STEP:
            return self._done(self._step)
        return self._done(self._simulation.refuse_variable_steps)

    def _step(self) -> None:
        t, dt = self._context.t(0), self._context.dt(0)
        self._simulation.step(t, dt)
        # until NEURON has completed a step: an event that falls into the next one waits for its end
        if self._interrupts.waits:
            self._events.event(t + dt / 4, self._guarded(self._show_time))

    def _show_time(self) -> None:
        n.t = self._context.t(0)

    def _done(self, action, *arguments) -> int:
        """DONE after the action; FAILED raises on this rank alone, so with more ranks a failure
        ends the job.
        """
        try:
            self._interrupts.watch()
            action(*arguments)
        except BaseException as error:
            self._end_if_others_wait(error)
            if not neuron_calls.keep(error):
                traceback.print_exc()
            return FAILED
        return DONE

    def _guarded(self, action):
        """The action, whose failure on one rank ends the job on all of them, and on one alone
        reaches the script.
        """

        def handler():
            try:
                action()
                if self._interrupts.take():
                    raise KeyboardInterrupt
            except BaseException as error:
                self._end_if_others_wait(error)
                if not neuron_calls.keep(error):
                    raise
                raise neuron_calls.Stopped(f"{type(error).__name__}: {error}") from None

        self._interrupts.entries.add(handler.__code__)
        return handler

    def _at_exit(self) -> None:
        """Close what observers hold; Python would end with status 0 where that fails. Collective."""
        if self._ended:
            return
        self._ended = True
        try:
            self._guarded(self._simulation.end)()
        except BaseException:
            traceback.print_exc()
            launch.abort(self._comm, "", status=1)

    def _end_if_others_wait(self, error) -> None:
        sys.stdout.flush()
        if self._comm.size > 1 and not forks.is_child():
            launch.abort(self._comm, error)
