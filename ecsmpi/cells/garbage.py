"""Python's collector, which ends objects in reference cycles when it collects, and what ends with
them.

A section must not end while NEURON's data are frozen, as they are in finitialize after its first
phase and in each step. A species or reaction that only a cycle holds, such as a traceback or an
animation, would end at some step, and on one rank alone.
"""

from __future__ import annotations

import gc
import sys
import weakref


class Collector:
    """Knows whether a collection is in progress, and can have the next ones wait."""

    def __init__(self):
        self.collecting = False
        self._held = self._was_on = False
        gc.callbacks.append(self.said)

    def said(self, phase, _info) -> None:
        """What Python calls before and after a collection."""
        self.collecting = phase == "start"

    def hold(self) -> None:
        """No collection from now on, but by ``gc.collect()``. Local."""
        if not self._held:
            self._held, self._was_on = True, gc.isenabled()
            gc.disable()

    def release(self) -> None:
        """As the script had it before `hold`. Local."""
        if self._held:
            self._held = False
            if self._was_on:
                gc.enable()


collector = Collector()


class Held(weakref.ref):
    """A weak reference to an object of the script.

    Calling it gives the object; or, where Python's collector has ended it, a twin with the same
    attributes, until `Living.let_go`.
    """

    __slots__ = ("twin", "stands_in")

    def __new__(cls, one, ended):
        return super().__new__(cls, one, ended)

    def __init__(self, one, ended):
        super().__init__(one, ended)
        self.stands_in = False
        self.renew()

    @property
    def living(self):
        """The object, or None where it has ended."""
        return super().__call__()

    def __call__(self):
        one = super().__call__()
        return self.twin if one is None and self.stands_in else one

    def renew(self) -> None:
        """Make a twin of the object, which shares its attributes. It is no reference to the object."""
        one = self.living
        self.twin = object.__new__(type(one))
        object.__setattr__(self.twin, "__dict__", one.__dict__)


class Living:
    """Objects of the script in the order they were made, which it drops when it likes.

    One that the script drops (``del k``) is gone at once. One that Python's collector ends goes on
    until `let_go`.
    """

    def __init__(self, changed=lambda: None):
        """changed(): an object has come or gone."""
        self._held: dict[int, Held] = {}  # by id of the reference
        self._changed = changed
        self._collector = collector  # also while Python ends, when modules have no names any more

    def add(self, one) -> Held:
        """Add an object, or move it to the end; ``one._held`` is the reference to it from then on.
        Local.
        """
        if (before := getattr(one, "_held", None)) is not None:
            self._forget(before)
        held = Held(one, self.ended)
        one._held = self._held[id(held)] = held
        self._changed()
        return held

    def ended(self, held: Held) -> None:
        """What Python calls when an object ends."""
        if self._collector.collecting and held.twin is not None:
            held.stands_in = True
        else:
            self._forget(held)

    def _forget(self, gone: Held) -> None:
        gone.twin = None
        if self._held.pop(id(gone), None) is not None:
            self._changed()

    @property
    def scripts(self) -> list:
        """Those that the script holds."""
        living = weakref.ref.__call__
        return [one for held in self._held.values() if (one := living(held)) is not None]

    @property
    def acting(self) -> list:
        """These and those that the collector has ended since `let_go`."""
        return [one for held in self._held.values() if (one := held()) is not None]

    def loosen(self) -> None:
        """What the script does not hold is free to end: those that the collector has ended are
        gone. `renew` has to follow.
        """
        for held in list(self._held.values()):
            held.twin = None
            if held.living is None:
                self._forget(held)

    def renew(self) -> None:
        """Go on with those that there are."""
        for held in self._held.values():
            held.renew()

    def clear(self) -> None:
        """Forget all of them."""
        for held in list(self._held.values()):
            self._forget(held)


def leave_out_modules(script_has_begun: bool) -> bool:
    """What there is now, mostly modules, is left out of all collections from now on; whether it is.
    Local, at the end of the import.

    A collection in each finitialize would else take longer than all the rest of it. Objects that
    the script has made before stay in memory where only a cycle holds them, so nothing is left out
    in notebooks, or where it has made sections.
    """
    is_interactive = hasattr(sys, "ps1") or "IPython" in sys.modules
    if is_interactive or script_has_begun:
        return False
    gc.freeze()
    return True


def let_go(*groups: Living) -> None:
    """Collect garbage, and forget what has ended of the groups. Local."""
    for group in groups:
        group.loosen()
    try:
        gc.collect()
    finally:
        for group in groups:
            group.renew()
