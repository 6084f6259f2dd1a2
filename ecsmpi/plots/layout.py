"""Where the parts of a picture lie, in inches, so that nothing moves when values change.

title
+--------+ |   +--------+ |      panels side by side, or one below the other where they are flat
| panel  | bar | panel  | bar    each has a colour bar, at its right or below it
+--------+ |   +--------+ |
axes, scale bar
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecsmpi.plots.library import Picture, matplotlib

LONGEST = {1: 6.0, 2: 4.6}  # inches along the longer side of one or two panels
LONGEST_OF_MANY = 3.6
THINNEST = 0.3  # inches; a box that would be thinner could not be seen, so it is not to scale
FLATTEST = 0.4  # height to width: the colour bar of a flatter panel is below it
MOST_IN_A_ROW = 4
LEAST_WIDTH = 4.2  # inches of a picture
EDGE = 0.25  # inches that stay empty
FOR_AXES = (0.6, 0.4)  # inches left of and below a panel with axes
FOR_SCALE_BAR = 0.4  # inches below a panel
FOR_NAME = 0.3  # inches above one of several panels
FOR_BAR = (0.15, 0.18, 0.95)  # inches: gap, width, labels
FOR_FLAT_BAR = (0.2, 0.16, 0.55)
TITLE_SIZE = 12  # points
LINE = 0.22  # inches of a line of the title


@dataclass(frozen=True)
class Panel:
    """Where one image is drawn.

    Parameters
    ----------
    axes, bar
        matplotlib's axes of the image and of its colour bar.
    inches : (across, up) float
        Size of the image.
    """

    axes: Any
    bar: Any
    inches: tuple[float, float]


@dataclass(frozen=True)
class Sheet:
    """A figure with its panels.

    Parameters
    ----------
    figure : Picture
        The figure.
    panels : list of Panel
        Row by row.
    title
        matplotlib's text.
    below_axes : float
        Inches between a panel and its scale bar.
    is_to_scale : bool
        Whether um are equally long across and up.
    """

    figure: Picture
    panels: list[Panel]
    title: Any
    below_axes: float
    is_to_scale: bool

    def set_title(self, parts: list[str]) -> None:
        """Show the parts of a title."""
        self.title.set_text("\n".join(title_lines(parts, self.figure.get_figwidth() - 2 * EDGE)))


def image_size(wide: float, high: float, count: int) -> tuple[float, float]:
    """Return (across, up) inches of each of ``count`` panels of wide x high um."""
    inches = LONGEST.get(count, LONGEST_OF_MANY) / max(wide, high)
    return max(wide * inches, THINNEST), max(high * inches, THINNEST)


def sheet_of(
    wide: float, high: float, count: int, in_a_row: int, scale: str, longest_title: list[str]
) -> Sheet:
    """Return a figure with panels for images.

    Parameters
    ----------
    wide, high : float
        Size of an image (um).
    count : int
        How many panels.
    in_a_row : int
        How many of them stand side by side, if they are not flat or too many.
    scale : str
        "axes", "bar" or "both": what needs room below the panels.
    longest_title : list of str
        Parts of the longest title that the figure must have room for.
    """
    with_axes = scale != "bar"
    with_scale_bar = scale != "axes"
    width, height = image_size(wide, high, count)
    is_flat = height < FLATTEST * width
    columns = 1 if is_flat else min(in_a_row, MOST_IN_A_ROW)
    rows = -(-count // columns)
    beside, under = _margins(is_flat, with_axes, with_scale_bar)
    above = FOR_NAME if count > 1 else 0.0
    left = FOR_AXES[0] if with_axes else 0.0
    column = max(left + width + beside, 0.9)
    row = above + height + under
    across = max(2 * EDGE + columns * column, LEAST_WIDTH)
    top = EDGE + LINE * len(title_lines(longest_title, across - 2 * EDGE))
    size = (across, top + rows * row + EDGE / 2)
    figure = Picture(size)

    def place(x: float, y: float, w: float, h: float) -> Any:
        return figure.add_axes((x / size[0], y / size[1], w / size[0], h / size[1]))

    panels = []
    for number in range(count):
        x = EDGE + number % columns * column + left
        y = size[1] - top - (1 + number // columns) * row + under
        axes = place(x, y, width, height)
        panels.append(
            Panel(axes, place(*_bar(is_flat, x, y, width, height, under)), (width, height))
        )
    title = figure.text(EDGE / size[0], 1 - EDGE * 0.6 / size[1], "", fontsize=TITLE_SIZE, va="top")
    title.set_parse_math(False)
    below_axes = (FOR_AXES[1] if with_axes else 0.0) + 0.1
    per_um = (width / wide, height / high)
    is_to_scale = abs(per_um[0] / per_um[1] - 1) < 1e-9
    return Sheet(figure, panels, title, below_axes, is_to_scale)


def _margins(is_flat: bool, with_axes: bool, with_scale_bar: bool) -> tuple[float, float]:
    """Inches right of and below each panel."""
    under = FOR_AXES[1] if with_axes else 0.0
    under += 0.15 + (FOR_SCALE_BAR if with_scale_bar else 0.0)
    if is_flat:
        return 0.35, under + sum(FOR_FLAT_BAR)
    return sum(FOR_BAR), under


def _bar(
    is_flat: bool, x: float, y: float, width: float, height: float, under: float
) -> tuple[float, float, float, float]:
    """Place of a colour bar in inches."""
    if is_flat:
        return x, y - under + FOR_FLAT_BAR[2], width, FOR_FLAT_BAR[1]
    return x + width + FOR_BAR[0], y, FOR_BAR[1], height


def title_lines(parts: list[str], width: float) -> list[str]:
    """Return the parts of a title, joined by commas, in lines of at most ``width`` inches."""
    text = matplotlib("textpath").TextPath
    lines = [parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]}, {part}"
        inches = text((0, 0), longer, size=TITLE_SIZE, usetex=False).get_extents().width / 72
        if inches > width:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = longer
    return lines
