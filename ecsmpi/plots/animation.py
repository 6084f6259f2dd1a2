"""An animation for a notebook: matplotlib's, with a player in HTML that needs no ffmpeg."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from ecsmpi.plots.draw import FramesOptions, Words, python_words
from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.library import matplotlib
from ecsmpi.plots.movie import Movie, checked_rate, write_movie
from ecsmpi.plots.options import (
    MOVIE,
    checked_scale,
    refuse_without_effect,
    species_of,
)
from ecsmpi.plots.progress import Progress
from ecsmpi.plots.sections import Sections, axis_of

LARGEST_PLAYER = 100  # MB of a player in HTML
BASE64 = 4 / 3 * 78 / 76  # characters for a byte, in lines
SMALL_DPI = 80  # of the player's pictures


def movie_of(frames: Drawable, options: FramesOptions, words: Words = python_words, **how) -> Movie:
    """Return the movie that options ask for.

    how: ``tell`` of Movie.

    Raises ValueError for a wrong option, one without effect, or a file without frames.
    """
    refuse_without_effect(MOVIE, options.given(), words)
    species = species_of(frames.path, frames.names, options.species)
    colouring = options.colouring
    frames.frame_number(0)  # raises where there are no frames
    axis = axis_of(frames, options.axis)
    scale = checked_scale(options.scale)
    sections = Sections(frames, species, axis, options.at, colouring.change)
    return Movie(sections, colouring, options.cells, scale, **how)


FuncAnimation: Any = matplotlib("animation").FuncAnimation


class Animation(FuncAnimation):
    """matplotlib's animation of all frames of a section, which a notebook shows as a player."""

    def __init__(self, movie: Movie, fps: float):
        """Make the animation; no frame is drawn yet."""
        self.movie = movie
        self.fps = checked_rate(fps)
        movie.figure.set_dpi(SMALL_DPI)
        super().__init__(
            movie.figure,
            movie.show,
            frames=len(movie),
            init_func=tuple,  # or the first frame would be drawn twice
            interval=1000 / fps,
            cache_frame_data=False,
        )
        self._draw_was_started = True  # matplotlib would warn where nobody shows it

    def to_jshtml(
        self,
        fps: float | None = None,
        embed_frames: bool = True,
        default_mode: str | None = None,
        largest: float = LARGEST_PLAYER,
    ) -> str:
        """Return a player in HTML that has all frames.

        Parameters
        ----------
        fps : float, optional
            Frames a second; None for those of the animation.
        embed_frames : bool
            Whether the pictures are in the HTML.
        default_mode : str, optional
            "loop", "once" or "reflect".
        largest : float
            Megabytes that the player may have.

        Raises
        ------
        ValueError
            Where the player would be larger, before any frame is read.
        """
        self._check_size(largest)
        with (
            matplotlib().rc_context({"animation.embed_limit": float("inf")}),
            Progress() as progress,
        ):
            self.movie.tell = progress.tell
            player = super().to_jshtml(fps or self.fps, embed_frames, default_mode)
        _warn(self.movie)
        return player

    def player_size(self) -> float:
        """Estimate the size of the pictures in a player, in MB, from its richest frame."""
        self.movie.show_richest()
        memory = io.BytesIO()
        self.movie.figure.savefig(memory, format="png", dpi=self.movie.figure.dpi)
        return BASE64 * memory.tell() * len(self.movie) / 1e6

    def _check_size(self, largest: float) -> None:
        megabytes = self.player_size()
        if megabytes > largest:
            raise ValueError(
                f"a player of {len(self.movie):,} frames would have {megabytes:,.0f} MB, more than "
                f"{largest:g} MB: write a file with save('movie.gif'), choose fewer frames when "
                "the run writes them, or allow more with to_jshtml(largest=...)"
            )

    def save(self, filename: Any, writer: Any = None, fps: float | None = None, **options: Any):
        """Write the animation to a .gif, or to an .mp4 where ffmpeg is installed.

        With a ``writer``, or further options, it is matplotlib's own method.

        Raises
        ------
        ValueError
            For another kind of file, or where ffmpeg is missing.
        OSError
            Where the file cannot be written.
        """
        if writer is not None or options:
            return super().save(filename, writer=writer, fps=fps, **options)
        rate = checked_rate(fps or self.fps)
        with Progress() as progress:
            self.movie.tell = progress.tell
            write_movie(Path(filename), self.movie, rate)
        _warn(self.movie)

    def _repr_html_(self) -> str:
        """The player, as IPython shows it."""
        return self.to_jshtml()


def _warn(movie: Movie) -> None:
    for note in movie.notes():
        warnings.warn(note, stacklevel=3)


def animation_of(frames: Drawable, fps: float, **options: Any) -> Animation:
    """Return the animation that a script asks for, see `files.frames.Frames.animate`."""
    rate = checked_rate(fps)
    with Progress() as progress:
        movie = movie_of(frames, FramesOptions(**options), tell=progress.tell)
    return Animation(movie, rate)
