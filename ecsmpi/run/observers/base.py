"""The base class of all that observes a run, and what an observer puts into a checkpoint.

    made         Observers.add          the simulation holds the observer
    finitialize  Observers.begin_again  the last run ends; observers that the script dropped leave
                 started or resumed     with the initial state, or that of a checkpoint
    each step    stepped, completed
    exit         ended

`participants.Observers` calls these methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from ecsmpi.run.observers.participants import Observers
    from ecsmpi.run.simulation import Simulation


class Observer:
    """Sees each step of the grid.

    Subclass it, override the methods that you need, and give an object to ``rxd.add_observer``.
    The methods of this class do nothing.

    All methods are called on every rank at the same moments, so they may be collective. Some are
    given the simulation. It has ``comm``, the communicator; ``regions`` and ``species``, lists of
    the script's; ``space(region).planes``, the x-planes [lo, hi) of this rank; and
    ``field(species, region).owned``, the concentrations (mM) in them.

    Attributes
    ----------
    observers : Observers or None
        All that take part in the run, while this one does; else None.
    goes_when_dropped : bool
        Whether it leaves when the script has dropped it. False; a subclass may say True.

    Examples
    --------
    >>> class Highest(rxd.Observer):
    ...     def stepped(self, simulation, t):
    ...         slab = simulation.field(k, ecs).owned
    ...         highest = float(slab.max(initial=0))
    ...         self.highest = max(simulation.comm.allgather(highest))  # mM, of all ranks
    >>> highest = Highest()
    >>> rxd.add_observer(highest)
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    >>> round(highest.highest, 2)
    3.0
    """

    observers: Observers | None = None  # the list in which it takes part
    goes_when_dropped = False  # whether it leaves when the script has dropped it

    def started(self, simulation: Simulation, t: float) -> None:
        """Begin a run; called at the end of ``n.finitialize``.

        Parameters
        ----------
        simulation
            The run.
        t
            The time (ms).
        """

    def resumed(self, simulation: Simulation, t: float, states: list[list]) -> None:
        """Go on from a checkpoint; called at the end of ``n.finitialize``.

        Parameters
        ----------
        simulation
            The run.
        t
            The time of the checkpoint (ms).
        states
            What `state` of each observer returned when the checkpoint was taken, as lists.
        """
        self.started(simulation, t)

    def joined(self, simulation: Simulation, t: float) -> None:
        """Take part from now on, before the grid's next step; called if made in mid-run.

        Parameters
        ----------
        simulation
            The run.
        t
            The time (ms).
        """
        self.started(simulation, t)

    def stepped(self, simulation: Simulation, t: float) -> None:
        """See the state to which the grid has come; called after each step of the grid.

        NEURON's own step is not complete yet: voltages are new, states of mechanisms are old.

        Parameters
        ----------
        simulation
            The run.
        t
            The time at the end of the step (ms).
        """

    def completed(self) -> None:
        """See the end of NEURON's step. Local; called before the next step, or if none follows."""

    def state(self) -> ObserverState | list | None:
        """Return the state for a checkpoint, which `resumed` gets back. Collective.

        The state must be the same on every rank, since the manifest holds that of rank 0; the
        checkpoint is refused with ValueError where it differs.

        Returns
        -------
        ObserverState, list or None
            A list is [kind, name, value, ...] of values of JSON: int, float, str, bool, None, and
            lists and dicts of these. Kind and name together tell whose state it is. None: there is
            no state.
        """
        return None

    def line(self) -> str:
        """Return a few words for the line of progress.

        Returns
        -------
        str
            "" for none.
        """
        return ""

    def ended(self) -> None:
        """End the run: at the next ``n.finitialize``, when the observer leaves, or at exit.

        A second call is harmless.
        """

    def paths_written(self) -> list[Path]:
        """Return the files that it writes; an observer made later for one of them replaces it.

        Returns
        -------
        list of pathlib.Path
        """
        return []

    def parts(self) -> list[Observer]:
        """Return other observers that leave when this one leaves.

        Returns
        -------
        list of Observer
        """
        return []

    def replaced_by(self, other: Observer) -> None:
        """Make way for another observer that writes the same file. Local.

        Parameters
        ----------
        other
            The new observer.
        """

    def close(self) -> None:
        """Leave the run: write what waits, and close the files. Collective.

        A second call is harmless.
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


class ScriptObserver(Observer):
    """Adapter for an object of a script that has some of an observer's methods.

    The methods that the object lacks do nothing. `resumed` and `joined` fall back on the object's
    ``started``.
    """

    def __init__(self, wrapped: Any):
        self.wrapped = wrapped
        self._runs = False
        for name in ("stepped", "completed", "state", "line"):
            method = getattr(wrapped, name, None)
            if callable(method):
                setattr(self, name, method)

    def __repr__(self):
        return repr(self.wrapped)

    def _call(self, names: tuple[str, ...], *arguments) -> None:
        """Call the first of these methods that the object has."""
        for name in names:
            method = getattr(self.wrapped, name, None)
            if callable(method):
                method(*arguments)
                return

    def started(self, simulation, t: float) -> None:
        """Call the object's ``started``."""
        self._runs = True
        self._call(("started",), simulation, t)

    def resumed(self, simulation, t: float, states: list) -> None:
        """Call the object's ``resumed``, or its ``started``."""
        self._runs = True
        if callable(getattr(self.wrapped, "resumed", None)):
            self._call(("resumed",), simulation, t, states)
        else:
            self._call(("started",), simulation, t)

    def joined(self, simulation, t: float) -> None:
        """Call the object's ``joined``, or its ``started``."""
        self._runs = True
        self._call(("joined", "started"), simulation, t)

    def ended(self) -> None:
        """Call the object's ``ended``, once for each run."""
        if self._runs:
            self._runs = False
            self._call(("ended",))


