"""The edges of the box with round numbers in um along three of them, whichever way one looks.

`arrange`, called before each picture, places the labels at those edges that are seen at the outside
of the box: of the upright direction to the left, of the others below.
"""

from __future__ import annotations

import numpy as np
import pyvista
from vtkmodules.vtkRenderingCore import vtkTextActor

from ecsmpi.description.grid import Box
from ecsmpi.view.ticks import round_ticks

MOST_TICKS = 7  # along the longest edge
LABEL, TITLE = 15, 17  # font sizes
GAP, TITLE_GAP = 17, 44  # pixels from an edge to its labels and to its title
HALF_LETTER = 4  # pixels
LEAST_PIXELS = 34  # between two labels; an edge that is seen so short has its title alone


class Axes:
    """The actors of edges, ticks and labels."""

    def __init__(self, plotter: pyvista.Plotter):
        self._plotter = plotter
        self._box: Box | None = None
        self._shown = False
        self._edges = _line_actor(plotter, "edges")
        self._ticks = _line_actor(plotter, "ticks")
        self._labels: list[list[vtkTextActor]] = []
        for axis in range(3):
            names = [f"label-{axis}-{number}" for number in range(MOST_TICKS + 2)]
            self._labels.append([_text_actor(plotter, name) for name in names])

    @property
    def texts(self) -> list[str]:
        """The labels and titles that are seen."""
        actors = [actor for labels in self._labels for actor in labels]
        return [actor.GetInput() for actor in actors if actor.GetVisibility()]

    def set_box(self, box: Box) -> None:
        """Draw the axes of a box."""
        self._box = box
        bounds = [edge for pair in zip(box.lo, box.hi) for edge in pair]
        self._edges.mapper.dataset = pyvista.Box(bounds=bounds).extract_all_edges()

    def show(self, shown: bool) -> None:
        """Draw edges and labels, or none."""
        self._shown = shown and self._box is not None
        self._edges.visibility = self._shown
        self._ticks.visibility = self._shown

    def set_colours(self, ink: str, faint: str) -> None:
        """Take the colours of labels and of lines."""
        self._edges.prop.color = faint
        self._ticks.prop.color = faint
        for labels in self._labels:
            for actor in labels:
                actor.GetTextProperty().SetColor(pyvista.Color(ink).float_rgb)

    def arrange(self) -> None:
        """Place all labels for the camera as it is."""
        for labels in self._labels:
            for actor in labels:
                actor.VisibilityOff()
        box = self._box
        if not self._shown or box is None:
            return
        lines: list[np.ndarray] = []
        for axis in range(3):
            if box.shape[axis] > 1:
                lines += self._arrange_axis(box, axis)
        self._ticks.mapper.dataset = _segments(lines)

    def _arrange_axis(self, box: Box, axis: int) -> list[np.ndarray]:
        """Place the labels of one axis, and return its ticks: (2, 3) each."""
        lo, hi = np.asarray(box.lo), np.asarray(box.hi)
        middle = (lo + hi) / 2
        begin, end = self._outer_edge(box, axis)
        on_screen = self._display(np.stack([begin, end, middle]))
        along = on_screen[1] - on_screen[0]
        length = float(np.linalg.norm(along))
        if length < LEAST_PIXELS:
            return []
        outward = (on_screen[0] + on_screen[1]) / 2 - on_screen[2]
        normal = np.array([-along[1], along[0]]) / length
        if normal @ outward < 0:
            normal = -normal
        longest = max(hi - lo)
        most = min(MOST_TICKS, round(MOST_TICKS * (hi - lo)[axis] / longest) + 1)
        ticks = round_ticks(lo[axis], hi[axis], min(most, int(length / (2 * LEAST_PIXELS))))
        ticks = _without_corners(ticks, lo[axis], hi[axis])
        lines = []
        tick = (begin + end) / 2 - middle
        tick = 0.012 * longest * tick / np.linalg.norm(tick)
        for number, coordinate in enumerate(ticks):
            point = begin.copy()
            point[axis] = coordinate
            lines.append(np.stack([point, point + tick]))
            text = f"{coordinate:g}"
            gap = GAP + HALF_LETTER * (len(text) - 1) * abs(normal[0])
            at = self._display(point[None])[0] + gap * normal
            self._place(axis, number, text, at, LABEL)
        gap = TITLE_GAP if ticks else GAP
        gap += 4 * HALF_LETTER * abs(normal[0])
        centre = (on_screen[0] + on_screen[1]) / 2 + gap * normal
        self._place(axis, MOST_TICKS + 1, f"{'xyz'[axis]} (µm)", centre, TITLE)
        return lines

    def _outer_edge(self, box: Box, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the edge along an axis that is seen furthest to the left or below."""
        lo, hi = np.asarray(box.lo), np.asarray(box.hi)
        first, second = (a for a in range(3) if a != axis)
        edges = []
        for u in (lo[first], hi[first]):
            for v in (lo[second], hi[second]):
                begin, end = lo.copy(), hi.copy()
                begin[[first, second]] = u, v
                end[[first, second]] = u, v
                edges.append((begin, end))
        seen = [self._display(np.stack(edge)) for edge in edges]
        along = seen[0][1] - seen[0][0]
        is_upright = abs(along[1]) > 1.5 * abs(along[0])
        across = 0 if is_upright else 1
        places = [float(one[:, across].mean()) for one in seen]
        return edges[int(np.argmin(places))]

    def _display(self, points: np.ndarray) -> np.ndarray:
        """Where points (n, 3) um are seen: (n, 2) in pixels."""
        renderer = self._plotter.renderer
        found = []
        for point in points:
            renderer.SetWorldPoint(*point, 1.0)
            renderer.WorldToDisplay()
            found.append(renderer.GetDisplayPoint()[:2])
        return np.array(found)

    def _place(self, axis: int, number: int, text: str, at: np.ndarray, size: int) -> None:
        actor = self._labels[axis][number]
        actor.SetInput(text)
        actor.GetTextProperty().SetFontSize(size)
        actor.SetDisplayPosition(round(at[0]), round(at[1]))
        actor.VisibilityOn()


def _without_corners(ticks: list[float], lo: float, hi: float) -> list[float]:
    """Leave out ticks at the corners, where the labels of two axes would meet, if others stay."""
    gap = 0.03 * (hi - lo)
    inner = [tick for tick in ticks if lo + gap < tick < hi - gap]
    return inner if len(inner) > 1 else ticks


def _segments(lines: list[np.ndarray]) -> pyvista.PolyData:
    if not lines:
        return pyvista.PolyData()
    points = np.concatenate(lines)
    pairs = np.arange(len(points)).reshape(-1, 2)
    return pyvista.PolyData(points, lines=np.insert(pairs, 0, 2, axis=1).ravel())


def _line_actor(plotter: pyvista.Plotter, name: str) -> pyvista.Actor:
    actor = pyvista.Actor(mapper=pyvista.DataSetMapper())
    actor.mapper.dataset = pyvista.PolyData()
    actor.prop.lighting = False
    actor.PickableOff()
    plotter.add_actor(actor, name=name, reset_camera=False, render=False)
    return actor


def _text_actor(plotter: pyvista.Plotter, name: str) -> vtkTextActor:
    actor = vtkTextActor()
    text = actor.GetTextProperty()
    text.SetJustificationToCentered()
    text.SetVerticalJustificationToCentered()
    actor.PickableOff()
    actor.VisibilityOff()
    plotter.add_actor(actor, name=name, reset_camera=False, render=False)
    return actor
