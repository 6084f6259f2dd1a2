"""The course of a run: its steps counted and watched, checkpoints taken between two of them, the
restart from one.

NEURON calls the extracellular space in the middle of its step. A checkpoint needs the end of one,
so it is taken by an event of NEURON's: one that falls into a step is carried out when that step is
complete.
"""

from __future__ import annotations

from ecsmpi import __version__
from ecsmpi.files.checkpoint_part import Damaged
from ecsmpi.neuron_api import mechanisms, sections
from ecsmpi.neuron_api.interpreter import n, neuron
from ecsmpi.ranks.meeting import meet
from ecsmpi.run.checkpoint.save_state import SavedFields
from ecsmpi.run.health_check import Watch
from ecsmpi.run.observers.base import Place
from ecsmpi.run.observers.fields import begin, labels


class RunLoop:
    """What happens beside the steps of a simulation.

    Attributes
    ----------
    checkpointing, restart : set by the script. One that takes checkpoints is let go as observers
    are, see `observer`.

    guard(action): makes of an action one that NEURON may call, since a failure ends all ranks.
    """

    def __init__(self, simulation):
        self._simulation, self._comm = simulation, simulation.comm
        self._events = n.CVode()
        self.steps = 0  # of NEURON, since the beginning of the run
        self.lookout = Watch(simulation.comm)
        self.restart = self._checkpoints = self._checkpoints_began = (
            None  # `Place` of what takes them, and of what has begun
        )
        self.began = 0.0  # ms, when the run began, or went on after a restart
        self.guard = lambda action: action
        self.saved_fields = SavedFields(simulation)

    @property
    def checkpointing(self):
        """What takes checkpoints, or None."""
        return self._checkpoints.observer if self._checkpoints else None

    @checkpointing.setter
    def checkpointing(self, one) -> None:
        self._checkpoints = Place(one, 0) if one is not None else None

    def _let_go_of_checkpoints(self) -> None:
        """One that the script had a name for when a run began, and has dropped on all ranks, takes
        no more. Collective.
        """
        place = self._checkpoints
        told = self._comm.allgather(
            (place is not None, place is not None and place.is_referred_to())
        )
        if any(there for there, _ in told) and not all(there for there, _ in told):
            without = [rank for rank, (there, _) in enumerate(told) if not there]
            raise ValueError(
                f"rank {without[0]} has no rxd.Checkpoint, others have one: make it on every rank (outside `if rank == 0`)"
            )
        if any(referred for _, referred in told):
            place.named = True
        elif place is not None and place.named:
            place.observer.close()

    def _agree_on_restart(self) -> None:
        """ValueError on every rank where some go on from a checkpoint and others begin anew.
        Collective.
        """
        asked = self._comm.allgather(self.restart is not None)
        if any(asked) and not all(asked):
            self.restart = None
            raise ValueError(
                f"rank {asked.index(True)} has called rxd.restart, and rank {asked.index(False)} has not: "
                "call it on every rank (outside `if rank == 0`)"
            )

    def begin(self) -> None:
        """The run begins, or goes on where a checkpoint was taken. Collective, at the end of
        finitialize.
        """
        self._follow(self._simulation.comm)
        self.steps, self._wanted, self._scheduled, found = 0, None, False, None
        self._let_go_of_checkpoints()
        if self.checkpointing:
            self.checkpointing.try_out()
        self.model = self.described()
        self._agree_on_restart()
        if self.restart is not None:
            vectors = self.checkpointing.vectors if self.checkpointing else {}
            found, self.restart = self.restart.begin(self._simulation, vectors), None
        self.began = n.t
        for observer in self._simulation.observers:
            self._begin(observer, found)
        self.lookout.started()
        if self.checkpointing:
            self.checkpointing.started()
        self._checkpoints_began = self._checkpoints
        self._look_ahead(None, n.t, n.dt)

    def _begin(self, observer, found) -> None:
        """Let an observer begin, or go on from a checkpoint. Collective."""
        places = list(found.facts.observers) if found else None
        try:
            begin(observer, self._simulation, n.t, places)
        except (TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            if found and type(observer).__module__.startswith("ecsmpi."):
                raise Damaged(
                    f"{found.path}: {type(observer).__name__} cannot go on from what it says ({error!r})"
                ) from error
            raise

    def _follow(self, comm) -> None:
        """The run is one of the ranks of `comm`."""
        if comm is not self._comm:
            self._comm, self.lookout = comm, Watch(comm)
        if self.checkpointing:
            self.checkpointing.follow(comm)

    def let_join(self, t: float) -> None:
        """Let what the script has made in mid-run take part from t (ms) on. Collective where there
        is something.
        """
        one = self._simulation
        if self._checkpoints_began is not self._checkpoints:
            meet(self._comm, "the first step after a new rxd.Checkpoint")
            self._checkpoints_began = self._checkpoints
            self._let_go_of_checkpoints()
            if self.checkpointing is not None:
                self._follow(self._simulation.comm)
                self.checkpointing.try_out()
                self.checkpointing.started()
        if one.observers.news and one.clock.between_steps:
            meet(
                self._comm,
                "the first step after an observer, such as an rxd.Output, was made or closed",
            )
            one.observers.join(one, t)

    def stepped(self, t: float, dt: float) -> None:
        """A step of NEURON's, of dt to t (ms), is done but for the mechanisms' states. Collective."""
        self.steps += 1
        asks = self.checkpointing.asks if self.checkpointing else _asks_nothing
        self._look_ahead(self.lookout.stepped(self._simulation, t, asks), t, dt)

    def _look_ahead(self, wanted: str | None, t: float, dt: float) -> None:
        """Have a checkpoint taken after the next step, if one is wanted. Local, alike on all ranks."""
        if self.checkpointing is None:
            return
        if self.checkpointing.counted(self.steps + 1):
            wanted = wanted or "checkpoint"
        self._wanted = "stop" if "stop" in (wanted, self._wanted) else wanted or self._wanted
        if self._wanted and self._simulation.clock.ends_next and not self._scheduled:
            self._scheduled = True
            self._events.event(t + dt / 4, self.guard(self._between_steps))

    def _between_steps(self) -> None:
        """Take the checkpoint that is wanted; NEURON's queue holds no event of ours then.
        Collective.
        """
        wanted, self._wanted, self._scheduled = self._wanted, None, False
        if self.checkpointing is None:
            return  # it was closed meanwhile
        with self._simulation.reading.changing("a checkpoint"):
            pass  # what the script has set on any rank is in the fields now
        self.checkpointing.take(self._simulation, wanted == "stop")
        self._look_ahead(None, n.t, n.dt)

    def boxes(self) -> list[str]:
        """Each region and its tissue as they are now. Collective."""
        return [
            f"{region.box} of {region.tissue}{self._simulation.space(region).fingerprint()}"
            for region in self._simulation.regions
        ]

    def described(self) -> dict:
        """The model as it begins, by which checkpoints know it. Collective."""
        one = self._simulation
        own = list(sections.model_sections())
        counts = self._comm.allgather((len(own), sum(sec.nseg for sec in own)))
        return {
            "box": self.boxes(),
            "species": [
                f"{name}: {[species.ion(region) for region in species.regions]}"
                for name, species in zip(labels(one.species), one.species)
            ],
            "reaction": one.laws_in_words(),
            "dt": n.dt,
            "steps of NEURON in one of the grid": one.clock.steps,
            "reproducible": one.reproducible,
            "mechanism": mechanisms.names(),
            "sections": sum(count for count, _ in counts),
            "segments": sum(count for _, count in counts),
            "version of ecsmpi": __version__,
            "version of NEURON": neuron.__version__,
        }


def _asks_nothing() -> tuple[bool, bool]:
    return False, False
