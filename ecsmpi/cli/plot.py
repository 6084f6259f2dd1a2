"""`ecsmpi plot FILE`: draw a section, lines through time, a kymograph, a report, or spikes."""

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

EXAMPLES = """examples: ecsmpi plot k.h5
          ecsmpi plot k.h5 --species k na --at 0 --scale bar --output layer.svg
          ecsmpi plot k.h5 --time 0 250 500 --axis y
          ecsmpi plot k.h5 --change --contours 1 5
          ecsmpi plot k.h5 --point 0 0 0 --point 0 200 0
          ecsmpi plot k.h5 --kymograph 0 -100 0 0 400 0
          ecsmpi plot report.v.h5 --gids 3 7
          ecsmpi plot spikes.h5
"""


def add_parser(subparsers):
    """Add `plot` to the command's subparsers."""
    parser = subparsers.add_parser(
        "plot",
        help="draw a section, lines through time, a kymograph, a report or spikes",
        description="Draw species at one time, averaged over an axis or in one layer of voxels; "
        "with --point concentrations through time; with --kymograph concentrations by time and "
        "distance. Of a report of segments, draw the variable through time; of spikes, a raster.",
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
        "--time",
        type=float,
        nargs="+",
        metavar="T",
        help="draw the frame nearest to this time in ms; several of them side by side",
    )
    moment.add_argument(
        "--frame",
        type=int,
        nargs="+",
        metavar="I",
        help="draw this frame, or these; -1 is the last (default: the last)",
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
    parser.add_argument(
        "--gids",
        type=int,
        nargs="+",
        metavar="GID",
        help="cells to draw of a report of segments or of spikes",
    )
    parser.add_argument(
        "--elements",
        type=int,
        nargs="+",
        metavar="I",
        help="sections to draw of a report, by their numbers in the cell: of each the segment "
        "nearest to its middle (default: the first segment of each cell)",
    )
    parser.set_defaults(func=plot)


def plot(args):
    """Write the picture and print its path."""
    from ecsmpi.plots.library import check_format

    if args.output is not None:
        check_format(args.output)
        check_folder(args.output)
    figure, notes, name = _draw(args)
    path = args.output or default_path(args.file, name, ".png")
    figure.savefig(path)
    for note in notes:
        print(f"ecsmpi: {note}", file=sys.stderr)
    print(path)


def _draw(args):
    """The figure, what must be told, and what the default name of the picture says."""
    from ecsmpi.files.frame_source import opened
    from ecsmpi.files.sonata import of_cells

    with opened(args.file) as file:
        try:
            cells = of_cells(file)
        except (AttributeError, KeyError, RuntimeError, StopIteration) as error:
            raise OSError(f"{args.file} is damaged ({error}): run the simulation again") from error
        if cells is not None:
            return _draw_cells(cells, args)
    return _draw_frames(args)


def _draw_cells(cells, args):
    """Draw a report of segments or a file of spikes."""
    from ecsmpi.plots.options import REPORT, SPIKES, refuse_without_effect
    from ecsmpi.plots.segments import draw_report, draw_spikes

    given = given_options(args)
    if hasattr(cells, "spikes"):
        refuse_without_effect(SPIKES, given, words)
        return *draw_spikes(cells, args.gids), "raster"
    refuse_without_effect(REPORT, given, words)
    return *draw_report(cells, args.gids, args.elements), "traces"


def _draw_frames(args):
    from ecsmpi.files.recording import load
    from ecsmpi.plots.draw import FramesOptions, draw_frames
    from ecsmpi.plots.options import refuse_without_effect

    given = given_options(args)
    selection = given.pop("selection", None)
    idle = {name: given.pop(name) for name in ("gids", "elements") if name in given}
    refuse_without_effect("frames of voxels", idle, words)
    options = FramesOptions(**given)
    with load(args.file) as recording:
        frames = recording.of(selection)
        figure, notes = draw_frames(frames, options, words)
        name = selection or "_".join(args.species or frames.names[:1])
    if args.points:
        name += ".points"
    elif args.kymograph:
        name += ".kymograph"
    return figure, notes, name
