"""Observers of cells as scripts make them: variables of segments and spikes, as SONATA files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from ecsmpi.run.observers import segments, spikes
from ecsmpi.rxd.attached import AttachedObserver
from ecsmpi.rxd.observers import VERSIONS


class SegmentReport(AttachedObserver, segments.SegmentReport):
    """Writes variables of segments to SONATA reports.

    Cells are nodes with their gids, and their sections are elements; without any gids cells are
    numbered from 0. Values are those at the end of NEURON's step. The first frame is that of
    n.finitialize; in a report that is made while a run goes on, that of the next due time. Make a
    SegmentReport on every rank.

    Frames are buffered; `flush` brings them to the file (collective). ``close()``, or the end of
    ``with rxd.SegmentReport(...):``, ends it (collective); see `Output` for when a script drops
    it.

    Parameters
    ----------
    path
        The file of one variable; several go to FILE.v.h5, FILE.ki.h5 and so on.
    variables
        Names of range variables, such as "v" (mV), "ki" and "ko" (mM) or "m_hh". Files have
        NEURON's units of them.
    every
        Time between frames (ms), a whole number of the grid's steps.
    sections
        Sections of this rank; None: all that have the variable.
    population
        Name of the population in the files.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If a file cannot be written, on every rank.

    Examples
    --------
    >>> with rxd.SegmentReport("report.h5", ["v", "ko"], every=0.025):
    ...     n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        variables: str | Sequence[str] = ("v",),
        every: float = 1.0,
        sections: Iterable[Any] | None = None,
        population: str = "All",
        attach: bool = True,
    ):
        super().__init__(path, variables, every, sections, population, VERSIONS)
        self._attach(attach)


class Spikes(AttachedObserver, spikes.Spikes):
    """Writes the spikes of all cells with gids to a SONATA file, in the order of time.

    Make it on every rank, before or while a run goes on. `flush` brings all spikes until now to the
    file (collective). ``close()``, or the end of ``with rxd.Spikes(...):``, ends it (collective);
    see `Output` for when a script drops it. One that records all gids takes the place of an older
    one that does.

    Parameters
    ----------
    path
        The file.
    recorded
        Times (ms) and gids: vectors of this rank that the script's own ``pc.spike_record`` fills,
        as NEURON records the spikes of a gid in one place only. None: record all gids of this rank.
    every
        Time between writes (ms).
    population
        Name of the population in the file.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If the file cannot be written, on every rank.

    Examples
    --------
    >>> with rxd.Spikes("spikes.h5", every=10):
    ...     n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        recorded: tuple[Any, Any] | None = None,
        every: float = 100.0,
        population: str = "All",
        attach: bool = True,
    ):
        super().__init__(path, recorded, every, population, VERSIONS)
        self._attach(attach)
