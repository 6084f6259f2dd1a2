"""The segments of a report: which cell each belongs to, and where NEURON keeps its variable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ecsmpi.neuron_api.gids import gid_of_cells, known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.neuron_api.structure import structure_counts
from ecsmpi.ranks.meeting import everywhere


class ReportSegments:
    """A range variable of this rank's segments, cell by cell. It keeps no section alive.

    Parameters
    ----------
    name : the variable, such as "v", "ki" or "m_hh"
    sections : the sections of this rank that are reported; None for all that have the variable
    passed_over : name of a section that belongs to no cell

    The constructor is collective.

    Attributes
    ----------
    node : (segments,) the gid of each segment's cell; without any gids, cells are numbered over the
        ranks
    element : (segments,) number of the section in its cell
    position : (segments,) where along the section, 0 to 1

    Raises
    ------
    ValueError, on every rank, where no rank has the variable, a chosen section lacks it, or a
    section belongs to no cell with a gid while there are gids.
    """

    def __init__(
        self, comm: Any, name: str, sections: Iterable[Any] | None = None, passed_over: str = ""
    ):
        self.name = name
        every = [sec for sec in n.allsec() if sec.name() != passed_over]
        found = everywhere(comm, self._chosen, every, sections)
        nseg = []
        position = []
        self._names = set()
        for sec in found:
            nseg.append(sec.nseg)
            position += [seg.x for seg in sec]
            self._names.add(sec.hoc_internal_name())
        self.node = np.repeat(_nodes(comm, found), nseg).astype(np.uint64)
        self.element = np.repeat(_elements(every, found), nseg).astype(np.uint32)
        self.position = np.array(position, dtype=np.float32)
        self._values = np.empty(self.node.size)
        if not comm.allreduce(self.node.size):
            raise ValueError(f"no segment has {name}: there is nothing to report")
        self.units = n.units(name)

    def _chosen(self, every: list, sections: Iterable[Any] | None) -> list:
        """The reported sections in NEURON's order."""
        if sections is None:
            return [sec for sec in every if hasattr(sec(0.5), self.name)]
        given = set(sections)
        for sec in given:
            if not hasattr(sec(0.5), self.name):
                raise ValueError(
                    f"{sec} has no {self.name} to report: insert its mechanism, or leave the "
                    "section out"
                )
        return [sec for sec in every if sec in given]

    def find(self) -> None:
        """Find NEURON's memory, whose structure is settled. Local.

        Raises RuntimeError where segments have come or gone.
        """
        sections = [sec for sec in n.allsec() if sec.hoc_internal_name() in self._names]
        self._variable = RangeVariable(self.name, sections)
        self._counts = structure_counts()
        self._rows = self._variable.rows.astype(np.intp)
        if self._rows.size != self._values.size:
            raise RuntimeError(
                f"sections or nseg have changed where {self.name} is reported: call "
                "n.finitialize() before the run goes on"
            )

    def read(self, into: np.ndarray) -> None:
        """Copy the present values into ``into``, (segments,). Local."""
        if structure_counts() != self._counts:
            self.find()
        # Other modes than "clip" would make a copy first.
        np.take(self._variable.column, self._rows, out=self._values, mode="clip")
        into[:] = self._values


def _elements(every: list, chosen: list) -> list[int]:
    """The number of each chosen section in its cell, or in its tree."""
    numbers = {}
    counts: dict[Any, int] = {}
    for sec in every:
        cell = sec.cell() or _root(sec)
        counts[cell] = counts.get(cell, -1) + 1
        numbers[sec] = counts[cell]
    return [numbers[sec] for sec in chosen]


def _nodes(comm: Any, sections: list) -> list[int]:
    """The gid of each section's cell; without any gids, the number of its tree. Collective."""
    if comm.allreduce(len(known_gids())):
        return everywhere(comm, _gids, sections)
    numbers: dict[Any, int] = {}
    found = []
    for sec in sections:
        found.append(numbers.setdefault(_root(sec), len(numbers)))
    before = sum(comm.allgather(len(numbers))[: comm.rank])
    return [before + number for number in found]


def _gids(sections: list) -> list[int]:
    gid_of = gid_of_cells()
    found = []
    for sec in sections:
        if sec.cell() not in gid_of:
            raise ValueError(
                f"{sec} belongs to no cell object with a gid: make it by n.Section(name, self) in "
                "a cell's class, or name the sections that are reported by sections=..."
            )
        found.append(gid_of[sec.cell()])
    return found


def _root(sec: Any) -> Any:
    return n.SectionRef(sec=sec).root
