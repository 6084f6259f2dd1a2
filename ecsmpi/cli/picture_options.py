"""Options that `ecsmpi plot` and `ecsmpi animate` share, and how they are called in messages."""

from pathlib import Path

from ecsmpi.plots.options import DIVERGING, EFFECTS, SCALES, SEQUENTIAL


def add_frames_options(parser):
    """Add FILE and the options that choose species, and a section through the box."""
    parser.add_argument("file", type=Path, help="file that a simulation wrote")
    parser.add_argument(
        "--species",
        nargs="+",
        metavar="NAME",
        help="species to draw, several of them side by side (default: the first in the file)",
    )
    parser.add_argument(
        "--selection",
        metavar="NAME",
        help="selection of voxels to draw, by the name that `ecsmpi info` shows "
        "(default: the whole box)",
    )
    parser.add_argument(
        "--axis",
        choices=("x", "y", "z"),
        help="axis to average over or to cut across (default: z, or that of a slice or mean)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--mean", action="store_true", help="average over the axis (the default)")
    where.add_argument(
        "--at",
        type=float,
        metavar="COORD",
        help="draw the layer of voxels at this coordinate in um",
    )
    parser.add_argument(
        "--no-cells",
        dest="cells",
        action="store_false",
        help="do not draw the cells (by default: over a mean all cells of the file, over a layer "
        "the parts that reach into it)",
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="axes",
        help="axes with coordinates, a scale bar, or both (default: axes)",
    )


def add_colour_options(parser):
    """Add the options of colours."""
    parser.add_argument(
        "--colours",
        metavar="MAP",
        help=f"{', '.join(SEQUENTIAL)} (default: {SEQUENTIAL[0]}); "
        f"with --change {', '.join(DIVERGING)}",
    )
    parser.add_argument(
        "--limits",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="ends of the colour scale in mM (default: the least and the greatest value drawn)",
    )
    parser.add_argument(
        "--log",
        action="store_true",
        help="logarithmic colours; values of at most 0 are light blue",
    )
    parser.add_argument(
        "--change", action="store_true", help="draw the difference to the first frame"
    )
    parser.add_argument(
        "--contours",
        type=float,
        nargs="+",
        default=(),
        metavar="MM",
        help="draw lines at these concentrations in mM",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="MM",
        help="begin the colours at this concentration in mM; voxels below it are white",
    )


def given_options(args):
    """Name -> value of the options of pictures that the command line gives."""
    given = {}
    for name in EFFECTS:
        value = getattr(args, name, None)
        if value is not None and value != args.parser.get_default(name):
            given[name] = value
    return given


def words(name, value):
    """An option as the command line has it: its name and its value."""
    option = {"cells": "--no-cells", "points": "--point"}.get(name, f"--{name}")
    if isinstance(value, bool):
        return option
    if name == "points":
        return " ".join(f"{option} {_numbers(point)}" for point in value)
    return f"{option} {_numbers(value) if isinstance(value, (list, tuple)) else value}"


def _numbers(values):
    return " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
