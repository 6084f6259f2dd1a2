"""Where the eye is: the first view of a box, and views along its axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyvista

from ecsmpi.description.grid import Box

MARGIN = 1.16  # how much larger than the box the view is, for axes and labels


class View(NamedTuple):
    """From where one looks at the middle of a box."""

    direction: np.ndarray  # (3,) from the box to the eye
    up: np.ndarray  # (3,)
    parallel: bool  # no perspective


def flat_axis(shape: tuple[int, int, int]) -> int | None:
    """The axis to look along where one at least has a single voxel; None where none has.

    It is the last one, so that a line of voxels lies across the view.
    """
    single = [a for a in range(3) if shape[a] == 1]
    return single[-1] if single else None


def first_view(box: Box) -> View:
    """Return the first view: on to a flat box, else at three faces of it."""
    axis = flat_axis(box.shape)
    if axis is not None:
        return view_along(axis)
    edges = np.subtract(box.hi, box.lo)
    if edges[1] > 1.2 * max(edges[0], edges[2]):  # y is upright, as in drawings of pyramidal cells
        return View(np.array([0.55, 0.22, 1.0]), np.eye(3)[1], False)
    return View(np.array([0.9, -1.25, 0.75]), np.eye(3)[2], False)


def view_along(axis: int) -> View:
    """Return the view along an axis, with the other two to the right and up."""
    first, second = (a for a in range(3) if a != axis)
    right, up = np.eye(3)[first], np.eye(3)[second]
    return View(np.cross(right, up), up, True)


class Placed:
    """The camera of a plotter, placed so that a box fills the window, whatever its size."""

    def __init__(self, plotter: pyvista.Plotter):
        self._plotter = plotter
        self._shown: tuple[View, Box] | None = None
        self._size: tuple[int, int] = (0, 0)
        self._position: tuple = ()

    def place(self, view: View, box: Box) -> None:
        """Look at a box."""
        self._shown = (view, box)
        self._place(view, box)

    def fit(self) -> None:
        """Place the camera again where the window has another size and nobody has moved it."""
        is_other = tuple(self._plotter.window_size) != self._size
        if self._shown is not None and is_other and self._position == self._where():
            self._place(*self._shown)

    def _where(self) -> tuple:
        camera = self._plotter.camera
        return (*camera.position, *camera.focal_point, camera.parallel_scale)

    def _place(self, view: View, box: Box) -> None:
        self._size = tuple(self._plotter.window_size)
        direction = view.direction / np.linalg.norm(view.direction)
        right = np.cross(view.up, direction)
        right = right / np.linalg.norm(right)
        above = np.cross(direction, right)
        lo, hi = np.asarray(box.lo), np.asarray(box.hi)
        middle, half = (lo + hi) / 2, (hi - lo) / 2
        width, height = self._size
        reach_up = float(np.abs(above) @ half)
        reach_right = float(np.abs(right) @ half)
        # The colour bar takes a part of the width.
        scale = MARGIN * max(reach_up, 1.15 * reach_right * height / max(width, 1))
        camera = self._plotter.camera
        depth = float(np.abs(direction) @ half)
        away = depth + scale / np.tan(np.radians(camera.view_angle / 2))
        camera.parallel_projection = view.parallel
        camera.focal_point = middle
        camera.position = middle + away * direction
        camera.up = view.up
        camera.parallel_scale = scale
        self._plotter.renderer.ResetCameraClippingRange()
        self._position = self._where()
