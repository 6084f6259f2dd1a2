"""Draws a kymograph: concentrations by time and by distance along a line through the box.

Nothing is interpolated: each column of voxels that the line crosses is as long as the line's part
in it, and each frame lasts from half-way to the frame before until half-way to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecsmpi.description.line import Line
from ecsmpi.plots.colours import ColourScale, Extremes
from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.labels import MICRO, TimeUnit, species_label
from ecsmpi.plots.library import Picture
from ecsmpi.plots.options import Colouring
from ecsmpi.plots.section_picture import draw_colour_bar, draw_contours

SIZE = (7.5, 4.2)  # inches
HEIGHT_OF_MORE = 3.2  # inches of each further species


def draw_kymograph(
    frames: Drawable, species: list[str], ends: Sequence[float], colouring: Colouring
) -> tuple[Picture, list[str]]:
    """Draw concentrations by time and distance.

    Parameters
    ----------
    frames
        The frames, two at least.
    species : list of str
        A panel for each, one below the other.
    ends : (x0, y0, z0, x1, y1, z1)
        Of the line (um).
    colouring : Colouring
        How concentrations become colours.

    Returns
    -------
    tuple
        The figure, and what the user must be told.
    """
    frames.frame_number(0)  # raises where there are no frames
    if len(frames) < 2:
        raise ValueError(f"{frames.path} has one frame: a kymograph needs two at least")
    line = Line.through(frames.box, ends)
    unit = TimeUnit.of(frames.time[-1])
    figure = Picture((SIZE[0], SIZE[1] + HEIGHT_OF_MORE * (len(species) - 1)))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(len(species), 1, sharex=True, squeeze=False)[:, 0]
    notes = []
    for axes, name in zip(panels, species):
        label = species_label(name, frames.charges.get(name, 0))
        values = frames.along(name, line)
        magnitude = 0.0
        if colouring.change:
            magnitude = float(np.abs(values[0][np.isfinite(values[0])]).max(initial=0.0))
            values = values - values[0]
        extremes = Extremes.of(values)
        scale = ColourScale.of(label, extremes, colouring, magnitude)
        notes += extremes.notes(label, colouring)
        _draw(figure, axes, frames.time / unit.length, line.distance, values, scale, label)
    start, end = _point(ends[:3]), _point(ends[3:])
    panels[0].set_title(f"from {start} to {end} {MICRO}", fontsize=11, loc="left")
    panels[-1].set_xlabel(unit.axis)
    return figure, notes


def time_edges(time: np.ndarray) -> np.ndarray:
    """Return when each frame begins and the last one ends: half-way between times (frames,)."""
    middle = (time[1:] + time[:-1]) / 2
    return np.concatenate([[2 * time[0] - middle[0]], middle, [2 * time[-1] - middle[-1]]])


def _draw(
    figure: Picture,
    axes: Any,
    time: np.ndarray,
    distance: np.ndarray,
    values: np.ndarray,
    scale: ColourScale,
    label: str,
) -> None:
    masked = scale.masked(values)
    image = axes.pcolormesh(
        time_edges(time),
        distance,
        masked.T,
        cmap=scale.colour_map(),
        norm=scale.norm(),
        shading="flat",
        rasterized=True,
    )
    axes.set_xlim(time[0], time[-1])
    axes.set_ylabel(f"distance ({MICRO})")
    bar = figure.colorbar(image, ax=axes, extend=scale.extend, pad=0.02)
    draw_colour_bar(bar, scale, label)
    middle = (distance[1:] + distance[:-1]) / 2
    draw_contours(axes, time, middle, masked, scale.colouring.contours)


def _point(coordinates: Sequence[float]) -> str:
    return f"({', '.join(f'{coordinate:g}' for coordinate in coordinates)})"
