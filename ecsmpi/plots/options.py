"""Options of pictures, and in which picture each of them has an effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from ecsmpi.description.grid import finite

SEQUENTIAL = ("viridis", "cividis", "inferno", "magma", "plasma")  # perceptually uniform
DIVERGING = ("coolwarm",)  # perceptually uniform, and as dark at both ends
SCALES = ("axes", "bar", "both")

# pictures
SECTION = "a section"
POINTS = "lines at points"
KYMOGRAPH = "a kymograph"
MOVIE = "an animation"
REPORT = "a report of segments"
SPIKES = "a file of spikes"

COLOURED = (SECTION, KYMOGRAPH, MOVIE)
EFFECTS = {
    "species": (SECTION, POINTS, KYMOGRAPH, MOVIE),
    "selection": (SECTION, POINTS, KYMOGRAPH, MOVIE),
    "time": (SECTION,),
    "frame": (SECTION,),
    "axis": (SECTION, MOVIE),
    "mean": (SECTION, MOVIE),
    "at": (SECTION, MOVIE),
    "cells": (SECTION, MOVIE),
    "scale": (SECTION, MOVIE),
    "points": (POINTS,),
    "kymograph": (KYMOGRAPH,),
    "colours": COLOURED,
    "limits": COLOURED,
    "log": COLOURED,
    "change": COLOURED,
    "contours": COLOURED,
    "threshold": COLOURED,
    "gids": (REPORT, SPIKES),
    "elements": (REPORT,),
}


def python_words(name: str, value: Any) -> str:
    """An option as a script gives it, for messages."""
    return f"{name}={value!r}"


def refuse_without_effect(
    picture: str,
    given: dict[str, Any],
    words: Callable[[str, Any], str] = python_words,
) -> None:
    """Raise ValueError that names each given option that has no effect on a picture.

    Parameters
    ----------
    picture
        One of the pictures above.
    given
        Name -> value of each option that is not at its default.
    words
        How the user gave an option, of its name and value.
    """
    idle = [words(name, value) for name, value in given.items() if picture not in EFFECTS[name]]
    if idle:
        have = "has" if len(idle) == 1 else "have"
        raise ValueError(f"leave out {', '.join(idle)}, which {have} no effect on {picture}")


class ColourOptions(TypedDict, total=False):
    """Keywords of colours: see `Colouring`."""

    colours: str | None
    limits: Sequence[float] | None
    log: bool
    change: bool
    contours: Sequence[float]
    threshold: float | None


@dataclass(frozen=True)
class Colouring:
    """How concentrations become colours.

    Parameters
    ----------
    colours : str, optional
        One of SEQUENTIAL, or of DIVERGING for a change; None for the first of them.
    limits : (low, high), optional
        Ends of the colour scale (mM); None for the least and the greatest finite value.
    log : bool
        Whether the scale is logarithmic.
    change : bool
        Whether to draw the difference to the first frame.
    contours : sequence of float
        Concentrations (mM) at which to draw lines.
    threshold : float, optional
        Concentration (mM) below which voxels are white, and at which the scale begins.

    Raises
    ------
    ValueError
        For a value that cannot be, or two that exclude each other.
    """

    colours: str | None = None
    limits: Sequence[float] | None = None
    log: bool = False
    change: bool = False
    contours: Sequence[float] = ()
    threshold: float | None = None

    def __post_init__(self) -> None:
        self._check_map()
        if self.limits is not None:
            self._check_limits()
        if self.log and self.change:
            raise ValueError("a change has both signs: give change or log, not both")
        for level in self.contours:
            finite("contours", level)
        if self.threshold is not None:
            self._check_threshold(finite("threshold", self.threshold))

    def _check_map(self) -> None:
        known = DIVERGING if self.change else SEQUENTIAL
        if self.colours is not None and self.colours not in known:
            what = "of a change " if self.change else ""
            raise ValueError(f"colours {what}must be one of {', '.join(known)}, got {self.colours}")

    def _check_limits(self) -> None:
        low, high = _pair("limits", self.limits)
        if not low < high:
            raise ValueError(f"limits must be LOW HIGH with LOW < HIGH, got {low:g} {high:g}")
        if self.log and low <= 0:
            raise ValueError(f"limits of a log scale must be above 0, got {low:g} {high:g}")
        if self.change and low != -high:
            raise ValueError(
                f"limits of a change are as far below 0 as above, such as {-high:g} {high:g}; "
                f"got {low:g} {high:g}"
            )

    def _check_threshold(self, threshold: float) -> None:
        if self.limits is not None:
            raise ValueError(
                "the threshold is the low end of the colours: give limits or threshold, not both"
            )
        if self.change:
            raise ValueError("a change has no threshold: give change or threshold, not both")
        if self.log and threshold <= 0:
            raise ValueError(f"the threshold of a log scale must be above 0, got {threshold:g}")

    @property
    def map_name(self) -> str:
        """Name of matplotlib's colour map."""
        return self.colours or (DIVERGING if self.change else SEQUENTIAL)[0]


def _pair(name: str, values: Any) -> tuple[float, float]:
    if not hasattr(values, "__len__") or isinstance(values, str) or len(values) != 2:
        raise ValueError(f"{name} must be two numbers, got {values!r}")
    return finite(name, values[0]), finite(name, values[1])


def species_of(path: Any, known: Sequence[str], species: str | Iterable[str] | None) -> list[str]:
    """Return the species to draw: as given, or the first of the file.

    Raises ValueError for a species that the file does not have, or that is given twice.
    """
    if species is None:
        return list(known[:1])
    names = [species] if isinstance(species, str) else list(species)
    for name in names:
        if name not in known:
            raise ValueError(f"{path} has no species {name!r}; it has {', '.join(known)}")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"species must be different names, got {', '.join(names) or 'none'}")
    return names


def checked_scale(scale: str) -> str:
    """Return ``scale``; raise ValueError unless it is one of SCALES."""
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    return scale
