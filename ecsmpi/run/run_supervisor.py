"""Watches over the steps of a run: health checks, checkpoints, the restart from one.

NEURON calls the extracellular space in the middle of its step, and a checkpoint needs the end of
one. So an event of NEURON takes the checkpoint: an event that falls into a step is carried out when
that step is complete.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ecsmpi.files.checkpoint_part import Damaged
from ecsmpi.files.saved_checkpoint import SavedCheckpoint
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.ranks import launch
from ecsmpi.ranks.meeting import meet
from ecsmpi.run.checkpoint.capture import capture
from ecsmpi.run.checkpoint.restore import restore
from ecsmpi.run.checkpoint.run_state import RunState, describe_model, describe_regions
from ecsmpi.run.checkpoint.schedule import CheckpointSchedule, Restart
from ecsmpi.run.checkpoint.walltime import TO_BE_CONTINUED
from ecsmpi.run.health_check import CHECKPOINT, STOP, HealthCheck
from ecsmpi.run.neuron_guard import NeuronGuard
from ecsmpi.run.observers.base import Observer, begin
from ecsmpi.run.observers.participants import Participant

if TYPE_CHECKING:
    from ecsmpi.run.simulation import Simulation

# what an observer of ecsmpi may raise where a checkpoint holds something else than it wrote
WRONG_STATE = (TypeError, KeyError, IndexError, AttributeError, OverflowError)


class RunSupervisor:
    """Counts the steps of a run, has its health checked and its checkpoints taken.

    It makes no steps: the simulation tells it of each. Its methods are given the simulation, which
    it does not hold.

    Parameters
    ----------
    comm
        Communicator of the ranks of the model.
    guard : NeuronGuard
        Wraps the event that takes a checkpoint.

    Attributes
    ----------
    restart : Restart or None
        What the script wants the next run to go on from.
    began : float
        When the run began, or went on after a restart (ms).
    steps : int
        NEURON's steps since the beginning of the run, before a restart and after it.
    """

    def __init__(self, comm, guard: NeuronGuard):
        self._comm = comm
        self._guard = guard
        self._events = n.CVode()
        self._health = HealthCheck(comm)
        self.steps = 0
        self.began = 0.0
        self.restart: Restart | None = None
        self._checkpoints: Participant | None = None  # that the script has made
        self._begun_checkpoints: Participant | None = None  # that have begun
        self._model: dict = {}
        self._wanted: str | None = None  # CHECKPOINT, STOP or None
        self._is_scheduled = False

    @property
    def checkpoints(self) -> CheckpointSchedule | None:
        """The schedule of checkpoints that the script has made, or None.

        It is let go as observers are, see `Observers`.
        """
        return self._checkpoints.observer if self._checkpoints else None

    @checkpoints.setter
    def checkpoints(self, schedule: CheckpointSchedule | None) -> None:
        self._checkpoints = Participant(schedule, 0) if schedule is not None else None

    @property
    def needs_sections(self) -> bool:
        """Whether checkpoints or a restart concern this run."""
        return self._checkpoints is not None or self.restart is not None

    def forget(self) -> None:
        """Give up checkpoints and restarts. Local."""
        self._checkpoints = self.restart = None

    # the beginning

    def begin(self, simulation: Simulation) -> None:
        """Begin a run, or go on where a checkpoint was taken. Collective, ends finitialize."""
        self._follow(simulation.comm)
        self.steps = 0
        self._wanted = None
        self._is_scheduled = False
        self._let_go_of_checkpoints()
        if self.checkpoints:
            self.checkpoints.try_out()
        self._model = describe_model(simulation.registry, simulation.solvers, simulation.clock)
        self._agree_on_restart()
        found = None
        if self.restart is not None:
            found = self._go_on(simulation, self.restart)
            self.restart = None
        self.began = n.t
        for observer in simulation.observers:
            self._begin_observer(simulation, observer, found)
        self._health.started()
        if self.checkpoints:
            self.checkpoints.started()
        self._begun_checkpoints = self._checkpoints
        self._look_ahead(simulation, None, n.t, n.dt)

    def _go_on(self, simulation: Simulation, restarting: Restart) -> SavedCheckpoint | None:
        """Go on from a checkpoint, if there is one. Collective."""
        found = restarting.find(self._comm)
        if found is None:
            return None
        restore(self._state(simulation), found, simulation.reading.changing("a restart"))
        self.steps = found.manifest.step
        simulation.deliver()
        simulation.reading.touch()
        if self._comm.rank == 0:
            print(
                f"ecsmpi: restarted at t = {n.t:g} ms from {found.path}",
                file=sys.stderr,
                flush=True,
            )
        return found

    def _state(self, simulation: Simulation) -> RunState:
        return RunState(
            comm=simulation.comm,
            model=self._model,
            solvers=simulation.solvers.of_all(simulation.regions),
            vectors=self.checkpoints.vectors if self.checkpoints else {},
            fields_left_out=simulation.saved_fields.left_out,
        )

    def _begin_observer(
        self, simulation: Simulation, observer: Observer, found: SavedCheckpoint | None
    ) -> None:
        """Let an observer begin, or go on from a checkpoint. Collective."""
        states = list(found.manifest.observers) if found else None
        try:
            begin(observer, simulation, n.t, states)
        except WRONG_STATE as error:
            if found and type(observer).__module__.startswith("ecsmpi."):
                kind = type(observer).__name__
                raise Damaged(
                    f"{found.path}: {kind} cannot go on from what it says ({error!r})"
                ) from error
            raise

    def _follow(self, comm) -> None:
        """Belong to the ranks of ``comm`` from now on. Local."""
        if comm is not self._comm:
            self._comm = comm
            self._health = HealthCheck(comm)
        if self.checkpoints:
            self.checkpoints.follow(comm)

    def _agree_on_restart(self) -> None:
        """Raise ValueError on every rank where only some have called rxd.restart. Collective."""
        asked = self._comm.allgather(self.restart is not None)
        if any(asked) and not all(asked):
            self.restart = None
            raise ValueError(
                f"rank {asked.index(True)} has called rxd.restart, and rank {asked.index(False)} "
                "has not: call it on every rank (outside `if rank == 0`)"
            )

    def _let_go_of_checkpoints(self) -> None:
        """Close a schedule that the script of every rank has dropped. Collective.

        Only a schedule that had a name when some run began can be dropped.
        """
        own = self._checkpoints
        own_state = (own is not None, own is not None and own.is_referred_to())
        states = self._comm.allgather(own_state)
        have = [has for has, _ in states]
        if any(have) and not all(have):
            raise ValueError(
                f"rank {have.index(False)} has no rxd.Checkpoint, others have one: "
                "make it on every rank (outside `if rank == 0`)"
            )
        if own is None:
            return
        if any(is_referred for _, is_referred in states):
            own.named = True
        elif own.named:
            own.observer.close()

    # the steps

    def let_join(self, simulation: Simulation, t: float) -> None:
        """Let what the script has made in mid-run take part from t (ms) on.

        Collective where there is something.
        """
        if self._begun_checkpoints is not self._checkpoints:
            meet(self._comm, "the first step after a new rxd.Checkpoint")
            self._begun_checkpoints = self._checkpoints
            self._let_go_of_checkpoints()
            if self.checkpoints is not None:
                self._follow(simulation.comm)
                self.checkpoints.try_out()
                self.checkpoints.started()
        if simulation.observers.news and simulation.clock.between_steps:
            meet(
                self._comm,
                "the first step after an observer, such as an rxd.Output, was made or closed",
            )
            simulation.observers.join(simulation, t)

    def stepped(self, simulation: Simulation, t: float, dt: float) -> None:
        """Count a step of NEURON of dt to t (ms), which is done but for mechanisms' states.

        Collective.
        """
        self.steps += 1
        poll = self.checkpoints.poll if self.checkpoints else _nothing_due
        wanted = self._health.stepped(simulation, t, poll)
        self._look_ahead(simulation, wanted, t, dt)

    def _look_ahead(self, simulation: Simulation, wanted: str | None, t: float, dt: float) -> None:
        """Have a wanted checkpoint taken after the next step. Local, alike on all ranks."""
        if self.checkpoints is None:
            return
        if wanted is None and self.checkpoints.is_due_at(self.steps + 1):
            wanted = CHECKPOINT
        if self._wanted != STOP:
            self._wanted = wanted or self._wanted
        if self._wanted and simulation.clock.ends_next and not self._is_scheduled:
            self._is_scheduled = True
            # any time inside the next step: NEURON delivers the event at that step's end
            self._events.event(t + dt / 4, self._guard(lambda: self._between_steps(simulation)))

    def _between_steps(self, simulation: Simulation) -> None:
        """Take the checkpoint that is wanted. Collective.

        NEURON's queue holds no event of ecsmpi then.
        """
        wanted = self._wanted
        self._wanted = None
        self._is_scheduled = False
        if self.checkpoints is None:
            return  # it was closed meanwhile
        simulation.reading.settle("a checkpoint")
        self._health.check(simulation, n.t)
        regions = describe_regions(simulation.registry, simulation.solvers)
        folder = self.checkpoints.folder
        path = capture(self._state(simulation), self.steps, regions, simulation.observers, folder)
        self.checkpoints.restart_clock()
        if wanted == STOP:
            self._stop(simulation, path)
        self._look_ahead(simulation, None, n.t, n.dt)

    def _stop(self, simulation: Simulation, path: Path) -> None:
        """End the run, to be continued from a checkpoint. Collective."""
        why = self.checkpoints.why_it_ends(self._comm) if self.checkpoints else ""
        if self._comm.rank == 0:
            print(
                f"ecsmpi: {why}: stopped at t = {n.t:g} ms, to be continued from {path}",
                file=sys.stderr,
                flush=True,
            )
        simulation.end()
        launch.leave(self._comm, TO_BE_CONTINUED)


def _nothing_due() -> tuple[bool, bool]:
    return False, False
