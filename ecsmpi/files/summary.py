"""What a file of frames holds, in words: `ecsmpi info` prints it, and a Recording shows it."""

from __future__ import annotations


def described(recording) -> str:
    """All of it; where the frames cannot be read any more, without their ranges, and why."""
    try:
        return "\n".join(described_lines(recording))
    except (ValueError, OSError) as error:
        return f"{as_plain(str(recording.path))} ({as_plain(str(error))})"


def described_lines(recording) -> list[str]:
    """The lines, with whatever comes from the file made harmless."""
    return [as_plain(line) for line in _lines(recording)]


def as_plain(text: str, kept: str = "") -> str:
    r"""Text that a terminal only shows: control characters as \x1b, but for those that are kept."""
    return "".join(
        one
        if one.isprintable() or one in kept
        else one.encode("unicode_escape", "replace").decode()
        for one in text
    )


def _lines(recording):
    yield str(recording.path)
    yield from _grid(recording.box)
    if recording.names:
        yield from _frames(recording)
    for name, selection in recording.selections.items():
        yield ""
        yield f"  {name}: {selection.voxels}"
        yield from _grid(selection.box)
        yield from _frames(selection)
    for name, table in recording.diagnostics.items():
        columns = [column for column in table if column not in ("time", "radius")]
        yield ""
        yield f"  diagnostics of {name}: {', '.join(columns)}"
        yield times(table["time"])
    yield ""
    yield from provenance(recording.attributes)


def _frames(frames):
    yield times(frames.time)
    if len(frames):
        yield ""
        yield from _ranges(frames)


def _grid(box):
    spans = ", ".join(f"{axis} {lo:g} to {hi:g}" for axis, lo, hi in zip("xyz", box.lo, box.hi))
    counts = " x ".join(str(count) for count in box.shape)
    edges = " x ".join(f"{edge:g}" for edge in box.spacing)
    yield f"  box      {spans} um"
    yield f"  voxels   {counts} = {box.voxels:,} of {edges} um"


def times(time) -> str:
    """The line of the frames' times (ms)."""
    if not len(time):
        return "  frames   none yet"
    return f"  frames   {len(time)}, from {time[0]:g} to {time[-1]:g} ms"


def _ranges(frames):
    """The table of concentrations: a line for each species and for the first and the last frame."""
    width = max(7, *(len(name) for name in frames.names))
    yield f"  {'species':<{width}}  {'time (ms)':>12}  {'min (mM)':>12}  {'mean (mM)':>12}  {'max (mM)':>12}"
    for name in frames.names:
        for index in sorted({0, len(frames) - 1}):
            values = (frames.time[index], *frames.extremes(name, index))
            yield f"  {name:<{width}}  " + "  ".join(f"{value:>12.6g}" for value in values)


def provenance(attributes):
    """A line for each attribute of the file."""
    width = max(len(name) for name in attributes)
    for name, value in sorted(attributes.items()):
        entries = value if isinstance(value, list) else [value]
        text = ", ".join(
            f"{entry:g}" if isinstance(entry, float) else str(entry) for entry in entries
        )
        yield f"  {name:<{width}}  {text}"
