"""`ecsmpi plot FILE`: draw a section through the box, or lines through time at points."""

from pathlib import Path

from ecsmpi.cli.paths import check_folder, default_path
from ecsmpi.extras import need

COLOURS = "viridis"
LONGEST = 6.0  # inches along the longer side of the box
THINNEST = 0.3  # inches; a box that would be thinner could not be seen, so it is not to scale


def add_parser(subparsers):
    """Add `plot` to the command's subparsers."""
    parser = subparsers.add_parser(
        "plot",
        help="draw a section through the box, or lines through time",
        description="Draw a species at one time, averaged over an axis or in one layer of voxels; "
        "or, with --point, its concentration through time at points.",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PICTURE",
        help="picture to write, .png, .pdf or .svg (default: FILE_SPECIES.png beside FILE)",
    )
    add_section_options(parser)
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument(
        "--time", type=float, metavar="T", help="draw the frame nearest to this time in ms"
    )
    moment.add_argument(
        "--frame", type=int, metavar="I", help="draw this frame; -1 is the last (default: the last)"
    )
    parser.add_argument(
        "--point",
        type=float,
        nargs=3,
        action="append",
        metavar=("X", "Y", "Z"),
        help="draw the concentration through time at this point (um); give it again for more",
    )
    parser.set_defaults(func=plot)


