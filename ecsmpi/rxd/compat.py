"""What neuron.rxd has and ecsmpi has not: it raises, so that no script silently computes something
else.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from operator import attrgetter

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.rxd_names import RxDException


class MissingFeature(RxDException, AttributeError):
    """neuron.rxd has it, ecsmpi has not."""


class InvalidValue(RxDException, ValueError):
    """A wrong argument: neuron.rxd's own exception, and Python's."""


class UnknownAttribute(RxDException, AttributeError):
    """Neither neuron.rxd nor ecsmpi has an attribute of this name, so a script that sets it has
    mistyped another.
    """


def missing(what: str) -> MissingFeature:
    """The exception to raise for it."""
    return MissingFeature(
        f"{what} of neuron.rxd is not available in ecsmpi; docs/features.md lists what is"
    )


def unknown(owner, name: str, value) -> UnknownAttribute:
    """The exception for `owner.name = value` where no attribute of that name exists; names the
    nearest one that does.
    """
    kind = type(owner).__name__
    to_set = names_to_set(owner)
    near = get_close_matches(name, to_set, n=1) or get_close_matches(name.lower(), to_set, n=1)
    cure = (
        f"did you mean {near[0]!r}?"
        if near
        else f"a script can set {', '.join(to_set) or 'none of its attributes'}."
    )
    return UnknownAttribute(
        f"{kind} has no attribute {name!r}, which was to become {value!r}: {cure} "
        f"An attribute of the script's own begins with an underscore: '_{name}'"
    )


def names_to_set(owner) -> list[str]:
    """The attributes of an object that a script can set, in alphabetical order."""
    kind = type(owner)
    properties = {name for name in dir(kind) if getattr(getattr(kind, name), "fset", None)}
    own = properties.union(getattr(owner, "__dict__", ()), getattr(kind, "settable", ()))
    return sorted(name for name in own if not name.startswith("_") and name != "key")


def refuse_unknown_names(kind: type) -> type:
    """From the end of ``__init__`` on, objects of a class take no attribute but those they have,
    and underscored ones.
    """
    make = kind.__init__

    @wraps(make)
    def make_and_close(self, *args, **kwargs):
        make(self, *args, **kwargs)
        if type(self) is kind:
            self._is_made = True

    def set_known(self, name, value):
        if (
            not name.startswith("_")
            and getattr(self, "_is_made", False)
            and not hasattr(self, name)
        ):
            raise unknown(self, name, value)
        object.__setattr__(self, name, value)

    kind.__init__, kind.__setattr__ = make_and_close, set_known
    return kind


def missing_name(name: str) -> AttributeError:
    """The exception for a name that ecsmpi.rxd lacks, whether neuron.rxd has it or not."""
    if not name.startswith("_") and hasattr(neuron_rxd, name):
        return missing(f"rxd.{name}")
    return AttributeError(f"module 'ecsmpi.rxd' has no attribute {name!r}")


class RxdStandIn:
    """Base of classes that stand in for one of neuron.rxd, named by ``original``, and can do less
    than that.

    ``settable`` names the attributes that objects have beside the properties of their class. Any
    other name that begins without
    an underscore is refused: as missing where neuron.rxd has it, else as mistyped. A script's own
    subclass may have others.
    """

    __slots__ = ()
    original: str
    settable: tuple[str, ...] = ()

    def _lacks(self, name: str) -> bool:
        return not name.startswith("__") and hasattr(attrgetter(self.original)(neuron_rxd), name)

    def __getattr__(self, name):
        if self._lacks(name):
            raise missing(f"{type(self).__name__}.{name}")
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )

    def __setattr__(self, name, value):
        own = getattr(type(self), name, None)
        read_only = isinstance(own, property) and own.fset is None
        ours = name.startswith("_") or own is not None or name in self.settable
        if read_only or (not ours and self._lacks(name)):
            raise missing(f"setting {type(self).__name__}.{name}")
        if not ours and type(self).__module__.startswith("ecsmpi."):
            raise unknown(self, name, value)
        object.__setattr__(self, name, value)

    def __dir__(self):
        return [name for name in super().__dir__() if name not in ("original", "settable")]