@dataclass(frozen=True)
class ObserverState:
    """What an observer puts into a checkpoint, known by its kind and its name.

    It must be the same on every rank. Each observer of a kind should have its own name: only their
    order tells those of one name apart.

    A checkpoint holds it as [kind, name, {"version": version, field: value, ...}]. Checkpoints of
    version 1 hold [kind, name, value, ...], with the values in the order of the fields.

    Attributes
    ----------
    kind : str
        What the observer is, such as "output".
    name : str
        Which of its kind it is, such as the path of its file.
    fields : mapping
        Values of JSON by name.
    """

    kind: str
    name: str
    fields: Mapping[str, Any]

    VERSION = 2

    def record(self) -> list:
        """The state as a checkpoint holds it.

        Returns
        -------
        list
            [kind, name, {"version": version, field: value, ...}].
        """
        return [self.kind, self.name, {"version": self.VERSION, **self.fields}]

    @classmethod
    def find(
        cls,
        states: list,
        kind: str,
        name: str,
        fields: tuple[str, ...],
        turn: int = 0,
        alike: int = 1,
    ) -> ObserverState | None:
        """The state of a kind and a name among those of a checkpoint.

        Parameters
        ----------
        states
            What `Observer.resumed` is given.
        kind, name
            Whose state it is.
        fields
            The names of its values, in the order of version 1.
        turn, alike
            Which of the observers of this kind and name asks, in the order they were made, and how
            many there are.

        Returns
        -------
        ObserverState or None
            None where the checkpoint has no such state.

        Raises
        ------
        KeyError
            Where a value is missing.
        ValueError
            Where the state is of a later version, or where several observers share the name and the
            checkpoint has another number of them.
        """
        found = [state for state in states if state[:2] == [kind, name]]
        if not found:
            return None
        if len(found) != alike:
            raise ValueError(
                f"the checkpoint has {len(found)} {kind.capitalize()} named {name!r}, and the "
                f"script has {alike}: give each a name of its own (name=...)"
            )
        return cls(kind, name, _values(found[turn][2:], fields))


def _values(values: list, fields: tuple[str, ...]) -> dict[str, Any]:
    record = values[0] if len(values) == 1 else None
    if not isinstance(record, dict) or "version" not in record:
        return dict(zip(fields, values, strict=True))
    if record["version"] != ObserverState.VERSION:
        raise ValueError(
            f"the checkpoint has an observer's state of version {record['version']!r}, "
            f"and this version of ecsmpi reads {ObserverState.VERSION} and 1"
        )
    return {name: record[name] for name in fields}


def begin(observer: Observer, simulation, t: float, states: list | None) -> None:
    """Let an observer begin at t (ms), or go on from a checkpoint. Collective.

    states: the states of all observers in the checkpoint, None where the run begins anew.
    """
    if states is not None:
        observer.resumed(simulation, t, states)
    else:
        observer.started(simulation, t)