def add_section_options(parser):
    """Add FILE and the options that choose a species and a section."""
    parser.add_argument("file", type=Path, help="file of frames that a simulation wrote")
    parser.add_argument(
        "--species", metavar="NAME", help="species to draw (default: the first in the file)"
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


def plot(args):
    """Write the picture and print its path."""
    from ecsmpi.files.recording import load

    with load(args.file) as recording:
        frames = recording.of(args.selection)
        name = species(frames, args.species)
        figure = _lines(frames, name, args) if args.point else _image(frames, name, args)
    suffix = ".points.png" if args.point else ".png"
    path = args.output or default_path(args.file, args.selection or name, suffix)
    check_folder(path)
    figure.savefig(path, dpi=160)
    print(path)


def species(recording, name):
    """The name of the species to draw: as given, or the first in the file."""
    name = name or recording.names[0]
    if name not in recording:
        raise ValueError(
            f"{recording.path} has no species {name!r}; it has {', '.join(recording.names)}"
        )
    return name


def axis_of(frames, axis):
    """The axis to look along: as given, or the only one that has a single voxel, or z."""
    single = [letter for letter, count in zip("xyz", frames.box.shape) if count == 1]
    return axis or (single[0] if len(single) == 1 else "z")


def section_figure(recording, name, section, axis, limits):
    """A figure of a section, to scale, with a colour bar.

    Everything has its place in inches, so that nothing moves when the image and the title change.

    Parameters
    ----------
    recording
        The file of frames, or a selection in it.
    name
        The species.
    section
        (across, up) concentrations, mM.
    axis
        The axis that the section is across: "x", "y" or "z".
    limits
        The ends of the colour scale, mM.

    Returns
    -------
    tuple
        The figure, the image in it and its title.
    """
    across, up = ("xyz".index(letter) for letter in "xyz" if letter != axis)
    lo, hi = recording.box.lo, recording.box.hi
    extent = (lo[across], hi[across], lo[up], hi[up])
    figure, axes, bar, title = _places(extent[1] - extent[0], extent[3] - extent[2])
    image = axes.imshow(
        section.T,
        origin="lower",
        extent=extent,
        cmap=COLOURS,
        interpolation="nearest",
        vmin=limits[0],
        vmax=limits[1],
        aspect="auto",
    )
    axes.set(xlabel=f"{'xyz'[across]} (µm)", ylabel=f"{'xyz'[up]} (µm)")
    axes.locator_params("y", nbins=max(1, round(1.6 * axes.bbox.height / figure.dpi)))
    axes.locator_params("x", nbins=max(1, round(1.2 * axes.bbox.width / figure.dpi)))
    _colour_bar(figure, image, bar).set_label(f"{name} (mM)")
    return figure, image, title


def _places(wide, high):
    """A figure, axes for a box of wide x high um, axes for its colour bar, and a title.

    The colour bar of a flat box is below it, else at its right.
    """
    inches = LONGEST / max(wide, high)
    width, height = (max(edge * inches, THINNEST) for edge in (wide, high))
    flat = height < 0.4 * width
    left = 0.85
    below = 1.35 if flat else 0.65
    right = 0.35 if flat else 1.6
    size = (max(left + width + right, 4.2), below + height + 0.5)
    figure = _figure(size)

    def place(x, y, w, h):
        return figure.add_axes((x / size[0], y / size[1], w / size[0], h / size[1]))

    at = (left, 0.6, width, 0.16) if flat else (left + width + 0.15, below, 0.18, height)
    bar = place(*at)
    title_left = left if width > 3 else 0.25
    title = figure.text(title_left / size[0], 1 - 0.33 / size[1], "", fontsize=12)
    return figure, place(left, below, width, height), bar, title


def _figure(size):
    """A figure of ``size`` inches that needs no display."""
    figure = need("matplotlib.figure", "plot", "a picture").Figure(figsize=size)
    need("matplotlib.backends.backend_agg", "plot", "a picture").FigureCanvasAgg(figure)
    return figure


def _colour_bar(figure, image, axes):
    MaxNLocator = need("matplotlib.ticker", "plot", "a picture").MaxNLocator
    flat = axes.bbox.width > axes.bbox.height
    bar = figure.colorbar(image, cax=axes, orientation="horizontal" if flat else "vertical")
    bar.formatter.set_useOffset(False)
    per_inch = 1 if flat else 1.2
    bar.locator = MaxNLocator(nbins=max(1, round(per_inch * max(axes.bbox.size) / figure.dpi)))
    bar.update_ticks()
    return bar


def limits_of(low, high):
    """The ends of a colour scale.

    A field that is uniform but for round-off must not be stretched to all colours.
    """
    least = 1e-6 * max(abs(low), abs(high), 1e-6)
    if high - low >= least:
        return low, high
    middle = (low + high) / 2
    return middle - least, middle + least


def describe_section(recording, axis, at):
    """What a section shows, for the title."""
    if recording.box.shape["xyz".index(axis)] == 1:
        return recording.voxels
    if at is None:
        return f"mean over {axis}"
    coordinate = getattr(recording, axis)[recording.layer(axis, at)]
    return f"{axis} = {coordinate:g} µm"


def _image(recording, name, args):
    axis = axis_of(recording, args.axis)
    index = -1 if args.frame is None else args.frame
    if args.time is not None:
        index = recording.index_at(args.time)
    section = recording.section(name, index, axis, args.at)
    limits = limits_of(section.min(), section.max())
    figure, _, title = section_figure(recording, name, section, axis, limits)
    what = describe_section(recording, axis, args.at)
    title.set_text(f"{name}, {what}, t = {recording.time[index]:g} ms")
    return figure


def _lines(recording, name, args):
    for option in ("axis", "at", "time", "frame"):
        if getattr(args, option) is not None:
            raise ValueError(
                f"--point draws lines through time: leave out --{option} {getattr(args, option)}"
            )
    if args.mean:
        raise ValueError("--point draws single voxels: leave out --mean")
    series = [recording.series(name, point) for point in args.point]
    figure = _figure((7.5, 4.2))
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    for point, values in zip(args.point, series):
        label = ", ".join(f"{coordinate:g}" for coordinate in point)
        marker = "o" if len(values) == 1 else None
        axes.plot(recording.time, values, marker=marker, label=f"({label}) µm")
    axes.set(xlabel="time (ms)", ylabel=f"{name} (mM)", title=f"{name} at points")
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return figure
