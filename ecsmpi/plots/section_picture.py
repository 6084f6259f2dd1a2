"""Draws sections of one or several species side by side, with cells, contours and a scale bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecsmpi.plots.colours import ColourScale, Extremes
from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.labels import MICRO, TimeUnit
from ecsmpi.plots.layout import Panel, sheet_of
from ecsmpi.plots.library import Picture, matplotlib
from ecsmpi.plots.morphology import draw_cells, pieces_of
from ecsmpi.plots.options import Colouring
from ecsmpi.plots.scale_bar import draw_scale_bar
from ecsmpi.plots.sections import Sections

CONTOUR = {"colors": "black", "linewidths": 1.0}
HALO = 2.0  # points: the light line around a contour


class SectionPicture:
    """A figure of sections that can show one frame after the other.

    Parameters
    ----------
    sections : Sections
        What is drawn.
    scales : list of ColourScale
        The colours of each species.
    colouring : Colouring
        What was asked for.
    cells : bool
        Whether to draw the cells, if the file has any.
    scale : str
        "axes", "bar" or "both".

    Attributes
    ----------
    figure : Picture
        The figure.
    notes : list of str
        What the user must be told.
    """

    def __init__(
        self,
        sections: Sections,
        scales: list[ColourScale],
        colouring: Colouring,
        cells: bool,
        scale: str,
    ):
        self._sections = sections
        self._colouring = colouring
        self._scales = scales
        self._contours: list[Any] = []
        self.notes: list[str] = []
        self._unit = TimeUnit.of(sections.frames.time[-1])
        left, right, bottom, top = sections.extent
        times = [self._unit.text(time) for time in sections.frames.time]
        title = self._title_parts(max(times, key=len))
        self._sheet = sheet_of(right - left, top - bottom, len(scales), scale, title)
        self.figure: Picture = self._sheet.figure
        if not self._sheet.is_to_scale:
            self.notes.append("the box is so thin that the picture is not to scale")
        if colouring.contours:
            self._check_contours()
        self._images = []
        for panel, label, colours in zip(self._sheet.panels, sections.labels, scales):
            self._images.append(self._draw_image(panel, label, colours))
            self._draw_axes(panel.axes, scale != "bar")
            if scale != "axes":
                draw_scale_bar(panel.axes, self._sheet.below_axes)
        if cells and sections.frames.cells is not None:
            self._draw_cells()

    def show(self, index: int, values: list[np.ndarray]) -> None:
        """Show a frame: its number and the section of each species, (across, up) mM."""
        for contours in self._contours:
            contours.remove()
        self._contours = []
        for number, (image, section) in enumerate(zip(self._images, values)):
            masked = self._scales[number].masked(section)
            image.set_data(masked.T)
            axes = self._sheet.panels[number].axes
            across, up = self._sections.centres()
            lines = draw_contours(axes, across, up, masked, self._colouring.contours)
            if lines is not None:
                self._contours.append(lines)
        self._sheet.set_title(self._title_parts(self._unit.text(self._sections.frames.time[index])))

    def _title_parts(self, time: str) -> list[str]:
        parts = [self._sections.described(), time]
        if self._colouring.change:
            parts.append(f"change since {self._unit.text(self._sections.frames.time[0])}")
        if len(self._scales) == 1:
            parts.insert(0, self._sections.labels[0])
        return parts

    def _draw_image(self, panel: Panel, label: str, colours: ColourScale) -> Any:
        across, up = self._sections.plane
        shape = self._sections.frames.box.shape
        image = panel.axes.imshow(
            np.zeros((shape[up], shape[across])),
            origin="lower",
            extent=self._sections.extent,
            cmap=colours.colour_map(),
            norm=colours.norm(),
            interpolation="nearest",
            aspect="auto",
        )
        image.set_gid("concentrations")
        add_colour_bar(self.figure, image, panel.bar, colours, label)
        if len(self._scales) > 1:
            panel.axes.set_title(label, fontsize=11, loc="left", parse_math=False)
        return image

    def _draw_axes(self, axes: Any, with_axes: bool) -> None:
        if not with_axes:
            axes.set(xticks=[], yticks=[])
            return
        across, up = self._sections.plane
        axes.set(xlabel=f"{'xyz'[across]} ({MICRO})", ylabel=f"{'xyz'[up]} ({MICRO})")
        self._set_ticks(axes, "y", up, 1.6 * axes.bbox.height / self.figure.dpi)
        self._set_ticks(axes, "x", across, 1.2 * axes.bbox.width / self.figure.dpi)

    def _set_ticks(self, axes: Any, which: str, a: int, room: float) -> None:
        """Let ticks not lie on each other; room: how many have room."""
        if room > 1:
            axes.locator_params(which, nbins=round(room))
            return
        box = self._sections.frames.box
        axes.set(**{f"{which}ticks": [box.lo[a], box.hi[a]]})

    def _draw_cells(self) -> None:
        sections = self._sections
        pieces = pieces_of(sections.frames.cells, sections.axis, sections.between)
        if not len(pieces.section):
            self.notes.append("no cell reaches what is drawn")
            return
        left, right, bottom, top = sections.extent
        wide, high = right - left, top - bottom
        for panel in self._sheet.panels:
            across, up = panel.inches
            draw_cells(panel.axes, pieces, 72 * min(across / wide, up / high))

    def _check_contours(self) -> None:
        across, up = self._sections.plane
        shape = self._sections.frames.box.shape
        if min(shape[across], shape[up]) < 2:
            raise ValueError(
                f"contours need two voxels along both axes of the picture, which has "
                f"{shape[across]} x {shape[up]}: leave out contours"
            )


def add_colour_bar(figure: Any, image: Any, axes: Any, colours: ColourScale, label: str) -> None:
    """Draw a colour bar into axes of its own."""
    is_flat = axes.bbox.width > axes.bbox.height
    where = "horizontal" if is_flat else "vertical"
    bar = figure.colorbar(image, cax=axes, orientation=where, extend=colours.extend)
    draw_colour_bar(bar, colours, label)


def draw_colour_bar(bar: Any, colours: ColourScale, label: str) -> None:
    """Give a colour bar its ticks and its label and, as lines, the contours."""
    ticker = matplotlib("ticker")
    is_flat = bar.orientation == "horizontal"
    per_inch = 1.0 if is_flat else 1.2
    most = max(1, round(per_inch * max(bar.ax.bbox.size) / bar.ax.figure.dpi))
    if colours.colouring.log:
        decades = np.log10(colours.high / colours.low)
        if decades < 1:
            bar.locator = ticker.MaxNLocator(nbins=most)
        else:
            steps = (1, 2, 5) if decades < 3 else (1,)
            bar.locator = ticker.LogLocator(subs=steps, numticks=most + 2)
        bar.formatter = ticker.FuncFormatter(lambda value, _: f"{value:g}")
        bar.minorlocator = ticker.NullLocator()
    else:
        bar.formatter.set_useOffset(False)
        bar.locator = ticker.MaxNLocator(nbins=most)
    bar.update_ticks()
    what = f"change of {label}" if colours.colouring.change else label
    bar.set_label(f"{what} (mM)", parse_math=False)
    draw_line = bar.ax.axvline if is_flat else bar.ax.axhline
    for level in colours.colouring.contours:
        if colours.low <= level <= colours.high:
            mark = draw_line(level, color=CONTOUR["colors"], linewidth=CONTOUR["linewidths"])
            mark.set_path_effects([_halo()])


def draw_contours(
    axes: Any, across: np.ndarray, up: np.ndarray, masked: np.ma.MaskedArray, levels: Sequence
) -> Any:
    """Draw lines at concentrations (mM) of an image (across, up); None where it has none of them.

    across, up: centres of the voxels, in the units of the axes.
    """
    lowest, highest = masked.min(), masked.max()
    inside = [level for level in sorted(set(levels)) if lowest < level < highest]
    if not inside or not masked.count():
        return None
    lines = axes.contour(across, up, masked.T, levels=inside, zorder=2, **CONTOUR)
    lines.set_path_effects([_halo()])
    return lines


def _halo() -> Any:
    """The light line around a contour, which makes it seen on dark colours."""
    return matplotlib("patheffects").withStroke(linewidth=HALO, foreground="white")


def draw_section(
    frames: Drawable,
    species: list[str],
    index: int,
    axis: str,
    at: float | None,
    colouring: Colouring,
    cells: bool = True,
    scale: str = "axes",
) -> tuple[Picture, list[str]]:
    """Draw one frame of a section.

    Parameters
    ----------
    frames
        The frames.
    species : list of str
        One or several species, drawn side by side.
    index : int
        Number of the frame.
    axis : str
        "x", "y" or "z": the axis across the section.
    at : float or None
        Coordinate (um) of the layer of voxels; None for the mean over the axis.
    colouring : Colouring
        How concentrations become colours.
    cells : bool
        Whether to draw the cells, if the file has any.
    scale : str
        "axes", "bar" or "both".

    Returns
    -------
    tuple
        The figure, and what the user must be told.
    """
    index = frames.frame_number(index)
    sections = Sections(frames, species, axis, at, colouring.change)
    values = sections.read(index)
    scales = []
    notes = []
    for label, section, magnitude in zip(sections.labels, values, sections.magnitude):
        extremes = Extremes.of(section)
        scales.append(ColourScale.of(label, extremes, colouring, magnitude))
        notes += extremes.notes(label, colouring)
    picture = SectionPicture(sections, scales, colouring, cells, scale)
    picture.show(index, values)
    return picture.figure, picture.notes + notes
