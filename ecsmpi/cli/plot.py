"""`ecsmpi plot FILE`: a section through the box as an image, or lines through time at points."""

from pathlib import Path

COLOURS = "viridis"
LONGEST = 6.5  # inches along the longer side of the box
SHORTEST = 1.2


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "plot", help="draw a section through the box, or lines through time",
        description="Draw a species at one time, averaged over an axis or in one layer of voxels; "
                    "or, with --point, its concentration through time at points.")
    parser.add_argument("-o", "--output", type=Path, metavar="PICTURE",
                        help="picture to write, .png, .pdf or .svg (default: FILE_SPECIES.png beside FILE)")
    add_section_options(parser)
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument("--time", type=float, metavar="T", help="draw the frame nearest to this time in ms")
    moment.add_argument("--frame", type=int, metavar="I",
                        help="draw this frame; -1 is the last (default: the last)")
    parser.add_argument("--point", type=float, nargs=3, action="append", metavar=("X", "Y", "Z"),
                        help="draw the concentration through time at this point in um; may be given more than once")
    parser.set_defaults(func=plot)


def add_section_options(parser):
    """FILE and the options that choose a species and a section; `animate` has them too."""
    parser.add_argument("file", type=Path, help="file of frames that a simulation wrote")
    parser.add_argument("--species", metavar="NAME", help="species to draw (default: the first in the file)")
    parser.add_argument("--axis", choices=("x", "y", "z"),
                        help="axis to average over or to cut across (default: z)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--mean", action="store_true", help="average over the axis (the default)")
    where.add_argument("--at", type=float, metavar="COORD", help="draw the layer of voxels at this coordinate in um")


def plot(args):
    from ecsmpi.recording import load

    with load(args.file) as recording:
        name = species(recording, args.species)
        figure = _lines(recording, name, args) if args.point else _image(recording, name, args)
    path = args.output or default_path(args.file, name, ".points.png" if args.point else ".png")
    check_folder(path)
    figure.savefig(path, dpi=160)
    print(path)


def species(recording, name):
    """The species to draw, of those in the file."""
    name = name or recording.names[0]
    if name not in recording:
        raise ValueError(f"{recording.path} has no species {name!r}; it has {', '.join(recording.names)}")
    return name


def default_path(file, name, suffix):
    """Beside the file: k.h5 -> k_k.png."""
    return file.with_name(f"{file.stem}_{name}{suffix}")


def check_folder(path):
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")


def section_figure(recording, section, axis, limits):
    """A figure of a section (2-D, mM) across ``axis`` with a colour bar over ``limits`` (mM); and its image."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across, up = ("xyz".index(letter) for letter in "xyz" if letter != axis)
    box = recording.box
    extent = (box.lo[across], box.hi[across], box.lo[up], box.hi[up])
    wide, high = extent[1] - extent[0], extent[3] - extent[2]
    flat = high < 0.5 * wide
    figure = Figure(figsize=_size(wide, high, flat), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(section.T, origin="lower", extent=extent, cmap=COLOURS, interpolation="nearest",
                        vmin=limits[0], vmax=limits[1], aspect="equal")
    axes.set_xlabel(f"{'xyz'[across]} (µm)")
    axes.set_ylabel(f"{'xyz'[up]} (µm)")
    return figure, image, _colour_bar(figure, image, flat)


def limits_of(low, high):
    """The ends of a colour scale: a uniform field, round-off apart, must not be stretched to all colours."""
    least = 1e-6 * max(abs(low), abs(high), 1e-6)
    middle = (low + high) / 2
    return (low, high) if high - low >= least else (middle - least, middle + least)


def describe_section(recording, axis, at):
    """What a section shows, for the title."""
    if at is None:
        return f"mean over {axis}"
    coordinate = getattr(recording, axis)[recording.layer(axis, at)]
    return f"{axis} = {coordinate:g} µm"


def _size(wide, high, flat):
    """Inches: the box to scale, and room for the colour bar on the right or, of a flat box, below."""
    scale = LONGEST / max(wide, high)
    inches = max(wide * scale, SHORTEST), max(high * scale, SHORTEST)
    return (max(inches[0], 4.5) + 0.8, inches[1] + 1.9) if flat else (max(inches[0], 2.4) + 2.0, inches[1] + 0.9)


def _colour_bar(figure, image, flat):
    where = {"location": "bottom", "aspect": 40} if flat else {"location": "right", "aspect": 25}
    bar = figure.colorbar(image, **where)
    bar.formatter.set_useOffset(False)
    bar.locator = _few_ticks()
    bar.update_ticks()
    return bar


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=6)


def _image(recording, name, args):
    axis = args.axis or "z"
    index = -1 if args.frame is None else args.frame
    if args.time is not None:
        index = recording.index_at(args.time)
    section = recording.section(name, index, axis, args.at)
    figure, image, bar = section_figure(recording, section, axis, limits_of(section.min(), section.max()))
    bar.set_label(f"{name} (mM)")
    image.axes.set_title(f"{name}, {describe_section(recording, axis, args.at)}, t = {recording.time[index]:g} ms")
    return figure


def _lines(recording, name, args):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for option in ("axis", "at", "time", "frame"):
        if getattr(args, option) is not None:
            raise ValueError(f"--point draws lines through time: leave out --{option} {getattr(args, option)}")
    if args.mean:
        raise ValueError("--point draws single voxels: leave out --mean")
    series = [recording.series(name, point) for point in args.point]
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for point, values in zip(args.point, series):
        label = ", ".join(f"{coordinate:g}" for coordinate in point)
        axes.plot(recording.time, values, marker="o" if len(values) == 1 else None, label=f"({label}) µm")
    axes.set(xlabel="time (ms)", ylabel=f"{name} (mM)", title=f"{name} at points")
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return figure
