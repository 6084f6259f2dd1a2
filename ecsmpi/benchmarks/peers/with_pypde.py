"""py-pde: explicit Euler steps, compiled by numba."""

from pde import CartesianGrid, DiffusionPDE, EulerSolver, ScalarField


class Box:
    """A closed box."""

    def __init__(self, edge, r):
        grid = CartesianGrid([[0, edge]] * 3, [edge] * 3)
        closed = {"derivative": 0}
        equation = DiffusionPDE(diffusivity=1, bc=closed)
        self._field = ScalarField(grid)
        solver = EulerSolver(equation, backend="numba")
        self._stepper = solver.make_stepper(self._field, dt=r)
        self._dt = r

    def set(self, field):
        """Take the concentrations of a field."""
        self._field.data = field

    def advance(self, steps):
        """Make some steps."""
        self._stepper(self._field, 0.0, steps * self._dt)

    def field(self):
        """The concentrations."""
        return self._field.data
