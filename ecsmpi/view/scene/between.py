"""The threshold: voxels whose concentration is between two values, as blocks."""

from __future__ import annotations

import numpy as np
import pyvista

from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field, faces_of
from ecsmpi.view.scene.slices import paint

MOST_VOXELS = 160**3  # more are thinned


class Between:
    """The actor of the voxels between two values.

    Attributes
    ----------
    count : int
        How many voxels of the whole field are between the values.
    """

    def __init__(self, plotter: pyvista.Plotter):
        self.count = 0
        self.stride = 1
        self._mapper = pyvista.DataSetMapper()
        self._mapper.dataset = pyvista.PolyData()
        self._actor = pyvista.Actor(mapper=self._mapper)
        self._actor.prop.opacity = 0.85
        self._actor.visibility = False
        plotter.add_actor(self._actor, name="between", reset_camera=False, render=False)

    @property
    def mesh(self) -> pyvista.PolyData:
        """The squares drawn; cell data mM has the value of the voxel behind each."""
        return self._mapper.dataset

    @property
    def actor(self) -> pyvista.Actor:
        """What is picked."""
        return self._actor

    def hide(self) -> None:
        """Draw no voxel."""
        self._actor.visibility = False

    def show(self, field: Field, scale: ColourScale, lo: float, hi: float) -> None:
        """Draw the voxels at lo to hi (mM), both included; NaN is never between."""
        self.count = int(np.count_nonzero(is_between(field.values, lo, hi)))
        thin, self.stride = field.thinned(MOST_VOXELS)
        corners, voxels = faces_of(is_between(thin.values, lo, hi), thin.box)
        if len(corners) == 0:
            self.hide()
            return
        points = corners.reshape(-1, 3)
        squares = np.arange(len(points)).reshape(-1, 4)
        mesh = pyvista.PolyData.from_regular_faces(points.astype(np.float32), squares)
        mesh.cell_data["mM"] = thin.values[tuple(voxels.T)].astype(np.float64)
        self._mapper.dataset = mesh
        paint(self._mapper, scale, "cell")
        self._actor.visibility = True


def is_between(values: np.ndarray, lo: float, hi: float) -> np.ndarray:
    """Return which values are at lo to hi, both included."""
    with np.errstate(invalid="ignore"):
        return (values >= lo) & (values <= hi)
