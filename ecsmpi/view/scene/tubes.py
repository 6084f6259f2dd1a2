"""The cells: a tube along each section, as thick as the section."""

from __future__ import annotations

import numpy as np
import pyvista
from vtkmodules.vtkFiltersCore import vtkTubeFilter

from ecsmpi.files.cells_group import Cells

FINE, COARSE = 60_000, 600_000  # points of all sections up to which tubes are round, are angular
THINNEST = 0.1  # um: a diameter of 0 would be no tube
LEAST_PIXELS = 1.5  # a line inside each tube keeps thin ones whole where they are far away


class Tubes:
    """The actor of all cells.

    Attributes
    ----------
    drawn_as : str
        "tubes" or, where there are too many points, "lines".
    """

    def __init__(self, plotter: pyvista.Plotter):
        self.drawn_as = "tubes"
        self._cells: Cells | None = None
        self._thickness = 1.0
        self._mapper = pyvista.DataSetMapper()
        self._mapper.dataset = pyvista.PolyData()
        self._mapper.scalar_visibility = False
        self._actor = pyvista.Actor(mapper=self._mapper)
        self._actor.prop.interpolation = "Gouraud"
        self._actor.prop.specular = 0.25
        self._actor.visibility = False
        self._actor.PickableOff()
        self._thin = pyvista.Actor(mapper=pyvista.DataSetMapper())
        self._thin.mapper.dataset = pyvista.PolyData()
        self._thin.mapper.scalar_visibility = False
        self._thin.prop.lighting = False
        self._thin.prop.line_width = LEAST_PIXELS
        self._thin.visibility = False
        self._thin.PickableOff()
        plotter.add_actor(self._actor, name="cells", reset_camera=False, render=False)
        plotter.add_actor(self._thin, name="thin-cells", reset_camera=False, render=False)

    @property
    def mesh(self) -> pyvista.PolyData:
        """The tubes; none where cells are lines."""
        return self._mapper.dataset

    @property
    def is_shown(self) -> bool:
        """Whether the cells are drawn."""
        return bool(self._thin.visibility)

    def set_cells(self, cells: Cells | None) -> None:
        """Take other cells (um), or none."""
        self._cells = cells
        self._make()

    def set_thickness(self, thickness: float) -> None:
        """Draw tubes so many times as thick as the sections."""
        if thickness != self._thickness:
            self._thickness = thickness
            self._make()

    def _make(self) -> None:
        """Make the tubes."""
        cells = self._cells
        self.drawn_as = "tubes"
        self._mapper.dataset = pyvista.PolyData()
        self._thin.mapper.dataset = pyvista.PolyData()
        if cells is None or len(cells.points) == 0:
            return
        lines = section_lines(cells)
        self._thin.mapper.dataset = lines
        if len(cells.points) > COARSE:
            self.drawn_as = "lines"
            return
        sides = 12 if len(cells.points) <= FINE else 5
        self._mapper.dataset = tubes(lines, sides, self._thickness)

    def show(self, colour: str) -> None:
        """Draw the cells in a colour."""
        for actor in (self._actor, self._thin):
            actor.prop.color = colour
            actor.visibility = actor.mapper.dataset.n_cells > 0

    def hide(self) -> None:
        """Draw no cell."""
        self._actor.visibility = False
        self._thin.visibility = False


def volume_of(cells: Cells) -> float:
    """Return the volume of all sections (um3), as frusta from point to point."""
    total = 0.0
    for j, line in enumerate(cells.lines()):
        radius = cells.diameters[cells.offsets[j] : cells.offsets[j + 1]] / 2
        lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
        a, b = radius[:-1], radius[1:]
        total += float((np.pi / 3 * lengths * (a * a + a * b + b * b)).sum())
    return total


def section_lines(cells: Cells) -> pyvista.PolyData:
    """Return a line for each section; point data ``radius`` is in um.

    A point that is where the one before it is makes no line of its own, as a tube needs a
    direction. A section of one point is a line as long as it is thick.
    """
    points, radii, lines = [], [], []
    total = 0
    for j, line in enumerate(cells.lines()):
        if len(line) == 0:
            continue
        radius = cells.diameters[cells.offsets[j] : cells.offsets[j + 1]] / 2
        line, radius = _with_length(line, radius)
        points.append(line)
        radii.append(radius)
        lines.append([len(line), *range(total, total + len(line))])
        total += len(line)
    mesh = pyvista.PolyData(np.concatenate(points), lines=np.concatenate(lines))
    mesh.point_data["radius"] = np.maximum(np.concatenate(radii), THINNEST / 2)
    return mesh


def _with_length(line: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moves = np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6
    kept = np.concatenate([[True], moves])
    if kept.sum() > 1:
        return line[kept], radius[kept]
    half = max(float(radius[0]), THINNEST / 2)
    ends = line[0] + np.array([[-half, 0.0, 0.0], [half, 0.0, 0.0]])
    return ends, np.array([half, half])


def tubes(lines: pyvista.PolyData, sides: int, thickness: float) -> pyvista.PolyData:
    """Return a tube around each line, with the radius of each point times ``thickness``."""
    around = lines.copy()
    around.point_data["radius"] = lines.point_data["radius"] * thickness
    around.set_active_scalars("radius")
    tube = vtkTubeFilter()
    tube.SetInputData(around)
    tube.SetVaryRadiusToVaryRadiusByAbsoluteScalar()
    tube.SetNumberOfSides(sides)
    tube.CappingOn()
    tube.Update()
    return pyvista.wrap(tube.GetOutput())
