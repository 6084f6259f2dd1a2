"""Slices: one layer of voxels across an axis, each voxel in its colour."""

from __future__ import annotations

import numpy as np
import pyvista

from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field


class Slice:
    """The actor of a slice across one axis.

    Parameters
    ----------
    plotter
        Draws it.
    axis : int
        0, 1, 2: the slice is across x, y, z.
    """

    def __init__(self, plotter: pyvista.Plotter, axis: int):
        self.axis = axis
        self.layer: int | None = None
        self._grid = pyvista.ImageData()
        self._mapper = pyvista.DataSetMapper()
        self._mapper.dataset = self._grid
        self._actor = pyvista.Actor(mapper=self._mapper)
        self._actor.prop.lighting = False
        self._actor.visibility = False
        plotter.add_actor(
            self._actor, name=f"slice-{'xyz'[axis]}", reset_camera=False, render=False
        )

    @property
    def values(self) -> np.ndarray:
        """The voxels drawn, 2-D, in mM: the other two axes in the order x, y, z."""
        across = [count - 1 for a, count in enumerate(self._grid.dimensions) if a != self.axis]
        return self._grid["mM"].reshape(across, order="F")

    @property
    def position(self) -> float:
        """Where the slice lies along its axis (um)."""
        return float(self._grid.origin[self.axis])

    @property
    def actor(self) -> pyvista.Actor:
        """What is picked."""
        return self._actor

    def hide(self) -> None:
        """Draw no slice."""
        self.layer = None
        self._actor.visibility = False

    def show(self, field: Field, scale: ColourScale, layer: int) -> None:
        """Draw a layer of a field, in the middle of its voxels.

        Raises ValueError where the field has no such layer.
        """
        axis, count = self.axis, field.box.shape[self.axis]
        if not 0 <= layer < count:
            raise ValueError(f"{'xyz'[axis]} has layers 0 to {count - 1}, got {layer}")
        self.layer = layer
        dimensions = [count + 1 for count in field.box.shape]
        dimensions[axis] = 1
        origin = list(field.box.lo)
        origin[axis] = field.centre(axis, layer)
        grid = self._grid
        grid.clear_data()
        grid.dimensions = dimensions
        grid.origin = origin
        grid.spacing = field.box.spacing
        values = np.take(field.values, layer, axis=axis)
        grid.cell_data["mM"] = values.ravel(order="F").astype(np.float64)
        grid.set_active_scalars("mM", preference="cell")
        grid.Modified()
        paint(self._mapper, scale, "cell")
        self._actor.visibility = True


def paint(mapper: pyvista.DataSetMapper, scale: ColourScale, place: str) -> None:
    """Let a mapper colour the values named mM, of "cell" or "point", by a scale."""
    mapper.lookup_table = scale.table()
    mapper.scalar_range = (scale.lo, scale.hi)
    mapper.UseLookupTableScalarRangeOn()
    mapper.scalar_visibility = True
    mapper.scalar_map_mode = place
    mapper.color_mode = "map"
