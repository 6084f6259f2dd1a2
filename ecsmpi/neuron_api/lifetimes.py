"""When the script's objects end: never by Python's collector while NEURON's data are frozen.

Python's collector ends objects in reference cycles when it collects. A section must not end while
NEURON's data are frozen, as they are in finitialize after its first phase and in each step. A
species or reaction that only a cycle holds, such as a traceback or an animation, would end at some
step, and on one rank alone.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

from ecsmpi.notebook import running_shell


class Collector:
    """Knows whether a collection is in progress, and can postpone the next ones."""

    def __init__(self) -> None:
        self.collecting = False
        self._is_held = False
        self._was_on = False
        gc.callbacks.append(self.said)

    def said(self, phase: str, _info: Any) -> None:
        """Note that a collection begins or ends; Python calls it."""
        self.collecting = phase == "start"

    def hold(self) -> None:
        """Postpone collections, but those by ``gc.collect()``, until `release`. Local."""
        if not self._is_held:
            self._is_held = True
            self._was_on = gc.isenabled()
            gc.disable()

    def release(self) -> None:
        """Collect again, if the script had it so before `hold`. Local."""
        if self._is_held:
            self._is_held = False
            if self._was_on:
                gc.enable()


collector = Collector()


class ScriptReference(weakref.ref):
    """A weak reference to an object of the script.

    Calling it gives the object. Where Python's collector has ended the object, calling it gives a
    twin with the same attributes, until `let_go`.

    Attributes
    ----------
    replaced : str
        The object's name once another object has taken its place; it may still exist. Else empty.
    """

    __slots__ = ("twin", "stands_in", "replaced")

    def __new__(cls, one: Any, ended: Callable[[Any], None]) -> ScriptReference:
        return super().__new__(cls, one, ended)

    def __init__(self, one: Any, ended: Callable[[Any], None]):
        super().__init__(one, ended)  # type: ignore[call-arg]
        self.twin: Any
        self.stands_in = False
        self.replaced = ""
        self.renew()

    @property
    def living(self) -> Any:
        """The object, or None where it has ended."""
        return super().__call__()

    def __call__(self) -> Any:
        one = super().__call__()
        return self.twin if one is None and self.stands_in else one

    def renew(self) -> None:
        """Make a twin, which shares the object's attributes and does not keep the object alive."""
        one = self.living
        self.twin = object.__new__(type(one))
        object.__setattr__(self.twin, "__dict__", one.__dict__)


class Living:
    """Objects of the script in the order they were made, held weakly.

    An object that the script drops (``del k``) is gone at once. An object that Python's collector
    ends goes on until `let_go`.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None):
        """changed() is called when an object comes or goes."""
        self._references: dict[int, ScriptReference] = {}  # by id of the reference
        self._changed = changed
        # also while Python ends, when modules have no names any more
        self._collector = collector

    def add(self, one: Any) -> ScriptReference:
        """Add an object, or move it to the end; ``one._held`` becomes its reference. Local."""
        before = getattr(one, "_held", None)
        if before is not None:
            self._forget(before)
        reference = ScriptReference(one, self.ended)
        one._held = reference
        self._references[id(reference)] = reference
        self._changed()
        return reference

    def replace(self, one: Any) -> None:
        """Forget an object that still exists, as another one takes its place. Local."""
        one._held.replaced = str(one)
        self._forget(one._held)

    def ended(self, reference: ScriptReference) -> None:
        """Note that an object has ended; Python calls it."""
        if self._collector.collecting and reference.twin is not None:
            reference.stands_in = True
        else:
            self._forget(reference)

    def _forget(self, gone: ScriptReference) -> None:
        gone.twin = None
        if self._references.pop(id(gone), None) is not None:
            self._changed()

    @property
    def scripts(self) -> list:
        """The objects that still exist."""
        # weakref's own call, without a call of Python: scripts with many species ask often.
        living = weakref.ref.__call__
        found = [living(reference) for reference in self._references.values()]
        return [one for one in found if one is not None]

    @property
    def acting(self) -> list:
        """The objects that still exist, and twins of those that the collector has ended."""
        found = [reference() for reference in self._references.values()]
        return [one for one in found if one is not None]

    def loosen(self) -> None:
        """Free objects that the script does not hold, and forget those that have ended.

        `renew` has to follow.
        """
        for reference in list(self._references.values()):
            reference.twin = None
            if reference.living is None:
                self._forget(reference)

    def renew(self) -> None:
        """Let an end by the collector be postponed again, after `loosen`."""
        for reference in self._references.values():
            reference.renew()

    def clear(self) -> None:
        """Forget all objects."""
        for reference in list(self._references.values()):
            self._forget(reference)


def leave_out_modules(script_has_begun: bool) -> bool:
    """Leave all present objects, mostly modules, out of collections from now on.

    Local, at the end of the import. Returns whether it did. A collection in each finitialize would
    else take longer than all the rest of it. Objects that the script has made before stay in memory
    where only a cycle holds them, so nothing is left out in notebooks, or where the script has made
    sections.
    """
    # NEURON imports IPython wherever it is installed: a session is what counts.
    is_interactive = hasattr(sys, "ps1") or running_shell() is not None
    if is_interactive or script_has_begun:
        return False
    gc.freeze()
    return True


def let_go(*groups: Living) -> None:
    """Collect garbage, and forget the objects of the groups that have ended. Local."""
    for group in groups:
        group.loosen()
    try:
        gc.collect()
    finally:
        for group in groups:
            group.renew()
