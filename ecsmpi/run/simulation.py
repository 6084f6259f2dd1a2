"""A script's extracellular space, and its life: initial state, steps, observers. hooks.py lets
NEURON drive it.
"""

from __future__ import annotations

import os

import numpy as np

from ecsmpi.cells import membrane, recorder
from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.ranks import forks
from ecsmpi.ranks.meeting import meet, timeout_seconds
from ecsmpi.reactions.reaction import RateNotFinite
from ecsmpi.run.observers.base import Observers
from ecsmpi.run.planner import Planned
from ecsmpi.run.reading import Reading
from ecsmpi.run.run_loop import RunLoop
from ecsmpi.run.waiting import WaitingWatch
from ecsmpi.run.writes import Write

AFTER_A_CHANGE = "the first step after a change of d, of a reaction or a rate, or a new flux"
CURE_OF_ONE_FLUX = "where one rank alone adds a flux, call rxd.re_init() on every rank after that"


class Simulation(Planned):
    """All regions and species of a script while it runs.

    observers: what takes part, see `observer`.
    """

    def __init__(self, comm):
        super().__init__(comm)
        self.observers = Observers(comm)
        self.course = RunLoop(self)
        self.reading = Reading(self)
        self._waiting = WaitingWatch(self.phases)
        self._touched = False
        # (reference to a species, region, voxel): pointers that are not in the plan yet
        self._watched_late = []
        os.register_at_fork(after_in_child=self._leave_observers)

    def _leave_observers(self) -> None:
        """A child that a script forks writes nothing to its parent's files. They stay open in it,
        as the parent needs them.
        """
        self._of_parent, self.observers = self.observers, Observers(self.comm)

    def plan(self) -> None:
        """Type 3: find the segments, plan the exchange, set initial concentrations. Collective."""
        self._complete()
        self.observers.follow(self.comm)
        self.observers.begin_again()
        self.reading.forget_plan()
        self._watched_late.clear()
        super().plan()
        self._touched = False
        self.let_be_continued()
        self.reading.renew()
        self.reading.completed()

    def let_be_continued(self) -> None:
        """A rank without sections may record from mid-run on: a restart is to find its section
        before that. Local.
        """
        if self._begun and (
            self.course.checkpointing is not None or self.course.restart is not None
        ):
            recorder.let_record()

    def watch(self, species, region, flat: int):
        """As of all spaces; what is watched from mid-run on has its values, too. Local."""
        is_new = (species.key, flat) not in self.space(region).pointers
        pointer = super().watch(species, region, flat)
        if is_new:
            self.stamp += 1
            if self._planned:
                self._watched_late.append((species._held, region, flat))
                self._show_late()
        return pointer

    def _show_late(self) -> None:
        """Pointers that came after the plan follow their voxels. Local."""
        for held, region, flat in self._watched_late:
            if (species := held()) is not None:
                self.space(region).pointers.show(
                    species.key, flat, self.reading.value(species, region, flat)
                )

    def take_pointers(self) -> None:
        """Voxels that were set through NEURON's pointers are set. Local; ValueError where one was
        set to no number.
        """
        for reference, space in self._spaces.items():
            if space.pointers:
                for key, flat, values in space.pointers.taken():
                    self._set_by_pointers(reference(), key, flat, values)

    def _set_by_pointers(self, region, key, flat: np.ndarray, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        for species in self.species:
            if species.key == key and region in species.regions:
                self.reading.set(
                    species, region, Write.of(Voxels(region.box, flat[finite]), values[finite])
                )
                if not finite.all():
                    self._refuse_by_pointer(
                        species, region, int(flat[~finite][0]), values[~finite][0]
                    )

    def _refuse_by_pointer(self, species, region, flat: int, value: float) -> None:
        """Raise ValueError: a voxel was set to no number. Its pointer shows its concentration
        again.
        """
        box = region.box
        self.space(region).pointers.show(
            species.key, flat, self.reading.value(species, region, flat)
        )
        ijk = tuple(int(index) for index in np.unravel_index(flat, box.shape))
        at = ", ".join(f"{x:g}" for x in box.centre(*ijk))
        raise ValueError(
            f"{species} is set to {value:g} mM through the pointer (_ref_value) to voxel {ijk} at ({at}) um, which must be finite: "
            "look at what the script, Vector.play or a mechanism writes there"
        )

    def show_pointers(self) -> None:
        """NEURON's pointers show what this rank reads, after a change that was no step. Local."""
        for region in self.regions:
            pointers = self.space(region).pointers
            for species in self.on(region) if pointers else ():
                flat = pointers.voxels_of(species.key)
                pointers.show_all(
                    species.key,
                    flat,
                    self.reading.values(species, region, Voxels(region.box, flat)),
                )

    def _ignore_pointers(self) -> None:
        """What was set through pointers until now is lost: all voxels get their initial
        concentrations. Local.
        """
        for space in self._spaces.values():
            space.pointers.ignore_writes()

    def forget(self) -> None:
        """There is nothing any more; observers end, and what was to be continued is not.
        Collective.
        """
        with self.reading.changing("rxd.reset()"):
            self.observers.end()
            self.observers.clear()
            self.course.checkpointing = self.course.restart = None
            self._touched = False
            self._watched_late.clear()
            super().forget()

    def find(self) -> None:
        """Type 0: where NEURON keeps the segments' variables, whose structure is settled now.
        Local.
        """
        if self._planned:
            self.segments.all.require()
            self._find_segments()

    def begin_concentrations(self) -> None:
        """Type 1: the initial concentrations, which INITIAL blocks have not seen, at all segments
        and pointers. Collective.

        What was set since `plan`, also through pointers, gives way to them, as in NEURON.
        """
        if self.comm.allreduce(int(self._touched)):
            with self.reading.changing("n.finitialize()"):
                self._fill_again()
        self.deliver()

    def deliver(self) -> None:
        """Outside concentrations of all segments, and pointers, become what they are in the boxes.
        Collective.
        """
        self._ignore_pointers()
        for region in self.regions:
            self.space(region).deliver()

    def start(self) -> None:
        """Type 2: the run begins, or goes on where a checkpoint was taken. Collective."""
        self._agree_on_concentrations()
        if self.species:
            self.course.begin()
            self._watch_waiting()

    def _watch_waiting(self) -> None:
        """Say from now on where this rank waits long for others inside a step. Local."""
        partners = {}
        for space in self._here:
            for phase, ranks in space.waits_for().items():
                partners[phase] = partners.get(phase, set()) | ranks
        self._waiting.start(self.comm, partners)

    def summary(self) -> list[str]:
        """What runs where, and how the slabs are coupled, in a line for each box. Collective."""
        lines = []
        for region in self.regions:
            shape, space = region.box.shape, self.space(region)
            lines.append(
                "; ".join(
                    [
                        f"{shape[0]} x {shape[1]} x {shape[2]} voxels in {space.slabs}",
                        *space.report(n.dt),
                    ]
                )
            )
        return lines

    def add_currents(self, right) -> None:
        """Reactions add the currents that they carry to the ions', and to the right-hand side of
        the voltages (mA/cm2).

        One process can look at the voxels anew here. With more, copies follow each step instead;
        where the script has set concentrations this rank reads them by itself, so that no call of
        NEURON's that only some ranks make hangs. right(): (nodes,) that side, in NEURON's memory.
        """
        self._complete()
        if self._planned and self.crossings.now:
            self._check_plan()
            self.take_pointers()
            if self.clock.between_steps and (self._touched or self.comm.size == 1):
                self._renew_copies()
            self.crossings.now.add_currents(right())

    def _complete(self) -> None:
        """Observers that wait for the end of a step may look now. Local."""
        self.observers.completed()

    def touch(self) -> None:
        """The script has set concentrations. Local."""
        self._touched = True

    def _renew_copies(self) -> None:
        for region, space in zip(self.regions, self._here):
            if self.comm.size == 1:
                space.renew_copies()
            else:
                space.renew_copies_alone(self._values_of(region))
        self._touched = False

    def _values_of(self, region):
        """(key of a species, its voxels) -> their concentrations (mM) as this rank reads them."""
        species = {one.key: one for one in self.on(region)}
        return lambda key, voxels: self.reading.values(species[key], region, voxels)

    def step(self, t: float, dt: float) -> None:
        """One fixed step of NEURON, of dt to t (ms), and one of all regions where it is due.
        Collective.
        """
        forks.refuse_child()
        self._check_plan()
        if not self._planned:
            return
        self.take_pointers()
        self.reading.step_begins()
        self.course.let_join(t - dt)
        if self._stale() and self.clock.between_steps:
            meet(self.comm, AFTER_A_CHANGE, CURE_OF_ONE_FLUX)
            self._take_changes()
            self.reading.find_fields()
        n.t = (
            t - dt
        )  # psolve sets it at events only, so that functions of the script would see a time that checkpoints change
        with self.phases["currents"]:
            for space in self._here:
                space.take_currents(dt)
        if self.clock.ends_next:
            self.reading.start_step()
            if self.crossings.now:
                self._before_change()
        self._react_at_segments(t, dt)
        if self.clock.tick():
            self._advance(t)
        self.phases.steps += 1
        with self.phases["observers"]:
            self.course.stepped(t, dt)
        self._waiting.in_neuron.state.t = t

    def begin_anew(self) -> None:
        """The next step of NEURON's begins a step of the grid, whatever has been taken in for one.
        Local.
        """
        self.clock.restart()
        for space in self._here:
            space.forget_currents()

    def _react_at_segments(self, t: float, dt: float) -> None:
        """A step of dt to t (ms) of what reacts there. Local."""
        if self.crossings.now:
            with self.phases["cells"]:
                try:
                    self.crossings.now.advance(dt)
                except RateNotFinite as error:
                    raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
                self.crossings.now.show_currents()

    def before_reactions(self) -> None:
        """NEURON is about to add the ions' currents to its species: without what reactions carry,
        which bring their ions. Local.
        """
        if self._planned and self.crossings.now:
            self.crossings.now.withhold_currents()

    def take_reactions(self) -> None:
        """Type 3, before NEURON plans: what it would run at the segments of our reactions is ours.
        Collective.

        Here n.finitialize begins: `plan` follows.
        """
        forks.refuse_child()
        self.enter_world()
        self._ignore_pointers()
        self.reading.begin("n.finitialize()")
        self.crossings.take_over(bool(self.comm.allreduce(len(self.crossings.own))))

    def _advance(self, t: float) -> None:
        """Bring all regions, the segments' concentrations and the observers to t (ms). Collective."""
        try:
            if self._react_in:
                self._before_change()
            for space in self._react_in:  # all of them before any diffuses
                space.react()
            for space in self._here:
                space.diffuse(t, self._before_change)
        except RateNotFinite as error:
            raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
        self.reading.completed()
        self._show_late()
        with self.phases["observers"]:
            for observer in self.observers:
                observer.stepped(self, t)

    def _agree_on_concentrations(self) -> None:
        """What the script has set on any rank, all have. Collective."""
        with self.reading.changing("n.finitialize()"):
            pass

    def _fill_again(self) -> None:
        """Initial concentrations, where the script has set others since the plan. Collective, while
        no rank reads.
        """
        self.reading.forget_plan()
        for region in self.regions:
            self._fill_space(region)
        self.reading.renew()
        self._touched = False
        for region in self.regions:
            self.space(region).renew_copies()

    def _before_change(self) -> bool:
        """No rank reads from here on, until its step is complete; have concentrations been set
        meanwhile? Collective.
        """
        with self.phases["gate"]:
            return self.reading.finish_start()

    def structure_changes(self) -> None:
        """NEURON has taken in a change of structure. Raises where it would call Python from several
        threads. Local.
        """
        self.segments.let_move()
        membrane.refuse_threads()

    def refuse_variable_steps(self) -> None:
        """NEURON asks for states of a variable time step: refuse, unless there is no extracellular
        space.
        """
        if self.species:
            membrane.refuse_unsupported_modes()

    def take_segments(self, chosen) -> None:
        """Set the voxels of segments to what the segments hold outside, for some of the species.
        Collective.
        """
        self._check_plan()
        self.reading.begin("re_init()", timeout_seconds())
        self._changed = any(self.comm.allgather(self._stale()))
        if self._changed and self.clock.between_steps:
            self._take_changes()
            self.reading.find_fields()
        for species in self.species if self._planned else []:
            if species.name in self.segments.ions and species in chosen:
                outside = self.segments.ions[species.name].outside.values()
                for region in species.regions:
                    self.space(region).set_from_segments(species.key, outside)
        self.reading.completed()
        for region in self.regions if self._planned else []:
            self.space(region).show()  # the segments are as the script has set them
        self._show_late()

    def end(self) -> None:
        """Close what observers hold, when no rank reads any more. Collective, at exit; in a child
        that a rank has forked, local.
        """
        if not forks.is_child():
            self.reading.close()
        self.observers.end()
