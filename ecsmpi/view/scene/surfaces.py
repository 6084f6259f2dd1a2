"""Iso-surfaces: where the concentration has given values; in a flat box, iso-lines."""

from __future__ import annotations

import numpy as np
import pyvista

from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field
from ecsmpi.view.scene.slices import paint

MOST_VOXELS = 256**3  # more are thinned


class Surfaces:
    """The actor of all iso-surfaces."""

    def __init__(self, plotter: pyvista.Plotter):
        self.stride = 1
        self._mapper = pyvista.DataSetMapper()
        self._mapper.dataset = pyvista.PolyData()
        self._actor = pyvista.Actor(mapper=self._mapper)
        self._actor.prop.opacity = 0.55
        self._actor.prop.specular = 0.3
        self._actor.prop.line_width = 2
        self._actor.visibility = False
        plotter.add_actor(self._actor, name="surfaces", reset_camera=False, render=False)

    @property
    def mesh(self) -> pyvista.PolyData:
        """The surfaces drawn; point data mM has the value of each."""
        return self._mapper.dataset

    @property
    def actor(self) -> pyvista.Actor:
        """What is picked."""
        return self._actor

    def hide(self) -> None:
        """Draw no surface."""
        self._actor.visibility = False

    def show(self, field: Field, scale: ColourScale, values: list[float]) -> None:
        """Draw the surfaces at values (mM); none where the field does not reach a value."""
        thin, self.stride = field.thinned(MOST_VOXELS)
        self._mapper.dataset = contours(thin, values)
        paint(self._mapper, scale, "point")
        self._actor.prop.lighting = field.has_depth
        self._actor.visibility = self.mesh.n_cells > 0


def contours(field: Field, values: list[float]) -> pyvista.PolyData:
    """Return the surfaces at which a field has given values.

    The field is linear between the centres of voxels. There is no surface at a voxel without a
    finite value.
    """
    grid = pyvista.ImageData(
        dimensions=field.box.shape,
        spacing=field.box.spacing,
        origin=[field.centre(a, 0) for a in range(3)],
    )
    grid.point_data["mM"] = field.values.ravel(order="F").astype(np.float64)
    if not values or max(field.box.shape) == 1:
        return pyvista.PolyData()
    method = "flying_edges" if field.has_depth else "contour"
    mesh = grid.contour(sorted(values), scalars="mM", method=method)
    if mesh.n_cells == 0 or np.isfinite(field.values).all():
        return mesh
    finite = np.isfinite(mesh.points).all(axis=1)
    return mesh.extract_points(finite, adjacent_cells=False).extract_surface(algorithm=None)
