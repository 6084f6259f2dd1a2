"""What joins and leaves the runs of a script: its own observers, and those of ecsmpi."""

from __future__ import annotations

from ecsmpi.run.observers.base import Observer
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.stand_in import FixedAttributes

# What the run calls, which a script that watches it does not.
CALLED_BY_THE_RUN = tuple(
    name for name in vars(Observer) if not name.startswith("_") and name != "close"
)


class AttachedObserver(FixedAttributes):
    """Base of the observers that a script makes by their names in rxd."""

    hidden = CALLED_BY_THE_RUN

    def _attach(self, wanted: bool) -> None:
        """Let the observer, whose attributes are complete, take part in the script's runs."""
        self._is_complete = True
        if wanted:
            simulation.observers.add(self)


def add_observer(observer: object) -> None:
    """Let an object take part in the runs. Local; to be called on every rank.

    The object is kept until `remove_observer`, or until `rxd.reset`.

    Parameters
    ----------
    observer
        An `Observer`, or any object with some of its methods: ``started(simulation, t)`` is called
        at the end of n.finitialize, ``stepped(simulation, t)`` after each step of the grid,
        ``ended()`` at the next n.finitialize or at exit. t is in ms.

    Examples
    --------
    >>> class Times:
    ...     def started(self, simulation, t):
    ...         self.t = [t]
    ...
    ...     def stepped(self, simulation, t):
    ...         self.t.append(t)
    >>> times = Times()
    >>> rxd.add_observer(times)
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    >>> times.t  # ms
    [0.0, 0.025]
    """
    simulation.observers.add(observer)


def remove_observer(observer: object) -> None:
    """Let an object no longer take part in the runs. Local; to be called on every rank.

    Its run ends before the next step, at the next n.finitialize or at exit. ``close()`` of
    ecsmpi's own observers ends it at once.

    Parameters
    ----------
    observer
        What `add_observer` was given, or an rxd.Output and the like.

    Raises
    ------
    ValueError
        If the object does not take part.
    """
    if not simulation.observers.remove(observer):
        raise ValueError(
            f"{observer!r} takes no part in the run: give an object that add_observer was given, "
            "or an rxd.Output and the like"
        )
