"""FiPy: Crank and Nicolson's scheme, as its examples write it, and its conjugate gradients.

Half of the diffusion is a `DiffusionTerm`, half an `ExplicitDiffusionTerm`. FiPy makes the matrix
in each step. It takes the suite of solvers that it finds, PETSc's before SciPy's.
"""

import numpy as np
from fipy import (
    CellVariable,
    DiffusionTerm,
    ExplicitDiffusionTerm,
    Grid3D,
    LinearCGSolver,
    TransientTerm,
)

TOLERANCE = 1e-8


class Box:
    """A closed box: FiPy's faces without a condition let nothing pass."""

    def __init__(self, edge, r):
        self._shape = (edge,) * 3
        mesh = Grid3D(nx=edge, ny=edge, nz=edge, dx=1.0, dy=1.0, dz=1.0)
        self._variable = CellVariable(mesh=mesh, value=0.0)
        half = 0.5
        self._equation = TransientTerm() == DiffusionTerm(half) + ExplicitDiffusionTerm(half)
        self._solver = LinearCGSolver(tolerance=TOLERANCE)
        self._dt = r

    def set(self, field):
        """Take the concentrations of a field; the order of the axes does not matter here."""
        self._variable.setValue(np.ravel(field))

    def advance(self, steps):
        """Make some steps."""
        for _ in range(steps):
            self._equation.solve(var=self._variable, dt=self._dt, solver=self._solver)

    def field(self):
        """The concentrations."""
        return self._variable.value.reshape(self._shape)
