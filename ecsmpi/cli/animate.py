"""`ecsmpi animate FILE`: draw all frames of a section as a GIF or an MP4."""

import shutil
from pathlib import Path

from ecsmpi.cli.paths import check_folder, default_path
from ecsmpi.cli.plot import (
    COLOURS,
    add_section_options,
    axis_of,
    describe_section,
    limits_of,
    section_figure,
    species,
)
from ecsmpi.extras import need

DPI = 110
FASTEST = 50  # frames a second: viewers slow down a GIF of more


def add_parser(subparsers):
    """Add `animate` to the command's subparsers."""
    parser = subparsers.add_parser(
        "animate",
        help="draw all frames as a GIF or an MP4",
        description="Draw all frames of a species, averaged over an axis or in one layer of "
        "voxels. The colours mean the same in every frame: their scale goes from the least to the "
        "greatest value of all frames.",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="MOVIE",
        help="movie to write, .gif or, where ffmpeg is installed, .mp4 "
        "(default: FILE_SPECIES.gif beside FILE)",
    )
    add_section_options(parser)
    parser.add_argument("--fps", type=float, default=10.0, help="frames a second (default: 10)")
    parser.set_defaults(func=animate)


def animate(args):
    """Write the movie and print its path."""
    from ecsmpi.files.recording import load

    if not 0 < args.fps <= FASTEST:
        raise ValueError(f"--fps must be more than 0 and at most {FASTEST}, got {args.fps:g}")
    with load(args.file) as recording:
        frames = recording.of(args.selection)
        name = species(frames, args.species)
        path = args.output or default_path(args.file, args.selection or name, ".gif")
        write = _writer(path)
        write(path, _Movie(frames, name, axis_of(frames, args.axis), args.at), args.fps)
    print(path)


class _Movie:
    """The figure of a section, and how it changes from frame to frame."""

    def __init__(self, recording, name, axis, at):
        self._recording = recording
        self._name, self._axis, self._at = name, axis, at
        first = self._values(0)
        limits = limits_of(*self._extremes())
        self.figure, self._image, self._title = section_figure(recording, name, first, axis, limits)
        self._what = f"{name}, {describe_section(recording, axis, at)}"

    def draw(self):
        """Draw one frame after the other; yields the number of each."""
        for index, time in enumerate(self._recording.time):
            self._image.set_data(self._values(index).T)
            self._title.set_text(f"{self._what}, t = {time:g} ms")
            self.figure.canvas.draw()
            yield index

    def _values(self, index):
        return self._recording.section(self._name, index, self._axis, self._at)

    def _extremes(self):
        """Least and greatest value of all frames; one frame at a time is in memory."""
        lows = []
        highs = []
        for index in range(len(self._recording)):
            section = self._values(index)
            lows.append(section.min())
            highs.append(section.max())
        return min(lows), max(highs)


def _writer(path):
    """The function that writes movies of this kind."""
    check_folder(path)
    if path.suffix.lower() == ".gif":
        return _write_gif
    if path.suffix.lower() != ".mp4":
        raise ValueError(f"a movie is a .gif or an .mp4, got {path}")
    if shutil.which("ffmpeg") is None:
        raise ValueError(
            f"writing {path} needs ffmpeg, which is not on PATH: install it, or write a .gif"
        )
    return _write_mp4


def _write_gif(path, movie, fps):
    import numpy as np
    from PIL import Image

    movie.figure.set_dpi(DPI)
    palette = _palette()
    frames = (
        Image.fromarray(np.asarray(movie.figure.canvas.buffer_rgba()))
        .convert("RGB")
        .quantize(palette=palette, dither=Image.Dither.NONE)
        for _ in movie.draw()
    )
    next(frames).save(path, save_all=True, append_images=frames, duration=1000 / fps, loop=0)


def _palette():
    """One palette for all frames, or colours would change: the colour map, and greys for text."""
    import numpy as np
    from PIL import Image

    colours = need("matplotlib", "plot", "a movie").colormaps[COLOURS](np.linspace(0, 1, 224))[
        :, :3
    ]
    greys = np.linspace(0, 1, 32)[:, None].repeat(3, axis=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * np.concatenate([colours, greys])).astype(int).ravel().tolist())
    return palette


def _write_mp4(path, movie, fps):
    import subprocess

    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p"]
    FFMpegWriter = need("matplotlib.animation", "plot", "a movie").FFMpegWriter
    writer = FFMpegWriter(fps=fps, codec="libx264", extra_args=even)
    try:
        with writer.saving(movie.figure, str(path), DPI):
            for _ in movie.draw():
                writer.grab_frame()
    except subprocess.CalledProcessError as error:
        raise OSError(
            f"ffmpeg could not write {path} ({error}): see that it has libx264, or write a .gif"
        ) from error
