"""Devito: explicit Euler steps in C, which it writes, optimises and compiles.

Each step ends with copies of the outermost voxels into the halo, which close the faces.
"""

import numpy as np
from devito import Eq, Grid, Operator, TimeFunction, solve


class Box:
    """A closed box."""

    def __init__(self, edge, r):
        grid = Grid(shape=(edge,) * 3, extent=(edge - 1.0,) * 3, dtype=np.float64)
        self._values = TimeFunction(name="u", grid=grid, time_order=1, space_order=2)
        diffusion = Eq(self._values.dt, self._values.laplace)
        step = Eq(self._values.forward, solve(diffusion, self._values.forward))
        self._operator = Operator([step, *_closed_faces(self._values, edge)])
        self._dt = r
        self._now = 0

    def set(self, field):
        """Take the concentrations of a field."""
        self._now = 0
        self._values.data[0] = field
        halo = (self._values.data_with_halo.shape[1] - len(field)) // 2
        padded = np.pad(field, halo, mode="symmetric")
        self._values.data_with_halo[0] = padded

    def advance(self, steps):
        """Make some steps."""
        end = self._now + steps
        self._operator.apply(time_m=self._now, time_M=end - 1, dt=self._dt)
        self._now = end

    def field(self):
        """The concentrations."""
        return np.array(self._values.data[self._now % 2])


def _closed_faces(values, edge):
    """Equations that copy the outermost voxels along each axis into the halo."""
    time = values.grid.stepping_dim
    equations = []
    for axis in range(3):
        for beyond, border in ((-1, 0), (edge, edge - 1)):
            outside = [time + 1, *values.grid.dimensions]
            inside = list(outside)
            outside[axis + 1] = beyond
            inside[axis + 1] = border
            equations.append(Eq(values[tuple(outside)], values[tuple(inside)]))
    return equations
