"""What is like a species but does not diffuse, or does not change at all."""

from __future__ import annotations

from dataclasses import replace

from ecsmpi.description.model import SpeciesSpec
from ecsmpi.rxd.compat import InvalidValue, RxDException
from ecsmpi.rxd.signatures import with_keywords
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.tissue_species import kinds


class Parameter(Species):
    """A number in each voxel that rates may read and nothing changes but the script; arguments as
    for Species.

    value (or initial): a number, an array of the box's shape, or a function of a node. Raises
    RxDException where a parameter should diffuse, have walls, or two values. Inside cells it is
    NEURON's own.
    """

    original = "Parameter"
    __signature__ = with_keywords(Species.__signature__, value=None)

    def __init__(self, *args, value=None, **kwargs):
        if value is not None and kwargs.get("initial") is not None:
            raise RxDException(
                f"give value or initial of a Parameter, not both; got {value!r} and {kwargs['initial']!r}"
            )
        if value is not None:
            kwargs["initial"] = value
        super().__init__(*args, **kwargs)

    @property
    def value(self):
        """What the parameter is set to at the next finitialize."""
        return self.initial

    @value.setter
    def value(self, value) -> None:
        self.initial = value

    def _ion(self, d) -> SpeciesSpec:
        ion = super()._ion(d)
        if ion.wall is not None or ion.faces is not None or any(ion.d):
            raise InvalidValue(
                f"a Parameter does not change: it can have no d and no walls, got d={d}, walls at {ion.wall}"
            )
        return replace(ion, constant=True)

    def __repr__(self):
        return f"Parameter({self.name or 'unnamed'}, value={self.initial})"


class State(Species):
    """A species by another name: what a rate changes that is no concentration. Arguments as for
    Species.
    """

    original = "State"

    def __repr__(self):
        return f"State({self.name or 'unnamed'}, d={self.d}, initial={self.initial})"


kinds["State"] = State
