"""Draws what options ask for, of frames: a section, lines at points, or a kymograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.kymograph import draw_kymograph
from ecsmpi.plots.library import Picture
from ecsmpi.plots.lines import draw_points
from ecsmpi.plots.options import (
    KYMOGRAPH,
    POINTS,
    SECTION,
    Colouring,
    checked_scale,
    python_words,
    refuse_without_effect,
    species_of,
)
from ecsmpi.plots.section_picture import draw_section
from ecsmpi.plots.sections import axis_of

Words = Callable[[str, Any], str]


@dataclass(frozen=True)
class FramesOptions:
    """Options of a picture of frames, at their defaults: see `files.frames.Frames.plot`."""

    species: str | Sequence[str] | None = None
    time: float | Sequence[float] | None = None
    frame: int | Sequence[int] | None = None
    axis: str | None = None
    mean: bool = False  # as the command line says it: without ``at`` it is a mean anyway
    at: float | None = None
    points: Sequence[Sequence[float]] | None = None
    kymograph: Sequence[float] | None = None
    cells: bool = True
    scale: str = "axes"
    colours: str | None = None
    limits: Sequence[float] | None = None
    log: bool = False
    change: bool = False
    contours: Sequence[float] = ()
    threshold: float | None = None

    def given(self) -> dict[str, Any]:
        """Name -> value of each option that is not at its default."""
        found = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.default is not MISSING and value is not field.default and value != ():
                found[field.name] = value
        return found

    @property
    def colouring(self) -> Colouring:
        """How concentrations become colours."""
        return Colouring(
            self.colours, self.limits, self.log, self.change, self.contours, self.threshold
        )

    def picture(self) -> str:
        """Which picture it is."""
        if self.points is not None and self.kymograph is not None:
            raise ValueError("points and a kymograph are two pictures: ask for one of them")
        if self.points is not None:
            return POINTS
        return SECTION if self.kymograph is None else KYMOGRAPH


def draw_frames(
    frames: Drawable, options: FramesOptions, words: Words = python_words
) -> tuple[Picture, list[str]]:
    """Draw frames.

    Parameters
    ----------
    frames
        The frames.
    options : FramesOptions
        What to draw.
    words : callable
        How the user gives an option, of its name and value, for messages.

    Returns
    -------
    tuple
        The figure, and what the user must be told.

    Raises
    ------
    ValueError
        For a wrong option, one without effect, or a file without frames.
    """
    picture = options.picture()
    refuse_without_effect(picture, options.given(), words)
    species = species_of(frames.path, frames.names, options.species)
    if picture == POINTS:
        return draw_points(frames, species, options.points or [])
    colouring = options.colouring
    if picture == KYMOGRAPH:
        return draw_kymograph(frames, species, options.kymograph or [], colouring)
    return draw_section(
        frames,
        species,
        _indices(frames, options),
        axis_of(frames, options.axis),
        options.at,
        colouring,
        options.cells,
        checked_scale(options.scale),
    )


def _indices(frames: Drawable, options: FramesOptions) -> list[int]:
    """Numbers of the frames to draw, those that ``time`` and ``frame`` ask for, or the last."""
    times = _several(options.time)
    numbers = _several(options.frame)
    if times and numbers:
        raise ValueError(
            f"time {_listed(times)} and frame {_listed(numbers)} both say what to draw: give one"
        )
    if times:
        return [frames.index_at(time) for time in times]
    return numbers or [-1]


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if hasattr(value, "__len__") else [value]


def _listed(values: list[Any]) -> str:
    return ", ".join(f"{value:g}" for value in values)
