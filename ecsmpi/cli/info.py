"""`ecsmpi info FILE`: show what is in a file of frames, of segments or of spikes."""

from pathlib import Path

from ecsmpi.cli.child_process import read_in_child


def add_parser(subparsers):
    """Add `info` to the command's subparsers."""
    parser = subparsers.add_parser(
        "info",
        help="show the box, the species, the times and the origin of a file",
        description="Show what is in a file of frames: its box, its voxels, the times, the range "
        "of each species, and where the file comes from; or in a SONATA report or file of spikes "
        "that ecsmpi wrote.",
        epilog="example: ecsmpi info k.h5",
    )
    parser.add_argument(
        "file", type=Path, help="file of frames, report or spikes that a simulation wrote"
    )
    parser.set_defaults(func=show)


def show(args):
    """Print what is in a file."""
    print(read_in_child(_summary, args.file))


def _summary(path):
    from ecsmpi.files.frame_source import opened
    from ecsmpi.files.recording import load, plain
    from ecsmpi.files.sonata import of_cells
    from ecsmpi.files.summary import as_plain, described_lines, provenance

    with opened(path) as file:
        found = of_cells(file)
        if found is not None:
            lines = _spikes(found) if hasattr(found, "spikes") else _report(found)
            summary = [str(path), *lines, "", *provenance(plain(file.attrs))]
            return "\n".join(as_plain(line) for line in summary)
    return "\n".join(described_lines(load(path)))


def _report(report):
    """Lines about a report of segments."""
    from ecsmpi.files.summary import times

    yield (
        f"  report   {report.variable} ({report.units}) of {len(report.nodes):,} cells, "
        f"{report.columns:,} segments"
    )
    yield times(report.time)
    if not len(report.time):
        return
    for index in sorted({0, len(report.time) - 1}):
        values = report.frame(index)
        yield (
            f"  at {report.time[index]:>9g} ms    {values.min():.6g} to {values.max():.6g}, "
            f"mean {values.mean():.6g}"
        )


def _spikes(train):
    """Lines about a file of spikes."""
    cells = set()
    first = last = None
    for times, nodes in train.spikes():
        cells.update(nodes.tolist())
        first = times[0] if first is None else first
        last = times[-1]
    yield f"  spikes   {len(train):,} spikes of {len(cells):,} cells"
    if first is not None:
        yield f"  times    {first:g} to {last:g} ms"
