"""Draws files of cells: a variable of segments through time, and a raster of spikes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecsmpi.plots.drawable import SegmentValues, SpikeTimes
from ecsmpi.plots.labels import TimeUnit
from ecsmpi.plots.library import Picture, matplotlib
from ecsmpi.plots.lines import draw_traces, new_lines

MOST_LINES = 10  # where nobody says which
MOST_VECTORS = 20_000  # spikes: more become pixels in SVG and PDF
TALLEST_MARK = 12.0  # points


def draw_report(
    report: SegmentValues, gids: Sequence[int] | None, elements: Sequence[int] | None
) -> tuple[Picture, list[str]]:
    """Draw segments' values through time; reads these segments alone.

    Parameters
    ----------
    report
        The report, in an open file.
    gids : list of int, optional
        The cells; None for the first ones.
    elements : list of int, optional
        Numbers of sections in their cells: of each, the segment nearest to its middle. None for
        the first segment of each cell.

    Returns
    -------
    tuple
        The figure, and what the user must be told.
    """
    if not len(report.time):
        raise ValueError("the report has no frames yet: its run ended, or is, before the first one")
    cells = list(gids) if gids is not None else report.nodes[:MOST_LINES].tolist()
    notes = []
    if len(set(cells)) < len(cells):
        raise ValueError(f"gids must be different, got {', '.join(map(str, cells))}")
    if gids is None and len(report.nodes) > MOST_LINES:
        notes.append(
            f"drawn are the first {MOST_LINES} of {len(report.nodes):,} cells: "
            "choose others by gids"
        )
    traces = {}
    for cell in cells:
        columns = report.segments_of(cell)
        for column, label in _chosen(report, cell, columns, elements):
            traces[label] = report.series(column)
    unit = TimeUnit.of(report.time[-1], report.time_unit)
    figure, (axes,) = new_lines()
    what = f"{report.variable} ({report.units})" if report.units else report.variable
    draw_traces(axes, report.time, traces, unit, what)
    axes.set_xlabel(unit.axis)
    return figure, notes


def _chosen(
    report: SegmentValues, cell: int, columns: slice, elements: Sequence[int] | None
) -> list[tuple[int, str]]:
    """(column, label) of each segment of a cell that is drawn."""
    if elements is None:
        columns = slice(columns.start, columns.start + 1)
    numbers, positions = report.places(columns)
    found = []
    for element in numbers[:1] if elements is None else elements:
        distance = np.where(numbers == element, np.abs(positions - 0.5), np.inf)
        nearest = int(np.argmin(distance))
        if not np.isfinite(distance[nearest]):
            known = ", ".join(str(one) for one in np.unique(numbers)[:MOST_LINES])
            raise ValueError(f"cell {cell} has no section {element} in the report; it has {known}")
        label = f"cell {cell}, section {element} ({positions[nearest]:g})"
        found.append((columns.start + nearest, label))
    return found


def draw_spikes(train: SpikeTimes, gids: Sequence[int] | None) -> tuple[Picture, list[str]]:
    """Draw a raster of spikes: a mark for each, by time and gid.

    Parameters
    ----------
    train
        The spikes, in an open file.
    gids : list of int, optional
        The cells; None for all.

    Returns
    -------
    tuple
        The figure, and what the user must be told.
    """
    if gids is not None and min(gids) < 0:
        raise ValueError(f"gids must not be negative, got {min(gids)}")
    times, nodes = _spikes_of(train, gids)
    if not len(times):
        raise ValueError("there are no spikes to draw")
    notes = []
    if gids is not None:
        silent = sorted(set(gids) - set(nodes.tolist()))
        if silent:
            notes.append(f"no spikes of {', '.join(map(str, silent))}")
    unit = TimeUnit.of(times[-1], train.time_unit)
    figure, (axes,) = new_lines()
    spread = int(nodes.max() - nodes.min()) + 1
    height = axes.bbox.height * 72 / figure.dpi
    axes.plot(
        times / unit.length,
        nodes.astype(float),
        linestyle="none",
        marker="|",
        color="black",
        markersize=float(np.clip(0.8 * height / spread, 2.0, TALLEST_MARK)),
        rasterized=len(times) > MOST_VECTORS,
    )
    axes.set(xlabel=unit.axis, ylabel="gid")
    axes.margins(y=0.5 / spread + 0.02)
    axes.yaxis.set_major_locator(matplotlib("ticker").MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, notes


def _spikes_of(train: SpikeTimes, gids: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Times and gids; a piece of the file at a time is in memory beside them."""
    times = [np.zeros(0)]
    nodes = [np.zeros(0, np.uint64)]
    wanted = None if gids is None else np.array(gids, dtype=np.uint64)
    for some_times, some_nodes in train.spikes():
        is_wanted = np.ones(len(some_nodes), bool)
        if wanted is not None:
            is_wanted = np.isin(some_nodes, wanted)
        times.append(some_times[is_wanted])
        nodes.append(some_nodes[is_wanted])
    return np.concatenate(times), np.concatenate(nodes)
