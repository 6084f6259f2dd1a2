"""Exceptions of ecsmpi.rxd, and the messages of names that it lacks."""

from __future__ import annotations

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.rxd_names import RxDException as RxDException


class MissingFeature(RxDException, AttributeError):
    """A feature of neuron.rxd that ecsmpi does not have: RxDException and AttributeError in one.

    docs/reference/features.md lists what it has.
    """


class InvalidValue(RxDException, ValueError):
    """An argument has a wrong value: RxDException and ValueError in one."""


class UnknownAttribute(RxDException, AttributeError):
    """A script sets an attribute that neither neuron.rxd nor ecsmpi has: probably a misspelling."""


def missing(feature: str) -> MissingFeature:
    """The exception to raise for a feature of neuron.rxd that ecsmpi does not have."""
    return MissingFeature(
        f"{feature} of neuron.rxd is not available in ecsmpi; "
        "docs/reference/features.md lists what is"
    )


def missing_name(name: str) -> AttributeError:
    """The exception to raise for a name that the module ecsmpi.rxd does not have."""
    if not name.startswith("_") and hasattr(neuron_rxd, name):
        return missing(f"rxd.{name}")
    return AttributeError(f"module 'ecsmpi.rxd' has no attribute {name!r}")
