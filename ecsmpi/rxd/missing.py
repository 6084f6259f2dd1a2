"""What neuron.rxd has and ecsmpi has not: it raises, so that no script silently computes something else."""

from __future__ import annotations

from operator import attrgetter

from neuron import rxd as neuron_rxd
from neuron.rxd.rxdException import RxDException


class MissingFeature(RxDException, AttributeError):
    """neuron.rxd has it, ecsmpi has not."""


class InvalidValue(RxDException, ValueError):
    """A wrong argument: neuron.rxd's own exception, and Python's."""


def missing(what: str) -> MissingFeature:
    """The exception to raise for it."""
    return MissingFeature(f"{what} of neuron.rxd is not available in ecsmpi; docs/features.md lists what is")


def missing_name(name: str) -> AttributeError:
    """The exception for a name that ecsmpi.rxd lacks, whether neuron.rxd has it or not."""
    if not name.startswith("_") and hasattr(neuron_rxd, name):
        return missing(f"rxd.{name}")
    return AttributeError(f"module 'ecsmpi.rxd' has no attribute {name!r}")


class StandIn:
    """Base of classes that stand in for one of neuron.rxd, named by ``original``, and can do less than that."""

    __slots__ = ()
    original: str

    def _lacks(self, name: str) -> bool:
        return not name.startswith("__") and hasattr(attrgetter(self.original)(neuron_rxd), name)

    def __getattr__(self, name):
        if self._lacks(name):
            raise missing(f"{type(self).__name__}.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name, value):
        own = getattr(type(self), name, None)
        read_only = isinstance(own, property) and own.fset is None
        ours = name.startswith("_") or own is not None or name in getattr(self, "__dict__", ())
        if read_only or (not ours and self._lacks(name)):
            raise missing(f"setting {type(self).__name__}.{name}")
        object.__setattr__(self, name, value)
