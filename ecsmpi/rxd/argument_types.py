"""Types of the arguments that scripts give to rxd, for annotations.

NEURON's classes have no types, so `Region` and `Expression` accept anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numpy.typing import ArrayLike

from ecsmpi.description.boundaries import Bath, Held
from ecsmpi.description.profiles import Profile

# an rxd.Extracellular, or NEURON's region inside cells
Region = Any
Regions = Region | Iterable[Region] | None

# a number, a species, or NEURON's expression of these
Expression = Any

# one number, or (x, y, z)
PerAxis = float | tuple[float, float, float]

# a number, an array of the box's shape, a function of a node, or a profile
Concentrations = ArrayLike | Callable[[Any], float] | Profile

# a number, an array of the box's shape, a function of x, y, z, a profile; a State or its arguments
TissueValue = ArrayLike | Callable[[Any, Any, Any], Any] | Profile | Any | Mapping[str, Any]

# a face condition: a value, a function of t, or an object
FaceCondition = float | Callable[[float], float] | Held | Bath
BoundaryConditions = float | Held | Bath | Mapping[str, FaceCondition | None] | None
