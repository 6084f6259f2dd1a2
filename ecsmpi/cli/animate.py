"""`ecsmpi animate FILE`: draw all frames of a section as a GIF or an MP4."""

import sys
from pathlib import Path

from ecsmpi.cli.paths import default_path
from ecsmpi.cli.picture_options import (
    add_colour_options,
    add_frames_options,
    given_options,
    words,
)
from ecsmpi.files.disk_errors import check_folder


def add_parser(subparsers):
    """Add `animate` to the command's subparsers."""
    parser = subparsers.add_parser(
        "animate",
        help="draw all frames as a GIF or an MP4",
        description="Draw all frames of one or several species, averaged over an axis or in one "
        "layer of voxels. The colours mean the same in every frame: their scale goes from the "
        "least to the greatest value of all frames, or as --limits says.",
        epilog="examples: ecsmpi animate k.h5\n"
        "          ecsmpi animate k.h5 --at 0 --limits 3 12 --fps 20 --output layer.mp4",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="MOVIE",
        help="movie to write, .gif or, where ffmpeg is installed, .mp4 "
        "(default: FILE_SPECIES.gif beside FILE)",
    )
    add_frames_options(parser)
    add_colour_options(parser)
    parser.add_argument("--fps", type=float, default=10.0, help="frames a second (default: 10)")
    parser.set_defaults(func=animate)


def animate(args):
    """Write the movie and print its path."""
    from ecsmpi.files.recording import load
    from ecsmpi.plots.animation import movie_of
    from ecsmpi.plots.draw import FramesOptions
    from ecsmpi.plots.movie import check_movie, checked_rate, write_movie
    from ecsmpi.plots.progress import Progress

    fps = checked_rate(args.fps)
    if args.output is not None:
        check_movie(args.output)
        check_folder(args.output)
    with load(args.file) as recording, Progress() as progress:
        given = given_options(args)
        selection = given.pop("selection", None)
        frames = recording.of(selection)
        name = selection or "_".join(args.species or frames.names[:1])
        path = args.output or default_path(args.file, name, ".gif")
        movie = movie_of(frames, FramesOptions(**given), words, tell=progress.tell)
        write_movie(path, movie, fps)
    for note in movie.notes():
        print(f"ecsmpi: {note}", file=sys.stderr)
    print(path)
