"""The extracellular space of a script while it runs: what it is made of, and its step.

`neuron_hooks` lets NEURON drive it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.cells.flux import Flux
from ecsmpi.cells.membrane_reactions import MembraneReactions
from ecsmpi.cells.neuron_modes import refuse_threads, refuse_unsupported_modes
from ecsmpi.description.grid import Box
from ecsmpi.description.model import Tissue
from ecsmpi.neuron_api import sections
from ecsmpi.neuron_api.intracellular_species import states
from ecsmpi.neuron_api.pointers import pointer_to
from ecsmpi.ranks import forks
from ecsmpi.ranks.meeting import meet, timeout_seconds
from ecsmpi.run.checkpoint.fields_in_savestate import SavedFields
from ecsmpi.run.current_plan import CurrentPlan
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.membrane_step import MembraneStep, time_in_errors
from ecsmpi.run.model_parts import ModelRegion, ModelSpecies
from ecsmpi.run.neuron_guard import NeuronGuard
from ecsmpi.run.observers.participants import Observers
from ecsmpi.run.planner import Plan, Planner
from ecsmpi.run.reading import Reading
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.run.replaced_species import ReplacedSpecies
from ecsmpi.run.run_supervisor import RunSupervisor
from ecsmpi.run.waiting import WaitingWatch, partners_of
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.timing import Phases

AFTER_A_CHANGE = "the first step after a change of d, of a reaction or a rate, or a new flux"
CURE_OF_ONE_FLUX = "where one rank alone adds a flux, call rxd.re_init() on every rank after that"


class Simulation:
    """All regions and species of a script, planned by NEURON's initialisation and then stepped.

    Parameters
    ----------
    comm
        Communicator of all ranks of the job.
    guard : NeuronGuard
        Wraps what NEURON calls.

    Attributes
    ----------
    registry : what the script has described
    solvers : of the regions
    replaced : species whose place others have taken
    segments : this rank's segments and their ions
    membrane_reactions : reactions at the segments
    clock : how many of NEURON's steps make one of the grid
    planner : makes plans of these
    reading : what the script reads and sets
    observers : what takes part in the run
    supervisor : health checks, checkpoints and restarts
    saved_fields : the fields in NEURON's own SaveState
    """

    def __init__(self, comm, guard: NeuronGuard):
        self.registry = ModelRegistry()
        self.solvers = RegionSolvers(comm)
        self.replaced = ReplacedSpecies(self.registry, self.solvers)
        self.segments = CoupledSegments(self.phases)
        self.membrane_reactions = MembraneReactions(states)
        self.clock = GridClock()
        self.planner = Planner(
            self.registry, self.solvers, self.segments, self.membrane_reactions, self.clock
        )
        self._current = CurrentPlan(self.planner, self.solvers, self.segments)
        self.reading = Reading(self.registry, self.solvers)
        self.registry.on_change = self.reading.renew_stamp
        self._membrane = MembraneStep(
            self.registry, self.solvers, self.reading, self.clock, self._current
        )
        self.observers = Observers(comm)
        self.supervisor = RunSupervisor(comm, guard)
        self.saved_fields = SavedFields(
            self.registry, self.solvers, self.reading, self.clock, guard, self._begin_anew
        )
        self._waiting = WaitingWatch(self.phases)
        self._shown_time = pointer_to("t")
        os.register_at_fork(after_in_child=self._leave_observers)

    def _leave_observers(self) -> None:
        """Leave the parent's files open and alone, in a child that a script forks. Local."""
        self._observers_of_parent = self.observers
        self.observers = Observers(self.comm)

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self._current.plan

    # what observers use

    @property
    def comm(self):
        """Communicator of the ranks that compute the model together."""
        return self.solvers.comm

    @property
    def phases(self) -> Phases:
        """Time of each phase of the steps on this rank."""
        return self.solvers.phases

    @property
    def species(self) -> list:
        """The species that take part."""
        return self.registry.species

    @property
    def regions(self) -> list:
        """The regions with species, in the order of their first use."""
        return self.registry.regions

    def space(self, region: ModelRegion) -> RegionSolver:
        """The solver of a region. Local."""
        return self.solvers.of(region)

    def field(self, species: ModelSpecies, region: Any) -> SlabField:
        """The field of a species; a new field has its initial concentrations. Local."""
        return self.solvers.field(species, region)

    def fields(self) -> list[tuple[str, Box, SlabField]]:
        """(label, box, field) of each species in each region. Local."""
        return self.solvers.fields(self.registry)

    # what the script changes

    def change(self) -> None:
        """Plan anew before the grid's next step. Local, called on every rank."""
        self._current.note_change()

    def change_tissue(self, region: ModelRegion, tissue: Tissue, conserve_mass: bool) -> None:
        """Give a region another tissue. Local, called on every rank."""
        profiles = [*region.tissue.profiles, *tissue.profiles]
        is_live = any(profile.live for profile in profiles)
        species = self.registry.species_in(region)
        have_own = any(one.spec(region).tissue for one in species)
        self.solvers.change_tissue(region, tissue, conserve_mass)
        if is_live or have_own:
            # tissues of species have parts of the region's, or the region's is made of species
            self.change()

    def add_flux(self, species: ModelSpecies, region: ModelRegion, flux: Flux) -> None:
        """Add a flux into a species, from the next plan on. Local."""
        self.space(region).fluxes.add(species.key, flux)
        self.change()

    def point(self, species: ModelSpecies, region: ModelRegion, flat: int):
        """NEURON's pointer to a copy of a voxel, which follows the voxel. Local.

        flat: index of the voxel in C order.
        """
        pointers = self.reading.pointers
        pointer, is_new = pointers.point(species, region, flat)
        if is_new:
            self.reading.renew_stamp()
            if not self.plan.is_empty:
                pointers.follow_late(species, region, flat)
                pointers.show_late(self.reading)
        return pointer

    def let_record(self) -> None:
        """Let a rank without sections record from mid-run on. Local.

        A restart is to find the section that this takes from the beginning.
        """
        if self.plan.is_begun and self.supervisor.needs_sections:
            sections.let_record()

    def let_go(self) -> None:
        """Forget what the script has dropped. Local, before a plan or where nothing goes on."""
        self.registry.let_go(self.membrane_reactions.living)

    def forget(self) -> None:
        """Forget everything, end the observers, give up checkpoints and restarts. Collective."""
        with self.reading.changing("rxd.reset()"):
            self.observers.end()
            self.observers.clear()
            self.supervisor.forget()
            self.reading.touched = False
            self.reading.pointers.forget_late()
            self.registry.forget()
            self.solvers.clear()
            self.segments.release([])
            sections.forget_recorder()
            self.membrane_reactions.forget()
            self.planner.warnings.forget()
            self._current.forget()

    # NEURON's initialisation

    def take_reactions(self) -> None:
        """Type 3, before NEURON plans: take over what it would run at this model's segments.

        n.finitialize begins here; `make_plan` follows. Collective.
        """
        forks.refuse_child()
        self.replaced.check(self)
        self.solvers.enter_world()
        self.reading.pointers.ignore_writes()
        self.reading.begin("n.finitialize()")
        anywhere = bool(self.comm.allreduce(len(self.membrane_reactions.own)))
        self.membrane_reactions.adopt(anywhere)

    def make_plan(self) -> None:
        """Type 3: find the segments, plan the exchange, set initial concentrations. Collective."""
        self.observers.completed()
        self.observers.follow(self.comm)
        self.observers.begin_again()
        self.reading.forget_plan()
        self.reading.pointers.forget_late()
        self._current.make()
        self.reading.touched = False
        self.let_record()
        self.reading.renew()
        self.reading.completed()

    def find_segments(self) -> None:
        """Type 0: find the segments' variables in NEURON, whose structure is settled now. Local."""
        self._current.find_segments()

    def begin_concentrations(self) -> None:
        """Type 1: give segments and pointers the initial concentrations. Collective.

        INITIAL blocks have not seen these. What was set since `make_plan`, also through pointers,
        gives way to them, as in NEURON.
        """
        if self.comm.allreduce(int(self.reading.touched)):
            with self.reading.changing("n.finitialize()"):
                self.reading.forget_plan()
                for region in self.regions:
                    self.planner.fill(region)
                self.reading.renew()
                self.reading.touched = False
                for solver in self.plan.solvers:
                    solver.renew_copies()
        self.deliver()

    def deliver(self) -> None:
        """Set segments and pointers to the concentrations of the fields. Collective."""
        self.reading.pointers.ignore_writes()
        for solver in self.plan.solvers:
            solver.deliver()

    def start(self) -> None:
        """Type 2: begin the run, or go on where a checkpoint was taken. Collective."""
        self.reading.settle("n.finitialize()")
        if self.species:
            self.supervisor.begin(self)
            self._waiting.start(self.comm, partners_of(self.plan.solvers))
        self.phases.begin_run()

    def structure_changes(self) -> None:
        """Take in a change of NEURON's structure; refuse several threads. Local."""
        self.segments.let_move()
        refuse_threads()

    def refuse_variable_steps(self) -> None:
        """Refuse a variable time step, unless there is no extracellular space. Local."""
        if self.species:
            refuse_unsupported_modes()

    # steps

    def before_reactions(self) -> None:
        """Prepare for NEURON's own reactions in cells. Local."""
        self._membrane.withhold_currents()

    def add_currents(self, right: Callable) -> None:
        """Add the currents of reactions at segments; see `MembraneStep.add_currents`. Local."""
        self.observers.completed()
        self._membrane.add_currents(right)

    def step(self, t: float, dt: float) -> None:
        """Take NEURON's fixed step of dt to t (ms), and the grid's if it is due. Collective."""
        forks.refuse_child()
        self._current.check()
        if self.plan.is_empty:
            return
        self._take_changes_of_script(t - dt)
        # psolve sets n.t at events only: functions of the script would see when checkpoints are
        self._shown_time[0] = t - dt
        self._take_currents(dt)
        if self.clock.ends_next:
            self._bar_reads()
        self._membrane.react(t, dt)
        if self.clock.tick():
            with time_in_errors(t):
                self._react()
                self._diffuse(t)
            self._show(t)
        self.phases.steps += 1
        with self.phases["observers"]:
            self.supervisor.stepped(self, t, dt)
        self.phases.end_step()
        self._waiting.in_neuron.state.t = t

    def _take_changes_of_script(self, t: float) -> None:
        """Take in what the script has set, made and changed until t (ms). Collective."""
        self.reading.apply_pointer_writes()
        self.reading.step_begins()
        self.supervisor.let_join(self, t)
        if self._current.is_stale and self.clock.between_steps:
            meet(self.comm, AFTER_A_CHANGE, CURE_OF_ONE_FLUX)
            self._replan()

    def _take_currents(self, dt: float) -> None:
        """Add up what segments and fluxes bring during dt (ms). Local."""
        with self.phases["currents"]:
            for solver in self.plan.solvers:
                solver.take_currents(dt)

    def _bar_reads(self) -> None:
        """Bar this rank's reads until the step is complete.

        Collective where any rank has reactions at segments: it also waits until no other rank
        reads, since the copies change now.
        """
        self.reading.start_step()
        if self.plan.membrane:
            self._wait_for_readers()

    def _react(self) -> None:
        """Carry out the reactions in all regions, before any region diffuses. Collective."""
        if self.plan.reacting:
            self._wait_for_readers()
        for solver in self.plan.reacting:
            solver.react()

    def _diffuse(self, t: float) -> None:
        """Bring the regions and the segments' concentrations to t (ms). Collective."""
        for solver in self.plan.solvers:
            solver.diffuse(t, self._wait_for_readers)

    def _show(self, t: float) -> None:
        """Show the state at t (ms) to the script and to observers. Collective."""
        self.reading.completed()
        self.reading.pointers.show_late(self.reading)
        with self.phases["observers"]:
            for observer in self.observers:
                observer.stepped(self, t)

    def _wait_for_readers(self) -> bool:
        """Wait until no rank reads; whether a script has set concentrations since. Collective."""
        with self.phases["gate"]:
            return self.reading.finish_start()

    def _begin_anew(self) -> None:
        """Let NEURON's next step begin a step of the grid, without currents taken so far. Local."""
        self.clock.restart()
        for solver in self.plan.solvers:
            solver.forget_currents()

    # changes between steps

    def _replan(self) -> None:
        """Plan with the coefficients, fluxes and reactions of now. Collective."""
        self._current.renew()
        self.reading.find_fields()

    def set_from_segments(self, chosen: list) -> None:
        """Set the voxels of segments to what the segments hold outside. Collective.

        chosen: the species that are set.
        """
        self._current.check()
        self.reading.begin("re_init()", timeout_seconds())
        if any(self.comm.allgather(self._current.is_stale)):
            self._current.note_change()
        if not self.plan.is_empty:
            if self._current.is_stale and self.clock.between_steps:
                self._replan()
            for species in self.species:
                if species in chosen and species.name in self.segments.ions:
                    outside = self.segments.ions[species.name].outside.values()
                    for region in species.regions:
                        self.space(region).set_from_segments(species.key, outside)
        self.reading.completed()
        for solver in self.plan.solvers:
            solver.show()  # the segments are as the script has set them
        self.reading.pointers.show_late(self.reading)

    def end(self) -> None:
        """Close the observers' files at exit. Collective; local in a child of a fork."""
        if not forks.is_child():
            self.reading.close()
        self.observers.end()
