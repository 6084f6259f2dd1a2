"""Held walls in one pass: border voxels go from where they are to the wall within the step.

Let g = wall - u in border voxels, before the step, and w the increment that is solved so far. In a
step x is solved first, with w = g in the planes at its ends; then y, with w = g in its first and
last rows; then z. The factors' order matters, for g is in each factor. But with X, Y, Z the factors
of the voxels inside, and 0 beyond them, which are the same in any order,

    Z w = Y**-1 (X**-1 (f + rx/2 gx) + ry/2 gy) + rz/2 gz
    X Y Z w = f + rx/2 gx + ry/2 X gy + rz/2 X Y gz

where gx is what each voxel inside has beside it on the walls along x, and so on. A right-hand side
f reads r u of a border voxel. So half of gx, X gy or X Y gz is added to the u of a border voxel
before the pass; the pass leaves it alone, as its pivots are 0 there; and it is set to the wall
afterwards. Where all border voxels are at the wall, as they are where nothing but diffusion and
sources change concentrations, g is 0, and nothing is to be done.

X gy and X Y gz read gaps in the planes before and after. Those of a neighbouring slab come with
its plane, after the pass: slab_edges.py.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver.panel_plans import BORDER_PLAN, BorderPlan
from ecsmpi.solver.sweep_plans import Walls
from ecsmpi.solver.workspace import Workspace

wall_kernels = kernels_of("ecsmpi.solver.wall_kernels")


class HeldWalls:
    """The walls of one species at one length of time step, in one pass. All is local.

    Parameters
    ----------
    work : Workspace
        Of all species of the box.
    walls : Walls
        The border voxels that are held.
    r : (3,) float
        D dt/h2 along each axis.
    """

    def __init__(self, work: Workspace, walls: Walls, r: np.ndarray):
        rows, ends, self._is_off = work.border_gaps
        self._plan = Record(
            BORDER_PLAN, BorderPlan(walls, r, rows, ends, self._is_off, work.ghosts_at_walls)
        )

    def find_gaps(self, u: np.ndarray) -> bool:
        """Whether a border voxel of the slab is off the wall. To be called before each pass.

        The box's first and last planes, also as ghosts, then are half way to the wall, and their
        border is there.
        """
        wall_kernels.find_gaps(self._plan.address, u)
        return bool(self._is_off.any())

    def aim(self, u: np.ndarray) -> None:
        """Put the other border voxels where a pass takes them for on their way to the wall."""
        wall_kernels.aim(self._plan.address, u)

    def hold(self, u: np.ndarray) -> None:
        """Set all border voxels to the wall."""
        wall_kernels.hold(self._plan.address, u)
