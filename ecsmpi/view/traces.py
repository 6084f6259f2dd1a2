"""Concentrations through time in the voxels that have been clicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ecsmpi.files.frames import Frames
from ecsmpi.view.scene.colours import MARKERS
from ecsmpi.view.trace_chart import Trace, chart


class Point(NamedTuple):
    """A voxel and the colour of its trace."""

    voxel: tuple[int, int, int]
    colour: str


class Told(NamedTuple):
    """Traces as the page and the scene want them.

    Parameters
    ----------
    places : list
        (x, y, z) um: the centre of each voxel.
    rows : list of dict
        ``colour``, ``place`` and ``value`` of each trace, as text.
    chart : str
        SVG; empty without traces.
    """

    places: list[tuple[float, float, float]]
    rows: list[dict[str, Any]]
    chart: str


def with_point(points: list[Point], voxel: tuple[int, int, int]) -> list[Point]:
    """Return the points and one more; the oldest goes where there are more than colours."""
    points = [one for one in points if one.voxel != voxel]
    points = points[-(len(MARKERS) - 1) :]
    used = {one.colour for one in points}
    colour = next(one for one in MARKERS if one not in used)
    return [*points, Point(voxel, colour)]


def told(
    points: list[Point],
    frames: Frames,
    series: Callable[[tuple[float, float, float]], np.ndarray],
    name: str,
    number: int,
) -> Told:
    """Return traces and their values in one frame.

    Parameters
    ----------
    points : list of Point
        The voxels.
    frames : Frames
        What they are voxels of.
    series
        Function of a place (um): (frames,) in mM.
    name : str
        The species.
    number : int
        The frame that is looked at.
    """
    if not points:
        return Told([], [], "")
    places, rows, lines = [], [], []
    for point in points:
        i, j, k = point.voxel
        place = (float(frames.x[i]), float(frames.y[j]), float(frames.z[k]))
        values = series(place)
        places.append(place)
        lines.append(Trace(point.colour, values))
        where = ", ".join(f"{coordinate:g}" for coordinate in place)
        rows.append(
            {
                "colour": point.colour,
                "place": f"({where}) µm",
                "value": f"{values[number]:.6g} mM",
            }
        )
    return Told(places, rows, chart(frames.time, lines, float(frames.time[number]), name))
