"""NEURON's calls into the simulation.

NEURON initialises in this order, and the extracellular space with it:

    type 3   the structure may change: insert ions, plan the exchange, set the initial concentrations
    type 0   segments get their concentrations, before INITIAL blocks read them
             ... INITIAL blocks ...
    type 1   and once more, for what an INITIAL block has changed
    type 2   everything is set: observers see t = 0

Every fixed step then calls the nonvint blocks once, after the voltages and before the mechanisms' states, NEURON's own
reactions first; and before the voltages it lets them add currents.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
import traceback

import numpy as np

from ecsmpi.ranks import forks, launch
from ecsmpi.run.simulation import Simulation

import neuron  # isort: skip  (simulation has started MPI)
from ecsmpi.cells.callbacks import NonvintBlock  # isort: skip
from ecsmpi.cells.range_variable import memory  # isort: skip
from neuron import n  # isort: skip
from neuron.rxd.rxd import _do_nbs_register as register_intracellular  # isort: skip

STRUCTURE, CURRENTS, FIXED_STEP, ODE_COUNT = 0, 2, 4, 5  # those methods of NEURON's nonvint block that concern us


class Hooks:
    """Keeps NEURON's references to a simulation alive for as long as the process."""

    def __init__(self, simulation: Simulation):
        self._simulation, self._comm = simulation, simulation.comm
        self._early = n.FInitializeHandler(3, self._guarded(simulation.take_reactions))
        register_intracellular()  # NEURON's own reactions and diffusion come first in each step and phase
        self._context = n.ParallelContext()
        self._right_at = self._right = None
        simulation.course.guard = self._guarded
        first = NonvintBlock(self._called_first, (CURRENTS, FIXED_STEP))
        self._blocks = first, NonvintBlock(self._called, (STRUCTURE, FIXED_STEP, ODE_COUNT))
        _surround_intracellular_block(*self._blocks)
        actions = {3: simulation.plan, 0: simulation.deliver_first, 1: simulation.deliver, 2: simulation.start}
        self._handlers = [n.FInitializeHandler(kind, self._guarded(action)) for kind, action in actions.items()]
        self._ended = False
        atexit.register(self._at_exit)
        launch.before_mpi_ends(self._comm, self._at_exit)  # n.quit() ends MPI before Python's exit

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
            return self._done(self._simulation.step, self._context.t(0), self._context.dt(0))
        return self._done(self._simulation.refuse_variable_steps)

    def _done(self, action, *arguments) -> int:
        """0 after the action. -1 raises on this rank alone, so with more ranks a failure ends the job."""
        try:
            action(*arguments)
        except BaseException as error:
            self._end_if_others_wait(error)
            traceback.print_exc()
            return -1
        return 0

    def _guarded(self, action):
        """The action, whose failure on one rank ends the job on all of them."""

        def call():
            try:
                action()
            except BaseException as error:
                self._end_if_others_wait(error)
                raise

        return call

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


def _surround_intracellular_block(first, last) -> None:
    """Let NEURON call a block before, and one after, that of its own reactions."""
    intracellular = neuron.nrn_dll_sym("rxd_nonvint_block")
    neuron.nrn_dll_sym("unset_nonvint_block")(intracellular)
    for block in (ctypes.c_void_p(first.address), intracellular, ctypes.c_void_p(last.address)):
        neuron.nrn_dll_sym("set_nonvint_block")(block)
