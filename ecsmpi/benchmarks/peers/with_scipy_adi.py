"""Douglas and Gunn's scheme by NumPy and LAPACK's tridiagonal solver, of `scipy.linalg.lapack`.

The matrix is symmetric, positive definite and the same for all lines: `dpttrf` factors it once, and
`dpttrs` solves for all lines of an axis in one call.
"""

import numpy as np
from scipy.linalg import lapack


class Box:
    """A closed box whose axes are solved in turn."""

    def __init__(self, edge, r):
        diagonal = np.full(edge, 1 + r)
        diagonal[[0, -1]] = 1 + r / 2
        beside = np.full(edge - 1, -r / 2)
        self._diagonal, self._beside, _ = lapack.dpttrf(diagonal, beside)
        self._r = r
        self._edge = edge
        self._field = np.zeros((edge,) * 3)
        self._increment = np.zeros((edge,) * 3)
        self._differences = np.zeros((edge - 1, edge, edge))

    def set(self, field):
        """Take the concentrations of a field."""
        self._field[:] = field

    def advance(self, steps):
        """Make some steps."""
        for _ in range(steps):
            self._add_fluxes()
            for _ in range(3):
                self._solve_last_axis()
            self._field += self._increment

    def field(self):
        """The concentrations."""
        return self._field

    def _add_fluxes(self):
        """Make the increment of an explicit step."""
        self._increment[:] = 0
        for axis in range(3):
            field = np.moveaxis(self._field, axis, 0)
            increment = np.moveaxis(self._increment, axis, 0)
            flux = np.moveaxis(self._differences.reshape(self._faces(axis)), axis, 0)
            np.subtract(field[1:], field[:-1], out=flux)
            flux *= self._r
            increment[:-1] += flux
            increment[1:] -= flux

    def _faces(self, axis):
        shape = [self._edge] * 3
        shape[axis] -= 1
        return shape

    def _solve_last_axis(self):
        """Solve along the last axis, which then becomes the first one."""
        lines = self._increment.reshape(-1, self._edge)
        solved, _ = lapack.dpttrs(self._diagonal, self._beside, lines.T, overwrite_b=True)
        turned = np.ascontiguousarray(solved)
        self._increment = turned.reshape((self._edge,) * 3)
