"""NEURON's calls into the simulation.

NEURON initialises in this order of its FInitializeHandlers, and the extracellular space with it:

    type 3   the structure may change: collect garbage, insert ions, plan the exchange, set the
             initial concentrations
    type 0   find where NEURON keeps the segments' variables
             ... INITIAL blocks run; they see the ions' default concentrations, as NEURON resets
             them ...
    type 1   segments get their concentrations
    type 2   everything is set: observers see t = 0

Nonvint blocks are NEURON's callbacks for variables that it does not integrate itself. Each fixed
step calls them once, after the voltages and before the mechanisms' states, with NEURON's own
reactions first. Before the voltages NEURON lets the blocks add currents.
"""

from __future__ import annotations

import atexit
import traceback

import numpy as np

from ecsmpi.cells.reversal_potentials import ReversalPotentials
from ecsmpi.neuron_api import (
    intracellular_solver,
    native_callbacks,
    neuron_calls,
    sparse_matrix,
)
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.lifetimes import Collector, Living, collector
from ecsmpi.neuron_api.native_callbacks import NonvintBlock
from ecsmpi.neuron_api.native_slots import NONVINT
from ecsmpi.neuron_api.range_variable import memory
from ecsmpi.ranks import launch
from ecsmpi.run.neuron_guard import NeuronGuard
from ecsmpi.run.simulation import Simulation

# what NEURON asks of a nonvint block (`NonvintBlock`): the methods that are of use here
STRUCTURE = 0
CURRENTS = 2
FIXED_STEP = 4
ODE_COUNT = 5
FIRST = CURRENTS, FIXED_STEP  # of the first block


class NeuronHooks:
    """Calls a simulation from NEURON, and keeps NEURON's references to it alive.

    Parameters
    ----------
    simulation : Simulation
        What NEURON drives, for as long as the process runs.
    guard : NeuronGuard
        Wraps all that NEURON calls.
    """

    def __init__(self, simulation: Simulation, guard: NeuronGuard):
        self._simulation = simulation
        self._guard = guard
        self._job = simulation.comm  # all ranks
        self._watch_interrupts()
        self._kept_handlers: list | None = None
        native_callbacks.get_ready()
        neuron_calls.install(self._after_neurons_call)
        self._early = n.FInitializeHandler(3, guard(self._begin))
        # NEURON's own reactions and diffusion come first in each step and phase
        intracellular_solver.register()
        context = n.ParallelContext()
        # NEURON looks a method up for longer than it calls it
        self._thread_t = context.t
        self._thread_dt = context.dt
        self._events = n.CVode()
        self._right_at: tuple[int, int] | None = None
        self._right = np.zeros(0)
        first = NonvintBlock(NONVINT[0], self._called_first)
        last = NonvintBlock(NONVINT[1], self._called_last)
        first.call_for(*FIRST)
        last.call_for(STRUCTURE, FIXED_STEP, ODE_COUNT)
        self._blocks = first, last
        intracellular_solver.place_blocks_around_neurons_own(first.address, last.address)
        phases = {
            3: simulation.make_plan,
            0: simulation.find_segments,
            1: simulation.begin_concentrations,
            2: self._start,
        }
        self._handlers = []
        for kind, action in phases.items():
            self._handlers.append(n.FInitializeHandler(kind, guard(action)))
        self._has_ended = False
        atexit.register(self._at_exit)
        launch.before_mpi_ends(self._at_exit)  # n.quit() ends MPI before Python's exit

    def _watch_interrupts(self) -> None:
        """Name the functions in which an interrupt waits until the step is complete."""
        interrupts = self._guard.interrupts
        for function in (self._called_first, self._called_last, ReversalPotentials.compute):
            interrupts.steps.add(function.__code__)
        interrupts.steps |= intracellular_solver.codes_called_by_neuron()
        interrupts.called_by_python = {Collector.said.__code__, Living.ended.__code__}

    # initialisation

    def _begin(self) -> None:
        """Type 3, first: collect what the script has dropped, then no more until all is set."""
        # NEURON goes through these handlers now: none may end
        self._kept_handlers = list(n.List("FInitializeHandler"))
        neuron_calls.after_this_call()
        self._blocks[0].call_for(*FIRST)
        self._simulation.let_go()
        collector.hold()
        intracellular_solver.settle()
        sparse_matrix.leave_if_empty()
        self._simulation.take_reactions()

    def _start(self) -> None:
        self._simulation.start()
        collector.release()
        self._leave_out_calls()

    def _after_neurons_call(self) -> None:
        """The script's call of NEURON has ended, well or not."""
        collector.release()
        self._kept_handlers = None
        if self._guard.interrupts.take():
            raise KeyboardInterrupt

    # steps

    def _called_first(self, method, size, right, _pd2, _thread) -> int:
        """The nonvint block before that of NEURON's diffusion in cells."""
        if method == CURRENTS:
            add_currents = self._simulation.add_currents
            return self._guard.run(add_currents, lambda: self._array(right, size))
        return self._guard.run(self._simulation.before_reactions)

    def _array(self, address: int, size: int) -> np.ndarray:
        """NEURON's memory as an array, which is made anew only where the memory moves."""
        if (address, size) != self._right_at:
            self._right_at = (address, size)
            self._right = memory(address, size)
        return self._right

    def _called_last(self, method, _size, _pd1, _pd2, _thread) -> int:
        """The nonvint block after that of NEURON's reactions."""
        if method == STRUCTURE:
            return self._guard.run(self._structure_changes)
        if method == FIXED_STEP:
            return self._guard.run(self._step)
        return self._guard.run(self._simulation.refuse_variable_steps)

    def _structure_changes(self) -> None:
        """NEURON has taken in that sections or mechanisms have come or gone."""
        sparse_matrix.leave_if_empty()
        self._simulation.structure_changes()

    def _leave_out_calls(self) -> None:
        """Have the first block called, in the next step, only where it has something to do.

        It has, where observers complete what they saw or reactions at segments carry currents.
        """
        simulation = self._simulation
        needed = simulation.observers.act or simulation.plan.membrane is not None
        self._blocks[0].call_for(*(FIRST if needed else ()))

    def _step(self) -> None:
        t = self._thread_t(0)
        dt = self._thread_dt(0)
        self._simulation.step(t, dt)
        self._leave_out_calls()
        # an event that falls into the next step of NEURON waits for the end of that step
        if self._guard.interrupts.waits:
            self._events.event(t + dt / 4, self._guard(self._show_time))

    def _show_time(self) -> None:
        n.t = self._thread_t(0)

    def _at_exit(self) -> None:
        """Close what observers hold. Collective.

        A failure ends the job with status 1; Python would end with status 0.
        """
        if self._has_ended:
            return
        self._has_ended = True
        try:
            self._guard(self._simulation.end)()
        except BaseException:
            traceback.print_exc()
            launch.abort(self._job, "", status=1)
