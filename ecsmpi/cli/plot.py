"""`ecsmpi plot FILE`: draw a section, lines through time, a kymograph, a report, or spikes."""

import sys
from pathlib import Path

from ecsmpi.cli.paths import check_folder, default_path
from ecsmpi.cli.picture_options import (
    add_colour_options,
    add_frames_options,
    frames_options,
    words,
)

EXAMPLES = """examples: ecsmpi plot k.h5
          ecsmpi plot k.h5 --species k na --at 0 --scale bar --output layer.svg
          ecsmpi plot k.h5 --time 500 --change --axis y
          ecsmpi plot k.h5 --point 0 0 0 --point 0 200 0
          ecsmpi plot k.h5 --kymograph 0 -100 0 0 400 0
"""


def add_parser(subparsers):
    """Add `plot` to the command's subparsers."""
    parser = subparsers.add_parser(
        "plot",
        help="draw a section through the box, or lines through time",
        description="Draw species at one time, averaged over an axis or in one layer of voxels; "
        "or, with --point, concentrations through time at points.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PICTURE",
        help="picture to write, .png, .pdf or .svg (default: FILE_SPECIES.png beside FILE)",
    )
    add_frames_options(parser)
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument(
        "--time", type=float, metavar="T", help="draw the frame nearest to this time in ms"
    )
    moment.add_argument(
        "--frame", type=int, metavar="I", help="draw this frame; -1 is the last (default: the last)"
    )
    parser.add_argument(
        "--point",
        dest="points",
        type=float,
        nargs=3,
        action="append",
        metavar=("X", "Y", "Z"),
        help="draw the concentration through time at this point (um); give it again for more",
    )
    parser.add_argument(
        "--kymograph",
        type=float,
        nargs=6,
        metavar=("X0", "Y0", "Z0", "X1", "Y1", "Z1"),
        help="draw concentration by time and by distance along this line (um)",
    )
    add_colour_options(parser)
    parser.set_defaults(func=plot)


def plot(args):
    """Write the picture and print its path."""
    from ecsmpi.files.recording import load
    from ecsmpi.plots.draw import draw_frames
    from ecsmpi.plots.library import check_format

    if args.output is not None:
        check_format(args.output)
        check_folder(args.output)
    with load(args.file) as recording:
        frames = recording.of(args.selection)
        figure, notes = draw_frames(frames, frames_options(args), words)
        name = args.selection or "_".join(args.species or frames.names[:1])
    suffix = ".png"
    if args.points:
        suffix = ".points.png"
    elif args.kymograph:
        suffix = ".kymograph.png"
    path = args.output or default_path(args.file, name, suffix)
    figure.savefig(path)
    for note in notes:
        print(f"ecsmpi: {note}", file=sys.stderr)
    print(path)
