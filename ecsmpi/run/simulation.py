"""A script's extracellular space, and its life: initial state, steps, observers. hooks.py lets NEURON drive it."""

from __future__ import annotations

import os

from ecsmpi.ranks import forks, launch

launch.start()

from neuron import n  # noqa: E402  NEURON must find MPI started

from ecsmpi.cells import membrane  # noqa: E402
from ecsmpi.ranks.meeting import meet  # noqa: E402
from ecsmpi.reactions.reaction import RateNotFinite  # noqa: E402
from ecsmpi.run.course import Course  # noqa: E402
from ecsmpi.run.planned import Planned  # noqa: E402
from ecsmpi.run.waiting import WaitingWatch  # noqa: E402


class Simulation(Planned):
    """All regions and species of a script while it runs.

    Observers have ``started(simulation, t)``, ``stepped(simulation, t)`` after each step of the grid, and ``ended()``; where they
    wait for what NEURON does after that, ``completed()`` before its next step.
    """

    def __init__(self, comm):
        super().__init__(comm)
        self.observers = []
        self.course = Course(self)
        self._waiting = WaitingWatch(self.phases)
        self._touched = False
        os.register_at_fork(after_in_child=self._leave_observers)

    def _leave_observers(self) -> None:
        """A child that a script forks writes nothing to its parent's files. They stay open in it, as the parent needs them."""
        self._of_parent, self.observers = self.observers, []

    def plan(self) -> None:
        """Type 3: find the segments, plan the exchange, set initial concentrations. Collective."""
        self._complete()
        super().plan()

    def deliver_first(self) -> None:
        """Type 0: inside concentrations as NEURON resets them, outside ones from the grid. Collective."""
        if self._planned:
            self.segments.all.require()
            self._find_segments()
        for ion in self.segments.ions.values():
            ion.reset()
        self.deliver()

    def deliver(self) -> None:
        """Type 1: outside concentrations of all segments, and watched values. Collective."""
        for region in self.regions:
            self.space(region).deliver()

    def start(self) -> None:
        """Type 2: the run begins, or goes on where a checkpoint was taken. Collective."""
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
            lines.append("; ".join([f"{shape[0]} x {shape[1]} x {shape[2]} voxels in {space.slabs}", *space.report(n.dt)]))
        return lines

    def add_currents(self, right) -> None:
        """Reactions add the currents that they carry to the ions', and to the right-hand side of the voltages (mA/cm2).

        One process can look at the voxels anew here. With more, copies follow each step instead, so that no call of NEURON's
        that only some ranks make hangs; and a change by the script, made on all ranks. right(): (nodes,) that side, in NEURON's memory.
        """
        self._complete()
        if self._planned and self.crossings.now:
            self._check_plan()
            if self.clock.between_steps and (self._touched or self.comm.size == 1):
                self._renew_copies()
            self.crossings.now.add_currents(right())

    def _complete(self) -> None:
        """Observers that wait for the end of a step may look now. Local."""
        for observer in self.observers:
            if hasattr(observer, "completed"):
                observer.completed()

    def touch(self) -> None:
        """The script has set concentrations. Local, to be called on every rank."""
        self._touched = True

    def _renew_copies(self) -> None:
        for space in self._here:
            space.renew_copies()
        self._touched = False

    def step(self, t: float, dt: float) -> None:
        """One fixed step of NEURON, of dt to t (ms), and one of all regions where it is due. Collective."""
        forks.refuse_child()
        self._check_plan()
        if not self._planned:
            return
        if self._stale() and self.clock.between_steps:
            self._meet("the first step after a change of d, of a reaction or a rate, or a new flux")
            self._take_changes()
        n.t = t - dt  # psolve sets it at events only, so that functions of the script would see a time that checkpoints change
        with self.phases["currents"]:
            for space in self._here:
                space.take_currents(dt)
        self._react_at_segments(t, dt)
        if self.clock.tick():
            self._advance(t)
        self.phases.steps += 1
        with self.phases["observers"]:
            self.course.stepped(t, dt)

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
        """NEURON is about to add the ions' currents to its species: without what reactions carry, which bring their ions. Local."""
        if self._planned and self.crossings.now:
            self.crossings.now.withhold_currents()

    def take_reactions(self) -> None:
        """Type 3, before NEURON plans: what it would run at the segments of our reactions is ours. Collective."""
        forks.refuse_child()
        self.enter_world()
        self.crossings.take_over(bool(self.comm.allreduce(len(self.crossings.own))))

    def _advance(self, t: float) -> None:
        """Bring all regions, the segments' concentrations and the observers to t (ms). Collective."""
        try:
            for space in self._react_in:  # all of them before any diffuses
                space.react()
            for space in self._here:
                space.diffuse(t)
        except RateNotFinite as error:
            raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
        with self.phases["observers"]:
            for observer in self.observers:
                observer.stepped(self, t)

    def structure_changes(self) -> None:
        """NEURON has taken in a change of structure. Raises where it would call Python from several threads. Local."""
        self.segments.let_move()
        membrane.refuse_threads()

    def refuse_variable_steps(self) -> None:
        """NEURON asks for states of a variable time step: refuse, unless there is no extracellular space."""
        if self.species:
            membrane.refuse_unsupported_modes()

    def _meet(self, what: str) -> None:
        if self.comm.size > 1:
            meet(self.comm, what)

    def take_segments(self, chosen) -> None:
        """Set the voxels of segments to what the segments hold outside, for some of the species. Collective."""
        self._check_plan()
        self._meet("re_init()")
        self._changed = any(self.comm.allgather(self._stale()))
        if self._changed and self.clock.between_steps:
            self._take_changes()
        for species in self.species if self._planned else []:
            if species.name in self.segments.ions and species in chosen:
                outside = self.segments.ions[species.name].outside.values()
                for region in species.regions:
                    self.space(region).take_segments(species.key, outside)
        for region in self.regions if self._planned else []:
            self.space(region).show()  # the segments are as the script has set them

    def end(self) -> None:
        """Close what observers hold. Collective, at exit."""
        for observer in self.observers:
            observer.ended()
