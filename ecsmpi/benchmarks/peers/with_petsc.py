"""PETSc: Crank and Nicolson's scheme, conjugate gradients with an incomplete Cholesky factor (ICC).

The system is solved for the increment, (1 - A/2) d = A u, so its relative residual is that of the
increment. The matrix is made and factored once.
"""

import numpy as np
import petsc4py

petsc4py.init([])
from petsc4py import PETSc  # noqa: E402  (after the start of PETSc)

TOLERANCE = 1e-6


class Box:
    """A closed box with its matrices."""

    def __init__(self, edge, r):
        self._shape = (edge,) * 3
        self._matrix = _implicit(_explicit(edge, r))
        self._field = self._matrix.createVecRight()
        self._change = self._field.duplicate()
        self._increment = self._field.duplicate()
        self._solver = PETSc.KSP().create(PETSc.COMM_SELF)
        self._solver.setOperators(self._matrix)
        self._solver.setType("cg")
        self._solver.getPC().setType("icc")
        self._solver.setTolerances(rtol=TOLERANCE)
        self._solver.setUp()

    def set(self, field):
        """Take the concentrations of a field."""
        self._field.setArray(np.ravel(field))

    def advance(self, steps):
        """Make some steps."""
        for _ in range(steps):
            self._matrix.mult(self._field, self._change)
            self._change.aypx(-1.0, self._field)
            self._change.scale(2.0)  # A u = 2 (u - (1 - A/2) u)
            self._solver.solve(self._change, self._increment)
            self._field.axpy(1.0, self._increment)

    def field(self):
        """The concentrations."""
        return self._field.getArray().reshape(self._shape)


def _implicit(matrix):
    """1 - A/2, of which the symmetric format keeps the upper half."""
    matrix.scale(-0.5)
    matrix.shift(1.0)
    matrix.setOption(PETSc.Mat.Option.SYMMETRIC, True)
    return matrix.convert("sbaij")


def _explicit(edge, r):
    """A, that is r times the sum of the second differences with closed faces."""
    numbers = np.arange(edge**3, dtype=PETSc.IntType).reshape((edge,) * 3)
    columns = np.full((edge,) * 3 + (7,), -1, PETSc.IntType)
    columns[..., 3] = numbers
    columns[1:, :, :, 0] = numbers[:-1]
    columns[:, 1:, :, 1] = numbers[:, :-1]
    columns[:, :, 1:, 2] = numbers[:, :, :-1]
    columns[:, :, :-1, 4] = numbers[:, :, 1:]
    columns[:, :-1, :, 5] = numbers[:, 1:]
    columns[:-1, :, :, 6] = numbers[1:]
    there = columns >= 0
    values = np.where(there, r, 0.0)
    entries = there.sum(axis=3)
    values[..., 3] = -r * (entries - 1)
    starts = np.zeros(edge**3 + 1, PETSc.IntType)
    np.cumsum(entries, out=starts[1:])
    size = (edge**3, edge**3)
    return PETSc.Mat().createAIJ(
        size, csr=(starts, columns[there], values[there]), comm=PETSc.COMM_SELF
    )
