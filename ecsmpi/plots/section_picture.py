"""Draws sections of species and frames side by side, with cells, contours and a scale bar."""

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
ROUND = (1, 2, 5, 10)  # steps between ticks, but for powers of 10


class SectionPicture:
    """A figure of sections that can show one frame, or some frames, after the other.

    There is a panel for each species and frame: first those of the first species.

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
    at_once : int
        How many frames are shown at the same time.

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
        at_once: int = 1,
    ):
        self._sections = sections
        self._colouring = colouring
        self._scales = scales
        self._at_once = at_once
        self._contours: list[Any] = []
        self.notes: list[str] = []
        self._unit = TimeUnit.of(sections.frames.time[-1])
        left, right, bottom, top = sections.extent
        times = [self._unit.text(time) for time in sections.frames.time]
        title = self._title_parts(max(times, key=len))
        count = len(scales) * at_once
        columns = at_once if at_once > 1 and len(scales) > 1 else count
        self._sheet = sheet_of(right - left, top - bottom, count, columns, scale, title)
        self.figure: Picture = self._sheet.figure
        if not self._sheet.is_to_scale:
            self.notes.append("the box is so thin that the picture is not to scale")
        if colouring.contours:
            self._check_contours()
        self._images = []
        for number, panel in enumerate(self._sheet.panels):
            species = number // at_once
            image = self._draw_image(panel, sections.labels[species], scales[species])
            self._images.append(image)
            self._draw_axes(panel.axes, scale != "bar")
            if scale != "axes":
                draw_scale_bar(panel.axes, self._sheet.below_axes)
        if cells and sections.frames.cells is not None:
            self._draw_cells()

    def show(self, indices: Sequence[int], values: Sequence[list[np.ndarray]]) -> None:
        """Show frames.

        Parameters
        ----------
        indices : list of int
            Their numbers.
        values : list of list of ndarray
            Of each frame: the section of each species, (across, up) mM.
        """
        for contours in self._contours:
            contours.remove()
        self._contours = []
        times = [self._unit.text(self._sections.frames.time[index]) for index in indices]
        for number, panel in enumerate(self._sheet.panels):
            species, frame = divmod(number, self._at_once)
            masked = self._scales[species].masked(values[frame][species])
            self._images[number].set_data(masked.T)
            across, up = self._sections.centres()
            lines = draw_contours(panel.axes, across, up, masked, self._colouring.contours)
            if lines is not None:
                self._contours.append(lines)
            if len(self._sheet.panels) > 1:
                name = self._panel_name(species, times[frame])
                panel.axes.set_title(name, fontsize=11, loc="left", parse_math=False)
        self._sheet.set_title(self._title_parts(times[0]))

    def _panel_name(self, species: int, time: str) -> str:
        label = self._sections.labels[species]
        if self._at_once == 1:
            return label
        return time if len(self._scales) == 1 else f"{label}, {time}"

    def _title_parts(self, time: str) -> list[str]:
        parts = [self._sections.described()]
        if self._at_once == 1:
            parts.append(time)
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
            bar.locator = ticker.MaxNLocator(nbins=most, steps=ROUND)
        else:
            steps = (1, 2, 5) if decades < 3 else (1,)
            bar.locator = ticker.LogLocator(subs=steps, numticks=most + 2)
        bar.formatter = ticker.FuncFormatter(lambda value, _: f"{value:g}")
        bar.minorlocator = ticker.NullLocator()
    else:
        bar.formatter.set_useOffset(False)
        bar.locator = ticker.MaxNLocator(nbins=most, steps=ROUND)
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
    indices: Sequence[int],
    axis: str,
    at: float | None,
    colouring: Colouring,
    cells: bool = True,
    scale: str = "axes",
) -> tuple[Picture, list[str]]:
    """Draw frames of a section.

    Parameters
    ----------
    frames
        The frames.
    species : list of str
        One or several species, drawn side by side.
    indices : list of int
        Numbers of the frames, drawn side by side in the same colours.
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
    numbers = [frames.frame_number(index) for index in indices]
    if len(set(numbers)) < len(numbers):
        shown = ", ".join(str(number) for number in numbers)
        raise ValueError(f"frames side by side must be different, got {shown}")
    sections = Sections(frames, species, axis, at, colouring.change)
    values = [sections.read(number) for number in numbers]
    scales = []
    notes = []
    for number, label in enumerate(sections.labels):
        extremes = Extremes()
        for of_frame in values:
            extremes = extremes.with_others(Extremes.of(of_frame[number]))
        scales.append(ColourScale.of(label, extremes, colouring, sections.magnitude[number]))
        notes += extremes.notes(label, colouring)
    picture = SectionPicture(sections, scales, colouring, cells, scale, len(numbers))
    picture.show(numbers, values)
    return picture.figure, picture.notes + notes
