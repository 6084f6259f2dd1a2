"""What takes part in a run, and who takes part: the base class of observers, and the list of those
of a simulation.

    made         observers.add          the simulation holds it
    finitialize  observers.begin_again  the last run ends; those that the script has dropped go
                 started or resumed     with the initial state, or that of a checkpoint
    each step    stepped, completed
    exit         ended
"""

from __future__ import annotations

import itertools
import sys
import warnings


class Observer:
    """Sees each step of the grid. Subclass it, override what you need, and give it to
    ``rxd.add_observer``.

    All methods are called on every rank at the same moments, so they may be collective. A
    simulation is given to some: of use are its ``comm``, ``regions``, ``species``,
    ``space(region)`` and ``field(species, region).owned``, this rank's slab.
    """

    observers: Observers | None = None  # those among which it takes part
    goes_when_dropped = False  # whether a script that drops it lets it go, as it does ecsmpi's own

    def started(self, simulation, t: float) -> None:
        """A run begins, at t (ms): at the end of ``n.finitialize``."""

    def resumed(self, simulation, t: float, places: list) -> None:
        """A run goes on from a checkpoint, at t (ms).

        places: what the observers' ``state`` said when it was taken.
        """
        self.started(simulation, t)

    def joined(self, simulation, t: float) -> None:
        """It was made in mid-run, and takes part from t (ms) on, before the grid's next step."""
        self.started(simulation, t)

    def stepped(self, simulation, t: float) -> None:
        """The grid has come to t (ms); NEURON's own step is not complete yet: voltages are new,
        states of mechanisms old.
        """

    def completed(self) -> None:
        """NEURON's step is complete. Local; called before the next step, and where none follows."""

    def state(self) -> list | None:
        """Where it stands, for a checkpoint: [its kind, its name, more], as JSON; None where there
        is nothing to say.
        """
        return None

    def line(self) -> str:
        """A few words for the line of progress."""
        return ""

    def ended(self) -> None:
        """The run has ended: at the next ``n.finitialize``, when it leaves, or at exit.

        Again is harmless.
        """

    def paths_written(self) -> list:
        """The files that it writes; one made anew for one of these takes its place."""
        return []

    def parts(self) -> list[Observer]:
        """Other observers that leave when it leaves."""
        return []

    def replaced_by(self, other: Observer) -> None:
        """Another one for the same file takes its place. Local."""

    def close(self) -> None:
        """Take part no more: what waits is written and its files are closed. Collective; again is
        harmless.
        """
        self.ended()
        if self.observers is not None:
            self.observers.remove(self)
        for part in self.parts():
            part.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if exception[0] is None or self.observers is None or self.observers.alone:
            self.close()


class Foreign(Observer):
    """An object of a script's with some of an observer's methods: the others do nothing."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        self._runs = False
        for name in ("stepped", "completed", "state", "line"):
            if callable(method := getattr(wrapped, name, None)):
                setattr(self, name, method)

    def __repr__(self):
        return repr(self.wrapped)

    def _call(self, *names) -> object:
        """The first of these methods that the object has."""
        found = (getattr(self.wrapped, name, None) for name in names)
        return next((method for method in found if callable(method)), _nothing)

    def started(self, simulation, t: float) -> None:
        """As the object's."""
        self._runs = True
        self._call("started")(simulation, t)

    def resumed(self, simulation, t: float, places: list) -> None:
        """As the object's, or its ``started``."""
        if self._call("resumed") is _nothing:
            return self.started(simulation, t)
        self._runs = True
        self._call("resumed")(simulation, t, places)

    def joined(self, simulation, t: float) -> None:
        """As the object's, or its ``started``."""
        self._runs = True
        self._call("joined", "started")(simulation, t)

    def ended(self) -> None:
        """As the object's, once for each run."""
        if self._runs:
            self._runs = False
            self._call("ended")()


def _nothing(*_) -> None:
    """A method that the object lacks."""


class Place:
    """An observer among the others, or another object that the script may drop.

    number: when it was made, and since: when its first run began, or None; both count up. named:
    whether the script has had a name for it when a run began.
    """

    __slots__ = ("observer", "number", "named", "since")

    def __init__(self, observer, number: int):
        self.observer, self.number, self.named, self.since = observer, number, False, None

    def is_referred_to(self, others: int = 0) -> bool:
        """Whether something else refers to the observer, beyond so many others of ours."""
        return self.references() - others > OWN

    def references(self) -> int:
        """References to the observer, this one among them, by an unknown but constant number too
        many.
        """
        return sys.getrefcount(self.observer)


OWN = Place(Observer(), 0).references()  # where nobody else has one


