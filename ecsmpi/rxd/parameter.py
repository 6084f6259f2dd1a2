"""Parameters and States: species that do not change, and species that are no concentrations."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from ecsmpi.description.model import SpeciesSpec
from ecsmpi.rxd.argument_types import Concentrations
from ecsmpi.rxd.errors import InvalidValue, RxDException
from ecsmpi.rxd.profiles import SPECIES_CLASSES
from ecsmpi.rxd.signatures import with_keyword
from ecsmpi.rxd.species import Species


class Parameter(Species):
    """A number in each voxel that rates may read and that only the script changes.

    It has the arguments and attributes of `Species`, and ``value``. The unit of its numbers is the
    script's. Inside cells it is NEURON's own Parameter. Make it on every rank, with the same
    arguments.

    Parameters
    ----------
    value
        The same as ``initial``, in the script's own unit (mM for a concentration): a number, an
        array of the box's shape, a function of a node, ``rxd.from_function(f)`` or
        ``rxd.from_file(path, dataset)``.

    Raises
    ------
    RxDException
        If both ``value`` and ``initial`` are given.
    InvalidValue
        If the parameter has a diffusion coefficient or face conditions, and as `Species` does.

    Examples
    --------
    >>> density = rxd.Parameter(ecs, value=lambda node: 0.1 if node.x3d > 0 else 0)
    >>> uptake = rxd.Rate(k, -density * k)
    """

    original = "Parameter"
    __signature__ = with_keyword(inspect.signature(Species), "value", "Concentrations | None")

    def __init__(self, *args: Any, value: Concentrations | None = None, **kwargs: Any):
        if value is not None and kwargs.get("initial") is not None:
            raise RxDException(
                "give value or initial of a Parameter, not both; "
                f"got {value!r} and {kwargs['initial']!r}"
            )
        if value is not None:
            kwargs["initial"] = value
        super().__init__(*args, **kwargs)

    @property
    def value(self) -> Any:
        """The value as the script gave it, in the script's own unit (mM for a concentration).

        A new one counts from the next finitialize on; set it on every rank.
        """
        return self.initial

    @value.setter
    def value(self, value: Concentrations) -> None:
        self.initial = value

    def _spec(self, d: Any) -> SpeciesSpec:
        spec = super()._spec(d)
        if spec.wall is not None or spec.faces is not None or any(spec.d):
            raise InvalidValue(
                "a Parameter does not change: it can have no d and no ecs_boundary_conditions, "
                f"got d={d}, ecs_boundary_conditions={self._boundary_conditions}"
            )
        return replace(spec, constant=True)

    def __repr__(self) -> str:
        return f"Parameter({self.name or 'unnamed'}, value={self.initial})"


class State(Species):
    """A species that is no concentration, such as a gate or a volume fraction.

    It has the arguments and attributes of `Species`. The unit of its numbers is the script's, where
    that of a species is mM. Inside cells it is NEURON's own State. Make it on every rank, with the
    same arguments.

    Examples
    --------
    Extracellular space that shrinks by a hundredth each ms, and keeps its ions:

    >>> alpha = rxd.State(ecs, name="alpha", initial=0.2)
    >>> ecs.set_volume_fraction(alpha)
    >>> swelling = rxd.Rate(alpha, -0.01 * alpha)
    """

    original = "State"

    def __repr__(self) -> str:
        return f"State({self.name or 'unnamed'}, d={self.d}, initial={self.initial})"


SPECIES_CLASSES["State"] = State
