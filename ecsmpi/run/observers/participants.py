"""The observers of a simulation: which of them take part, and when one leaves."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from ecsmpi.notebook import cells
from ecsmpi.run.observers.base import Observer, ScriptObserver


class Participant:
    """An observer among the others, or another object that the script may drop.

    Attributes
    ----------
    number : int
        When it was made.
    since : int or None
        When its first run began. Both count up together.
    cell : int
        The cell of a notebook that made it.
    named : bool
        Whether the script had a name for the observer when some run began.
    """

    __slots__ = ("cell", "named", "number", "observer", "since")

    def __init__(self, observer: Any, number: int):
        self.observer = observer
        self.number = number
        self.cell = cells.number
        self.named = False
        self.since: int | None = None

    def is_referred_to(self, others: int = 0) -> bool:
        """Whether the script refers to the observer.

        others: how many references ecsmpi itself has, besides that of this object.
        """
        return self.references() - others > OWN_REFERENCES

    def references(self) -> int:
        """References to the observer, by an unknown but constant number too many."""
        return sys.getrefcount(self.observer)


OWN_REFERENCES = Participant(Observer(), 0).references()  # where nobody else has one


class Observers:
    """The observers of a simulation, in the order they were added.

    Iterating gives those that take part in the run. All is local but for `begin_again`, `join` and
    `end`, which are collective.

    Attributes
    ----------
    news : bool
        Whether observers have been added or have left since the run began.
    """

    def __init__(self, comm):
        self._comm = comm
        self._participants: list[Participant] = []
        self._leaving: list[Observer] = []  # until they end, at the next collective moment
        self._acting: list[Observer] = []
        self._numbers = itertools.count(1)
        self.news = False

    def __iter__(self) -> Iterator[Observer]:
        return iter(self._acting)

    @property
    def alone(self) -> bool:
        """Whether there is one rank only."""
        return self._comm.size == 1

    def follow(self, comm) -> None:
        """Belong to the ranks of ``comm`` from now on."""
        self._comm = comm

    def add(self, observer: Any) -> None:
        """Let an observer take part, from the next finitialize or step on.

        An observer that writes the same file leaves.
        """
        one = observer if isinstance(observer, Observer) else ScriptObserver(observer)
        own_paths = {str(path) for path in one.paths_written()}
        for participant in list(self._participants):
            other = participant.observer
            if other is one:
                return
            other_paths = {str(path) for path in other.paths_written()}
            if own_paths & other_paths:
                if participant.since is None and participant.cell == cells.number:
                    _warn_of_replacement(one, other)
                other.replaced_by(one)
                self._leave(participant)
        one.observers = self
        self._participants.append(Participant(one, next(self._numbers)))
        self.news = True

    def remove(self, observer: Any) -> bool:
        """Let an observer leave; it ends at the next collective moment, if it has not.

        Returns whether it took part.
        """
        for participant in self._participants:
            one = participant.observer
            is_wrapped = isinstance(one, ScriptObserver) and observer == one.wrapped
            if observer == one or is_wrapped:
                self._leave(participant)
                return True
        return False

    def clear(self) -> None:
        """Forget all observers."""
        self._participants.clear()
        self._acting.clear()
        self._leaving.clear()

    def _leave(self, participant: Participant) -> None:
        one = participant.observer
        self._participants.remove(participant)
        if one in self._acting:
            self._acting.remove(one)
        self._leaving.append(one)
        one.observers = None
        self.news = True
        parts = one.parts()
        for other in list(self._participants):
            if other.observer in parts:
                self._leave(other)

    # collective

    def begin_again(self) -> None:
        """End the last run, before another is planned, and let dropped observers go. Collective."""
        self.completed()
        self._end_leaving()
        self._end_acting()
        while self._let_go():
            self._end_leaving()
        for participant in self._participants:
            self._act(participant)
        self.news = False

    def _act(self, participant: Participant) -> None:
        self._acting.append(participant.observer)
        participant.since = participant.since or next(self._numbers)

    def join(self, simulation, t: float) -> None:
        """Let observers made in mid-run take part from t (ms) on. Collective."""
        self._end_leaving()
        self._agree()
        for participant in self._participants:
            if participant.observer not in self._acting:
                self._act(participant)
                participant.observer.joined(simulation, t)
        self.news = False

    @property
    def act(self) -> bool:
        """Whether any takes part in the run, or is about to end."""
        return bool(self._acting or self._leaving)

    def completed(self) -> None:
        """Tell all observers that NEURON's step is complete, or that there was none. Local."""
        for one in self._acting:
            one.completed()
        for one in self._leaving:
            one.completed()

    def end(self) -> None:
        """End all observers, at exit. Collective."""
        self._end_leaving()
        self._end_acting()

    def _end_acting(self) -> None:
        """End those that act. On one rank all of them end, whatever happens.

        On several ranks the first failure ends the job.
        """
        failure = None
        while self._acting:
            try:
                self._acting.pop(0).ended()
            except Exception as error:
                if not self.alone:
                    raise
                failure = failure or error
        if failure is not None:
            raise failure

    def _end_leaving(self) -> None:
        while self._leaving:
            self._leaving.pop(0).ended()

    def _agree(self) -> list[bool]:
        """Whether the script of any rank refers to each of ecsmpi's own observers. Collective.

        Raises ValueError where ranks have different ones.
        """
        acting = set(map(id, self._acting))
        mine = []
        for participant in self._own():
            others = int(id(participant.observer) in acting)
            mine.append((repr(participant.observer), participant.is_referred_to(others)))
        everyone = self._comm.allgather(mine)
        self._refuse_different([[name for name, _ in of_rank] for of_rank in everyone])
        referred = []
        for i, participant in enumerate(self._own()):
            referred.append(any(of_rank[i][1] for of_rank in everyone))
            participant.named |= referred[-1]
        return referred

    def _refuse_different(self, names: list[list[str]]) -> None:
        """Raise ValueError where a rank has other observers than rank 0. names: of each rank."""
        for rank, of_rank in enumerate(names):
            if of_rank != names[0]:
                first = ", ".join(names[0]) or "none"
                other = ", ".join(of_rank) or "none"
                raise ValueError(
                    f"ranks have different observers: rank 0 has {first}; rank {rank} has {other}: "
                    "make each of them on every rank (outside `if rank == 0`); only one rank "
                    "writes or prints"
                )

    def _own(self) -> list[Participant]:
        return [one for one in self._participants if one.observer.goes_when_dropped]

    def _let_go(self) -> bool:
        """Let dropped observers leave; whether there were any, with which others may be dropped."""
        dropped = []
        for participant, referred in zip(self._own(), self._agree()):
            if referred:
                continue
            if participant.named:
                dropped.append(participant)
            elif participant.since is not None and self._is_followed(participant):
                dropped.append(participant)
                self._say_dropped(participant.observer)
        for participant in dropped:
            self._leave(participant)
        return bool(dropped)

    def _is_followed(self, participant: Participant) -> bool:
        """Whether another observer of its kind was made after its first run."""
        kind = type(participant.observer)
        since = participant.since or 0
        return any(type(other.observer) is kind and other.number > since for other in self._own())

    def _say_dropped(self, observer: Observer) -> None:
        if self._comm.rank == 0:
            print(
                f"ecsmpi: {observer!r} takes no part in this run: another was made after its own, "
                "and the script has no name for it; give it one (output = rxd.Output(...)) to have "
                "it go on",
                file=sys.stderr,
                flush=True,
            )


def _warn_of_replacement(new: Observer, old: Observer) -> None:
    warnings.warn(
        f"{new!r} takes the place of {old!r}, which has not been in any run: "
        "give the two different files, or write all by one of them",
        stacklevel=5,
    )
