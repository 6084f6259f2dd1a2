"""The scene: one frame of a species in its box, with what the page has switched on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyvista

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import Cells
from ecsmpi.view.scene import camera
from ecsmpi.view.scene.between import Between
from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.colours import DARK, LIGHT
from ecsmpi.view.scene.field import Field
from ecsmpi.view.scene.markers import Markers
from ecsmpi.view.scene.picking import most_opaque, through_slices
from ecsmpi.view.scene.slices import Slice
from ecsmpi.view.scene.surfaces import Surfaces
from ecsmpi.view.scene.surroundings import Surroundings
from ecsmpi.view.scene.tubes import Tubes
from ecsmpi.view.scene.volume import Volume

SAMPLES = 8  # of a pixel, where edges are smoothed
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swr")  # Mesa's renderers without a GPU
FIRST_SIZE = (1280, 800)  # pixels, until the browser says how large its window is


@dataclass(frozen=True)
class Look:
    """What is drawn of a field, and how.

    Parameters
    ----------
    volume : bool
        All voxels, by their opacity. Ignored in a flat box.
    slices : tuple
        For x, y, z: the layer that is drawn, or None.
    surfaces : tuple of float
        Values (mM) of iso-surfaces.
    between : tuple of float or None
        (lo, hi) in mM: voxels at these are drawn as blocks.
    cells : bool
        The cells, where there are any.
    thickness : float
        How many times as thick as they are.
    axes : bool
        Edges and axes of the box.
    dark : bool
        A dark background.
    """

    volume: bool = True
    slices: tuple[int | None, int | None, int | None] = (None, None, None)
    surfaces: tuple[float, ...] = ()
    between: tuple[float, float] | None = None
    cells: bool = True
    thickness: float = 1.0
    axes: bool = True
    dark: bool = True


class Scene:
    """Draws off screen. `scene.offscreen.choose_window` must have been called."""

    def __init__(self, size: tuple[int, int] = FIRST_SIZE):
        self.plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
        self.plotter.show(auto_close=False)  # which places the camera once, and never again
        has_gpu = _has_gpu(self.plotter.render_window)
        self.plotter.render_window.SetMultiSamples(SAMPLES if has_gpu else 0)
        self._placed = camera.Placed(self.plotter)
        self.field: Field | None = None
        self.scale = ColourScale(0.0, 1.0)
        self.look = Look()
        self.volume = Volume(self.plotter, has_gpu)
        self.slices = [Slice(self.plotter, axis) for axis in range(3)]
        self.surfaces = Surfaces(self.plotter)
        self.between = Between(self.plotter)
        self.tubes = Tubes(self.plotter)
        self.markers = Markers(self.plotter)
        self.surroundings = Surroundings(self.plotter)
        self.surroundings.set_axes(False)
        self._box: Box | None = None
        self.plotter.renderer.AddObserver("StartEvent", lambda *_: self._prepare())

    def _prepare(self) -> None:
        """Before each picture: the camera, and then the labels where it sees them."""
        self._placed.fit()
        self.plotter.renderer.ResetCameraClippingRange()
        self.surroundings.arrange()

    def set_box(self, box: Box, cells: Cells | None) -> None:
        """Begin with another box: its axes, its cells, and the first view of it."""
        self._box = box
        self.tubes.set_cells(cells)
        self.surroundings.set_box(box)
        self.look_first()

    def draw(self, field: Field | None, name: str, scale: ColourScale, look: Look) -> None:
        """Draw a frame of a species; without a field, only the box and the cells."""
        self.field, self.scale, self.look = field, scale, look
        theme = DARK if look.dark else LIGHT
        self.surroundings.set_theme(theme)
        self.surroundings.set_axes(look.axes and self._box is not None)
        self.surroundings.set_scale(scale, name, field is not None)
        if look.cells:
            self.tubes.set_thickness(look.thickness)
            self.tubes.show(theme.cells)
        else:
            self.tubes.hide()
        if field is None:
            self._hide_field()
        else:
            self._draw_field(field)

    def _draw_field(self, field: Field) -> None:
        look, scale = self.look, self.scale
        if look.volume and field.has_depth:
            self.volume.show(field, scale)
        else:
            self.volume.hide()
        for one, layer in zip(self.slices, look.slices):
            if layer is None:
                one.hide()
            else:
                one.show(field, scale, layer)
        if look.surfaces:
            self.surfaces.show(field, scale, list(look.surfaces))
        else:
            self.surfaces.hide()
        if look.between:
            self.between.show(field, scale, *look.between)
        else:
            self.between.hide()

    def _hide_field(self) -> None:
        self.volume.hide()
        for one in self.slices:
            one.hide()
        self.surfaces.hide()
        self.between.hide()

    def look_first(self) -> None:
        """Look as at first."""
        if self._box is not None:
            self._placed.place(camera.first_view(self._box), self._box)

    def look_along(self, axis: int) -> None:
        """Look along x, y or z (0, 1, 2), in parallel projection."""
        if self._box is not None:
            self._placed.place(camera.view_along(axis), self._box)

    def voxel_at_pixel(self, x: float, y: float) -> tuple[int, int, int] | None:
        """Return the voxel that a click means.

        It is the one at the nearest slice, surface or block under the pixel; without any of these
        there, the most opaque voxel along the line of sight if the volume is drawn. None where the
        click meets nothing.

        Parameters
        ----------
        x, y : float
            Pixels from the left and from the bottom of the window.
        """
        if self.field is None:
            return None
        near, far = self._line_of_sight(x, y)
        point = self._nearest_solid(self.field.box, near, far)
        if point is not None:
            return self.field.voxel_at(point)
        if self.look.volume and self.field.has_depth:
            return most_opaque(near, far, self.field, self._opacity)
        return None

    def _nearest_solid(self, box: Box, near, far) -> np.ndarray | None:
        """The point of a line that is nearest to the eye on a slice, a surface or a block."""
        slices = {one.axis: one.position for one in self.slices if one.layer is not None}
        found = [through_slices(near, far, box, slices)]
        for part in (self.surfaces, self.between):
            if part.actor.visibility:
                found.append(_first_hit(part.mesh, near, far))
        met = [point for point in found if point is not None]
        return min(met, key=lambda point: np.linalg.norm(point - near), default=None)

    def _opacity(self, values):
        along = np.clip(self.scale.fractions(values), 0, 1)
        return along if self.scale.opaque_end == "high" else 1 - along

    def _line_of_sight(self, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
        """The points (um) at a pixel on the near and the far plane of the camera."""
        renderer = self.plotter.renderer
        ends = []
        for depth in (0.0, 1.0):
            renderer.SetDisplayPoint(x, y, depth)
            renderer.DisplayToWorld()
            point = np.array(renderer.GetWorldPoint())
            ends.append(point[:3] / point[3])
        return ends[0], ends[1]

    def picture(self, scale: int = 1) -> np.ndarray:
        """Return the picture: (height, width, 3), 0 to 255.

        Parameters
        ----------
        scale : int
            How many times as fine as the window it is.
        """
        self.plotter.render()
        return np.asarray(self.plotter.screenshot(return_img=True, scale=scale))


def _has_gpu(window) -> bool:
    """Whether a graphics processor draws; without one, smooth edges take four times as long."""
    capabilities = window.ReportCapabilities().lower()
    return not any(name in capabilities for name in SOFTWARE)


def _first_hit(mesh: pyvista.PolyData, near, far) -> np.ndarray | None:
    points, cells = mesh.ray_trace(near, far)
    if len(points) == 0:
        return None
    # A little further than the face, which belongs to two voxels.
    step = (np.asarray(far) - near) / np.linalg.norm(np.asarray(far) - near)
    first = points[int(np.argmin(np.linalg.norm(points - near, axis=1)))]
    return first + 1e-4 * step * mesh.length
