"""`ecsmpi info FILE`: what is in a file of frames, of segments or of spikes."""

from pathlib import Path

from ecsmpi.cli.apart import apart


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "info", help="show the box, the species, the times and the origin of a file",
        description="Show what is in a file of frames: its box, its voxels, the times, the range of each "
                    "species, and where the file comes from; or in a SONATA report or file of spikes of ours.")
    parser.add_argument("file", type=Path, help="file of frames, report or spikes that a simulation wrote")
    parser.set_defaults(func=show)


def show(args):
    print(apart(_told, args.file))


def _told(path):
    from ecsmpi.files.recording import load, opened, plain
    from ecsmpi.files.sonata import of_cells

    with opened(path) as file:
        found = of_cells(file)
        if found is not None:
            lines = _spikes(found) if hasattr(found, "times") else _report(found)
            return "\n".join([str(path), *lines, "", *_provenance(plain(file.attrs))])
    with load(path) as recording:
        return "\n".join(describe(recording))


def _report(report):
    yield f"  report   {report.variable} ({report.units}) of {len(report.nodes):,} cells, {report.columns:,} segments"
    yield _times(report.time)
    for index in sorted({0, len(report.time) - 1}) if len(report.time) else ():
        values = report.frame(index)
        yield f"  at {report.time[index]:>9g} ms    {values.min():.6g} to {values.max():.6g}, mean {values.mean():.6g}"


def _spikes(train):
    count, cells = len(train.times), len(set(train.nodes.tolist()))
    yield f"  spikes   {count:,} spikes of {cells:,} cells"
    if count:
        yield f"  times    {train.times[0]:g} to {train.times[-1]:g} ms"


def describe(recording):
    """The lines to print for a Recording."""
    lines = [str(recording.path), *_grid(recording.box)]
    if recording.names:
        lines += _frames(recording)
    for name, selection in recording.selections.items():
        lines += ["", f"  {name}: {selection.voxels}", *_grid(selection.box), *_frames(selection)]
    for name, table in recording.diagnostics.items():
        lines += ["", f"  diagnostics of {name}: {', '.join(column for column in table if column not in ('time', 'radius'))}"]
        lines += [_times(table["time"])]
    return lines + ["", *_provenance(recording.attributes)]


def _frames(frames):
    return [_times(frames.time), *(["", *_ranges(frames)] if len(frames) else [])]


def _grid(box):
    spans = ", ".join(f"{axis} {lo:g} to {hi:g}" for axis, lo, hi in zip("xyz", box.lo, box.hi))
    counts = " x ".join(str(count) for count in box.shape)
    edges = " x ".join(f"{edge:g}" for edge in box.spacing)
    yield f"  box      {spans} um"
    yield f"  voxels   {counts} = {box.voxels:,} of {edges} um"


def _times(time):
    if not len(time):
        return "  frames   none yet"
    return f"  frames   {len(time)}, from {time[0]:g} to {time[-1]:g} ms"


def _ranges(recording):
    """The table of concentrations: a line for each species and for the first and the last frame."""
    width = max(7, *(len(name) for name in recording.names))
    yield f"  {'species':<{width}}  {'time (ms)':>12}  {'min (mM)':>12}  {'mean (mM)':>12}  {'max (mM)':>12}"
    for name in recording.names:
        for index in sorted({0, len(recording) - 1}):
            frame = recording.frame(name, index)
            values = (recording.time[index], frame.min(), frame.mean(), frame.max())
            yield f"  {name:<{width}}  " + "  ".join(f"{value:>12.6g}" for value in values)


def _provenance(attributes):
    width = max(len(name) for name in attributes)
    for name, value in sorted(attributes.items()):
        text = ", ".join(f"{entry:g}" if isinstance(entry, float) else str(entry)
                         for entry in (value if isinstance(value, list) else [value]))
        yield f"  {name:<{width}}  {text}"
