"""Draws all frames of a section, one after the other, in one colour scale; writes GIF and MP4.

Each frame is read twice: once for the ends of the colour scale, once to be drawn. Where limits are
given, the first pass is left out.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.extras import need
from ecsmpi.plots.colours import ColourScale, Extremes
from ecsmpi.plots.library import matplotlib
from ecsmpi.plots.options import Colouring
from ecsmpi.plots.section_picture import SectionPicture
from ecsmpi.plots.sections import Sections

DPI = 110
FASTEST = 50  # frames a second: viewers slow down a GIF of more
COLOURS_OF_MAP = 216  # of the 256 that a GIF has; the others are greys and special colours

Tell = Callable[[int, int, str], None]


def told_nothing(done: int, count: int, what: str) -> None:
    """Tell of no progress."""


class Movie:
    """The figure of a section, and how it changes from frame to frame.

    Parameters
    ----------
    sections : Sections
        What is drawn.
    colouring : Colouring
        How concentrations become colours.
    cells : bool
        Whether to draw the cells, if the file has any.
    scale : str
        "axes", "bar" or "both".
    tell : callable
        Takes how many frames are done, of how many, and what is done to them.

    Attributes
    ----------
    figure : Picture
        The figure.
    tell : callable
        As given; it may be replaced.
    richest : list of ndarray
        The section of each species in the frame with the widest range; it stands for all where
        the size of a movie is estimated.
    """

    def __init__(
        self,
        sections: Sections,
        colouring: Colouring,
        cells: bool,
        scale: str,
        tell: Tell = told_nothing,
    ):
        sections.frames.frame_number(0)  # raises where there are no frames
        self._sections = sections
        self._colouring = colouring
        self.tell = tell
        self._drawn: dict[int, list[Extremes]] = {}
        self._count = len(sections.frames)
        self.richest: list[np.ndarray] = []
        extremes = self._extremes() if colouring.limits is None else None
        scales = []
        for number, label in enumerate(sections.labels):
            known = None if extremes is None else extremes[number]
            magnitude = sections.magnitude[number]
            scales.append(ColourScale.of(label, known, colouring, magnitude))
        self._picture = SectionPicture(sections, scales, colouring, cells, scale)
        self.figure = self._picture.figure

    def __len__(self) -> int:
        """Number of frames."""
        return self._count

    def show(self, index: int) -> None:
        """Read a frame and show it."""
        values = self._sections.read(index)
        self._drawn[index] = [Extremes.of(one) for one in values]
        self._picture.show([index], [values])
        self.tell(index + 1, self._count, "drawn")

    def show_richest(self) -> None:
        """Show the frame with the widest range, or the last one where that is not known."""
        last = self._count - 1
        self._picture.show([last], [self.richest or self._sections.read(last)])

    def draw(self) -> Iterator[int]:
        """Draw one frame after the other on the canvas; yield the number of each."""
        for index in range(self._count):
            self.show(index)
            self.figure.canvas.draw()
            yield index

    def notes(self) -> list[str]:
        """Return what the user must be told of the frames that were drawn."""
        found = list(self._picture.notes)
        for number, label in enumerate(self._sections.labels):
            total = Extremes()
            for extremes in self._drawn.values():
                total = total.with_others(extremes[number])
            found += total.notes(label, self._colouring)
        return found

    def _extremes(self) -> list[Extremes]:
        """Read each frame once; one frame at a time is in memory."""
        found = [Extremes() for _ in self._sections.species]
        widest = -1.0
        for index in range(self._count):
            values = self._sections.read(index)
            now = [Extremes.of(one) for one in values]
            found = [before.with_others(one) for before, one in zip(found, now)]
            width = max(one.high - one.low for one in now)
            if width > widest or not self.richest:
                widest = width
                self.richest = values
            self.tell(index + 1, self._count, "read")
        return found


def checked_rate(fps: float) -> float:
    """Return the frames a second; raise ValueError where they are too few or too many."""
    if not 0 < fps <= FASTEST:
        raise ValueError(f"fps must be more than 0 and at most {FASTEST}, got {fps:g}")
    return fps


def check_movie(path: Path) -> None:
    """Raise ValueError unless a movie of this kind can be written here."""
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4"):
        raise ValueError(f"a movie is a .gif or an .mp4, got {path}")
    if kind == ".mp4" and shutil.which("ffmpeg") is None:
        raise ValueError(
            f"writing {path} needs ffmpeg, which is not on PATH: install it, or write a .gif"
        )


def write_movie(path: Path, movie: Movie, fps: float) -> None:
    """Write a .gif or an .mp4 of all frames.

    Raises
    ------
    ValueError
        For another kind of file, or where ffmpeg is missing.
    OSError
        Where the file cannot be written.
    """
    check_movie(path)
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    write(path, movie, fps)


def _write_gif(path: Path, movie: Movie, fps: float) -> None:
    image = need("PIL.Image", "plot", "a GIF")
    movie.figure.set_dpi(DPI)
    palette = _palette(movie)

    def pictures() -> Iterator[Any]:
        for _ in movie.draw():
            drawn = image.fromarray(np.asarray(movie.figure.canvas.buffer_rgba())).convert("RGB")
            yield drawn.quantize(palette=palette, dither=image.Dither.NONE)

    frames = pictures()
    next(frames).save(path, save_all=True, append_images=frames, duration=1000 / fps, loop=0)


def _palette(movie: Movie) -> Any:
    """One palette for all frames, or colours would change.

    It has the colour map, the colours of what has no place on it, and greys for text.
    """
    image = need("PIL.Image", "plot", "a GIF")
    colour_map = movie.figure.axes[0].images[0].get_cmap()
    colours = colour_map(np.linspace(0, 1, COLOURS_OF_MAP))
    special = [colour_map.get_bad(), colour_map.get_under(), colour_map.get_over()]
    grey = np.linspace(0, 1, 256 - COLOURS_OF_MAP - len(special))
    greys = np.stack([grey, grey, grey, np.ones_like(grey)], axis=1)
    palette = image.new("P", (1, 1))
    all_colours = np.concatenate([colours, special, greys])[:, :3]
    palette.putpalette(np.rint(255 * all_colours).astype(int).ravel().tolist())
    return palette


def _write_mp4(path: Path, movie: Movie, fps: float) -> None:
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p"]
    writer = matplotlib("animation").FFMpegWriter(fps=fps, codec="libx264", extra_args=even)
    try:
        with writer.saving(movie.figure, str(path), DPI):
            for _ in movie.draw():
                writer.grab_frame()
    except subprocess.CalledProcessError as error:
        raise OSError(
            f"ffmpeg could not write {path} ({error}): see that it has libx264, or write a .gif"
        ) from error
