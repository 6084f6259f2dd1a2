"""Describes a file of frames in words: for `ecsmpi info`, and as the repr of a Recording."""

from __future__ import annotations

from collections.abc import Iterator


def described(recording) -> str:
    """Return the whole description; the path and the reason where frames cannot be read."""
    try:
        return "\n".join(described_lines(recording))
    except (ValueError, OSError) as error:
        return f"{as_plain(str(recording.path))} ({as_plain(str(error))})"


def described_lines(recording) -> list[str]:
    """Return the lines of the description, without control characters from the file."""
    return [as_plain(line) for line in _lines(recording)]


def as_plain(text: str, kept: str = "") -> str:
    r"""Return text that a terminal only shows.

    Control characters become such as \x1b, except those in ``kept``.
    """
    characters = []
    for one in text:
        is_harmless = one.isprintable() or one in kept
        characters.append(one if is_harmless else one.encode("unicode_escape", "replace").decode())
    return "".join(characters)


def _lines(recording) -> Iterator[str]:
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
    if recording.cells is not None:
        yield ""
        yield f"  cells    {_counted(recording.cells)}"
    yield ""
    yield from provenance(recording.attributes)


def _counted(cells) -> str:
    with_gid = len(set(cells.gids[cells.gids >= 0].tolist()))
    return (
        f"{len(cells.names):,} sections, {len(cells.points):,} points, {with_gid:,} cells with gids"
    )


def _frames(frames) -> Iterator[str]:
    yield times(frames.time)
    if len(frames):
        yield ""
        yield from _ranges(frames)


def _grid(box) -> Iterator[str]:
    spans = ", ".join(f"{axis} {lo:g} to {hi:g}" for axis, lo, hi in zip("xyz", box.lo, box.hi))
    counts = " x ".join(str(count) for count in box.shape)
    edges = " x ".join(f"{edge:g}" for edge in box.spacing)
    yield f"  box      {spans} um"
    yield f"  voxels   {counts} = {box.voxels:,} of {edges} um"


def times(time) -> str:
    """Return the line that says how many frames there are, and their times (ms)."""
    if not len(time):
        return "  frames   none yet"
    return f"  frames   {len(time)}, from {time[0]:g} to {time[-1]:g} ms"


def _ranges(frames) -> Iterator[str]:
    """Yield a table of concentrations: the first and the last frame of each species."""
    width = max(7, *(len(name) for name in frames.names))
    heads = ("time (ms)", "min (mM)", "mean (mM)", "max (mM)")
    yield f"  {'species':<{width}}  " + "  ".join(f"{head:>12}" for head in heads)
    for name in frames.names:
        for index in sorted({0, len(frames) - 1}):
            values = (frames.time[index], *frames.extremes(name, index))
            yield f"  {name:<{width}}  " + "  ".join(f"{value:>12.6g}" for value in values)


def provenance(attributes: dict) -> Iterator[str]:
    """Yield a line for each attribute of the file."""
    width = max(len(name) for name in attributes)
    for name, value in sorted(attributes.items()):
        entries = value if isinstance(value, list) else [value]
        yield f"  {name:<{width}}  {', '.join(_shortened(entry) for entry in entries)}"


def _shortened(entry) -> str:
    return f"{entry:g}" if isinstance(entry, float) else str(entry)
