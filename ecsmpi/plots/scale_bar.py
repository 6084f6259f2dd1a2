"""A scale bar: a round length in um, below the picture, where it is seen on any colour."""

from __future__ import annotations

import math
from typing import Any

from ecsmpi.plots.labels import length_label
from ecsmpi.plots.library import matplotlib

LARGEST_PART = 0.4  # of the picture's width
THICKNESS = 2.5  # points
GID = "scale bar"


def round_length(width: float) -> float:
    """Return the longest of 1, 2, 5, 10, 20, ... um that is at most 0.4 of a width (um)."""
    longest = LARGEST_PART * width
    power = 10.0 ** math.floor(math.log10(longest))
    steps = [step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-12)]
    return float(f"{steps[-1]:.0e}")


def draw_scale_bar(axes: Any, below: float) -> None:
    """Draw a bar at the left end of the axes, whose unit is um.

    below: inches between the axes and the bar.
    """
    transforms = matplotlib("transforms")
    inches = axes.figure.dpi_scale_trans
    under = axes.transAxes + transforms.ScaledTranslation(0, -below, inches)
    place = transforms.blended_transform_factory(axes.transData, under)
    low, high = axes.get_xlim()
    length = round_length(high - low)
    (bar,) = axes.plot(
        [low, low + length],
        [0, 0],
        color="black",
        linewidth=THICKNESS,
        solid_capstyle="butt",
        transform=place,
        clip_on=False,
        scalex=False,
        scaley=False,
    )
    bar.set_gid(GID)
    text_place = place + transforms.ScaledTranslation(0, -0.06, inches)
    axes.text(low, 0, length_label(length), transform=text_place, va="top", ha="left", fontsize=10)