class Observers:
    """The observers of a simulation, in the order they were added. Local but for ``begin_again``,
    ``join`` and ``end``.

    Iterating gives those that take part in the run.
    """

    def __init__(self, comm):
        self._comm = comm
        self._places: list[Place] = []
        self._leaving: list[Observer] = []  # until they end, at the next moment that is collective
        self._acting: list[Observer] = []
        self._numbers = itertools.count(1)
        self.news = False  # whether some have been added or have left since the run began

    def __iter__(self):
        return iter(self._acting)

    @property
    def alone(self) -> bool:
        """Whether there is one rank only."""
        return self._comm.size == 1

    def follow(self, comm) -> None:
        """The run is one of the ranks of `comm` from now on."""
        self._comm = comm

    def add(self, observer) -> None:
        """Let an observer take part, from the next finitialize or step on.

        One for the same file leaves.
        """
        one = observer if isinstance(observer, Observer) else Foreign(observer)
        mine = {str(path) for path in one.paths_written()}
        for place in list(self._places):
            other = place.observer
            if place.observer is one:
                return
            if mine & {str(path) for path in other.paths_written()}:
                if place.since is None:
                    warnings.warn(
                        f"{one!r} takes the place of {other!r}, which has not been in any run: "
                        f"give the two different "
                        "files, or write all by one of them",
                        stacklevel=4,
                    )
                other.replaced_by(one)
                self._leave(place)
        one.observers = self
        self._places.append(Place(one, next(self._numbers)))
        self.news = True

    def remove(self, observer) -> bool:
        """Let an observer leave; it ends at the next collective moment, if it has not.

        Whether it was there.
        """
        for place in self._places:
            if observer in (place.observer, getattr(place.observer, "wrapped", None)):
                self._leave(place)
                return True
        return False

    def clear(self) -> None:
        """Forget all of them."""
        self._places.clear()
        self._acting.clear()
        self._leaving.clear()

    def _leave(self, place: Place) -> None:
        one = place.observer
        self._places.remove(place)
        if one in self._acting:
            self._acting.remove(one)
        self._leaving.append(one)
        one.observers = None
        self.news = True
        parts = one.parts()
        for part in [other for other in self._places if other.observer in parts]:
            self._leave(part)

    # collective

    def begin_again(self) -> None:
        """The last run ends, before another is planned; those that the script has dropped are let
        go. Collective.
        """
        self.completed()
        self._end_leaving()
        self._end_acting()
        while self._let_go():
            self._end_leaving()
        for place in self._places:
            self._act(place)
        self.news = False

    def _act(self, place: Place) -> None:
        self._acting.append(place.observer)
        place.since = place.since or next(self._numbers)

    def join(self, simulation, t: float) -> None:
        """Those added in mid-run take part from t (ms) on; those that left end. Collective."""
        self._end_leaving()
        self._agree()
        for place in self._places:
            if place.observer not in self._acting:
                self._act(place)
                place.observer.joined(simulation, t)
        self.news = False

    def completed(self) -> None:
        """NEURON's step is complete, or there was none. Local."""
        for one in self._acting:
            one.completed()
        for one in self._leaving:
            one.completed()

    def end(self) -> None:
        """All end, at exit. Collective."""
        self._end_leaving()
        self._end_acting()

    def _end_acting(self) -> None:
        """On one rank all of them, whatever happens; on several the first failure ends the job."""
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
        """Whether the script of any rank refers to each of ecsmpi's own; ValueError where ranks
        have others. Collective.
        """
        acting = set(map(id, self._acting))
        mine = [
            (repr(place.observer), place.is_referred_to(others=id(place.observer) in acting))
            for place in self._own()
        ]
        everyone = self._comm.allgather(mine)
        named = [[name for name, _ in told] for told in everyone]
        odd = next((rank for rank, names in enumerate(named) if names != named[0]), None)
        if odd is not None:
            first, other = (", ".join(named[rank]) or "none" for rank in (0, odd))
            raise ValueError(
                f"ranks have different observers: rank 0 has {first}; rank {odd} has {other}: make "
                f"each of them on every "
                "rank (outside `if rank == 0`); only one rank writes or prints"
            )
        referred = [any(told[i][1] for told in everyone) for i in range(len(mine))]
        for place, is_named in zip(self._own(), referred):
            place.named |= is_named
        return referred

    def _own(self) -> list[Place]:
        return [place for place in self._places if place.observer.goes_when_dropped]

    def _let_go(self) -> bool:
        """Let those go that the script has dropped; whether there were some, with which others may
        go.
        """
        dropped = []
        for place, referred in zip(self._own(), self._agree()):
            if referred:
                continue
            if place.named:
                dropped.append(place)
            elif place.since is not None and self._is_followed(place):
                dropped.append(place)
                self._say(place.observer)
        for place in dropped:
            self._leave(place)
        return bool(dropped)

    def _is_followed(self, place: Place) -> bool:
        """Whether another of its kind was made after its first run."""
        kind = type(place.observer)
        return any(
            type(other.observer) is kind and other.number > place.since for other in self._own()
        )

    def _say(self, observer: Observer) -> None:
        if self._comm.rank == 0:
            print(
                f"ecsmpi: {observer!r} takes no part in this run: another was made after its own, "
                f"and the script has no name "
                "for it; give it one (output = rxd.Output(...)) to have it go on",
                file=sys.stderr,
                flush=True,
            )
