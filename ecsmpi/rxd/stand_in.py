"""Base classes whose objects refuse unknown attributes, so that no misspelling goes unnoticed."""

from __future__ import annotations

from difflib import get_close_matches
from operator import attrgetter
from typing import TYPE_CHECKING

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.rxd.errors import UnknownAttribute, missing


def unknown_attribute(owner: object, name: str, value: object) -> UnknownAttribute:
    """The exception for `owner.name = value` if there is no such attribute; names the nearest."""
    kind = type(owner).__name__
    names = settable_names(owner)
    near = get_close_matches(name, names, n=1) or get_close_matches(name.lower(), names, n=1)
    if near:
        cure = f"did you mean {near[0]!r}?"
    else:
        cure = f"a script can set {', '.join(names) or 'none of its attributes'}."
    return UnknownAttribute(
        f"{kind} has no attribute {name!r}, so it cannot be set to {value!r}: {cure} "
        f"An attribute of the script's own begins with an underscore: '_{name}'"
    )


def settable_names(owner: object) -> list[str]:
    """The attributes of an object that a script can set, in alphabetical order."""
    kind = type(owner)
    names = {name for name in dir(kind) if getattr(getattr(kind, name), "fset", None)}
    names.update(getattr(owner, "__dict__", ()))
    names.update(getattr(kind, "settable", ()))
    names -= hidden_names(kind)
    return sorted(name for name in names if not name.startswith("_"))


def _is_of_ecsmpi(kind: type) -> bool:
    """Whether a class is one of ecsmpi's: a subclass in a script may have attributes of its own."""
    return kind.__module__.startswith("ecsmpi.")


def hidden_names(kind: type) -> set[str]:
    """The attributes that a class and its bases have for the run alone, not for scripts."""
    hidden = {"hidden", "original", "settable"}
    for base in kind.__mro__:
        hidden.update(vars(base).get("hidden", ()))
    return hidden


class ShowsScriptsNames:
    """Base of classes whose completion leaves out what only the run uses.

    Attributes
    ----------
    hidden
        Names of attributes that are public for other modules of ecsmpi, and are not for scripts.
    """

    __slots__ = ()
    hidden: tuple[str, ...] = ()

    def __dir__(self) -> list[str]:
        """The attributes for scripts."""
        return sorted(set(super().__dir__()) - hidden_names(type(self)))


class FixedAttributes(ShowsScriptsNames):
    """Base of classes whose objects have no attributes but those set in ``__init__``.

    A subclass sets ``self._is_complete = True`` at the end of ``__init__``. From then on setting an
    unknown attribute raises UnknownAttribute, unless its name begins with an underscore.
    """

    _is_complete = False

    if not TYPE_CHECKING:  # so that type checkers report unknown names, too

        def __setattr__(self, name, value):
            is_new = not name.startswith("_") and not hasattr(self, name)
            if self._is_complete and is_new and _is_of_ecsmpi(type(self)):
                raise unknown_attribute(self, name, value)
            object.__setattr__(self, name, value)


class RxdStandIn(ShowsScriptsNames):
    """Base of classes that stand in for a class of neuron.rxd and have some of its attributes.

    Reading or setting an attribute that only neuron.rxd's class has raises MissingFeature; setting
    one that neither has raises UnknownAttribute. Names that begin with an underscore, and
    attributes of a script's own subclass, are free.

    Attributes
    ----------
    original
        Dotted name of the class in neuron.rxd.
    settable
        Attributes that may be set beside the properties of the class.
    """

    __slots__ = ()
    original: str
    settable: tuple[str, ...] = ()

    def _lacks(self, name: str) -> bool:
        """Whether neuron.rxd's class has an attribute that this class does not have."""
        return not name.startswith("__") and hasattr(attrgetter(self.original)(neuron_rxd), name)

    if not TYPE_CHECKING:  # so that type checkers report unknown names, too

        def __getattr__(self, name):
            if self._lacks(name):
                raise missing(f"{type(self).__name__}.{name}")
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )

        def __setattr__(self, name, value):
            kind = type(self)
            own = getattr(kind, name, None)
            is_read_only = isinstance(own, property) and own.fset is None
            is_known = name.startswith("_") or own is not None or name in self.settable
            if is_read_only or (not is_known and self._lacks(name)):
                raise missing(f"setting {kind.__name__}.{name}")
            if not is_known and _is_of_ecsmpi(kind):
                raise unknown_attribute(self, name, value)
            object.__setattr__(self, name, value)
