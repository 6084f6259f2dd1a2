"""Draws lines through time: concentrations at points, and variables of segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecsmpi.description.grid import finite
from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.labels import MICRO, TimeUnit, species_label
from ecsmpi.plots.library import Picture

SIZE = (7.5, 4.2)  # inches of a picture with one panel
HEIGHT_OF_MORE = 2.8  # inches of each further panel
COLOURS = 10  # that matplotlib has; then the lines are dashed
DASHES = ("-", "--", ":", "-.")


def new_lines(panels: int = 1) -> tuple[Picture, list[Any]]:
    """Return a figure for lines through time and its axes, one below the other."""
    figure = Picture((SIZE[0], SIZE[1] + HEIGHT_OF_MORE * (panels - 1)))
    figure.set_layout_engine("constrained")
    return figure, list(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])


def draw_traces(
    axes: Any, time: np.ndarray, traces: dict[str, np.ndarray], unit: TimeUnit, what: str
) -> None:
    """Draw lines, their legend and the label of the axis of values.

    Parameters
    ----------
    axes
        matplotlib's axes.
    time : ndarray
        (frames,) in the file's unit.
    traces : dict
        Label -> (frames,) values.
    unit : TimeUnit
        In which times are shown.
    what : str
        What the values are, with their units.
    """
    for number, (label, values) in enumerate(traces.items()):
        (line,) = axes.plot(
            time / unit.length,
            values,
            color=f"C{number % COLOURS}",
            linestyle=DASHES[number // COLOURS % len(DASHES)],
            marker="o" if len(values) == 1 else None,
        )
        line.set_label(label)
    axes.set_ylabel(what, parse_math=False)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")


def draw_points(
    frames: Drawable, species: list[str], points: Sequence[Sequence[float]]
) -> tuple[Picture, list[str]]:
    """Draw concentrations through time in the voxels at points.

    Parameters
    ----------
    frames
        The frames.
    species : list of str
        A panel for each.
    points : list of (x, y, z)
        In um.

    Returns
    -------
    tuple
        The figure, and what the user must be told.
    """
    places = _checked(points)
    frames.frame_number(0)  # raises where there are no frames
    unit = TimeUnit.of(frames.time[-1])
    notes = []
    series = {}
    for name in species:
        series[name] = {_label(place): frames.series(name, place) for place in places}
        for label, values in series[name].items():
            missing = np.count_nonzero(~np.isfinite(values))
            if missing:
                notes.append(
                    f"{missing:,} of {len(values):,} values of {name} at {label} are not finite "
                    "(NaN): the line has gaps"
                )
    figure, panels = new_lines(len(species))
    for axes, name in zip(panels, species):
        label = species_label(name, frames.charges.get(name, 0))
        draw_traces(axes, frames.time, series[name], unit, f"{label} (mM)")
    panels[-1].set_xlabel(unit.axis)
    return figure, notes


def _checked(points: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
    places = []
    for point in points:
        if not hasattr(point, "__len__") or len(point) != 3:
            raise ValueError(f"points are (x, y, z) in um, got {point!r} among them")
        x, y, z = (finite("a coordinate of a point", coordinate) for coordinate in point)
        places.append((x, y, z))
    if len(set(places)) < len(places) or not places:
        raise ValueError(f"points must be different, and one at least; got {points!r}")
    return places


def _label(point: tuple[float, float, float]) -> str:
    return f"({', '.join(f'{coordinate:g}' for coordinate in point)}) {MICRO}"
