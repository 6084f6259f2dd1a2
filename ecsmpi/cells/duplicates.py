"""Sections that are the same on several ranks: a serial script under mpirun makes each cell on
every rank.

The box then gets each current once from every rank. A section is known by a hash of its name, place
and shape, and of
the gids of its cell: cells of a distributed network with the same name and place have different
gids.

Each hash goes to one rank (hash modulo ranks), which sees those that came from several ranks. So
each travels once, on any number of ranks.
"""

from __future__ import annotations

import re
import warnings

import numpy as np

from ecsmpi.cells.segments import Segments
from ecsmpi.neuron_api.gids import context, known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.intracellular_species import were_any_defined
from ecsmpi.neuron_api.sections import model_sections

ADDRESS = re.compile(r" object at 0x[0-9a-f]+")  # in the names of cells that are Python objects
SILENT = {
    "capacitance",
    "morphology",
    "pas",
    "extracellular",
}  # mechanisms whose currents no ion carries
NAMED = 5  # sections that a warning names


class SameOnSeveralRanks(UserWarning):
    """Several ranks have sections with the same name and place, or the same gid."""


class Duplicates:
    """Looks for sections that are the same on several ranks, and warns of them."""

    def __init__(self):
        self._seen = None

    def warn(self, comm, segments: Segments, inside: list[np.ndarray]) -> None:
        """Warn on rank 0 where sections in a box, or gids, are the same on several ranks.
        Collective.

        segments: all of this rank. inside: for each box, numbers of those that lie in it.

        One small allreduce where neither segments nor gids have changed since the last call.
        """
        if comm.size == 1:
            return
        gids = known_gids()
        inside = np.unique(np.concatenate(inside))
        seen = comm.size, segments.fingerprint(), inside.tobytes(), gids
        changed, self._seen = seen != self._seen, seen
        if not comm.allreduce(int(changed)):
            return
        found = comm.gather(_duplicated(comm, segments, inside, gids))
        if comm.rank == 0 and any(count for count, _ in found):
            warnings.warn(_message(found), SameOnSeveralRanks, stacklevel=2)


def _duplicated(
    comm, segments: Segments, inside: np.ndarray, gids: list[int]
) -> tuple[int, list[str]]:
    """How many sections and gids of this rank are on others too, and the first of them in words.
    Collective.
    """
    sections = list(model_sections())
    names = _names(sections, gids)
    hashes = segments.section_hashes(names)
    in_box = np.flatnonzero(segments.sections_of(inside))
    several = _on_several(comm, hashes[in_box])
    acting = [sections[i] for i in in_box[several].tolist() if _acts(sections[i])]
    shared_gids = np.array(gids, dtype=np.uint64)[
        _on_several(comm, np.array(gids, dtype=np.uint64))
    ]
    words = [ADDRESS.sub("", section.name()) for section in acting[:NAMED]]
    words += [f"gid {gid}" for gid in shared_gids[: NAMED - len(words)].tolist()]
    return len(acting) + shared_gids.size, words


def _names(sections: list, gids: list[int]) -> list[str]:
    """What tells each section of this rank from others in the same place: its name, and the gids of
    its cell.
    """
    of_cell = {}
    for gid in gids:
        of_cell.setdefault(_key(context().gid2cell(gid)), []).append(gid)
    return [
        f"{ADDRESS.sub('', section.name())} {of_cell.get(_key(section.cell()), '')}"
        for section in sections
    ]


def _key(cell):
    """Tells cells apart, None where sections have none. Objects of hoc have a new Python object at
    each look.
    """
    if cell is None:
        return None
    return str(cell) if isinstance(cell, type(n)) else id(cell)


def _acts(section) -> bool:
    """Whether a section may bring something to the box; one that only holds a clamp or a place does
    not.
    """
    if were_any_defined():
        return True  # reactions inside cells, which may go through the membrane
    for segment in section:
        names = {mechanism.name() for mechanism in segment}
        if any(name not in SILENT and not name.endswith("_ion") for name in names):
            return True
        if segment.point_processes():
            return True
    return False


def _on_several(comm, hashes: np.ndarray) -> np.ndarray:
    """(hashes,) whether another rank has the same one. Collective."""
    keeper = (hashes % np.uint64(comm.size)).astype(int)
    order = np.argsort(keeper, kind="stable")
    sends = np.bincount(keeper, minlength=comm.size)
    receives = np.empty_like(sends)
    comm.Alltoall(sends, receives)
    came = np.empty(int(receives.sum()), dtype=np.uint64)
    comm.Alltoallv([hashes[order], sends], [came, receives])
    answers = _from_several(came, np.repeat(np.arange(comm.size), receives))
    back = np.empty(hashes.size, dtype=np.uint8)
    comm.Alltoallv([answers, receives], [back, sends])
    several = np.empty(hashes.size, dtype=bool)
    several[order] = back
    return several


def _from_several(hashes: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """(hashes,) 1 where the same one has come from two different ranks, else 0."""
    _, which = np.unique(hashes, return_inverse=True)
    low = np.full(which.max(initial=-1) + 1, np.iinfo(int).max)
    high = np.full(low.size, -1)
    np.minimum.at(low, which, ranks)
    np.maximum.at(high, which, ranks)
    return (low < high)[which].astype(np.uint8)


def _message(found: list[tuple[int, list[str]]]) -> str:
    ranks = [rank for rank, (count, _) in enumerate(found) if count]
    most = max(count for count, _ in found)
    names = list(dict.fromkeys(name for _, some in found for name in some))
    more = ", ..." if most > NAMED else ""
    return (
        f"{len(ranks)} ranks have made the same cells: {', '.join(names[:NAMED])}{more} "
        f"({most} on rank {ranks[0]}). THE BOX GETS THEIR CURRENTS ONCE FROM EACH RANK, {len(ranks)} times in all. "
        "Make cell number i on one rank alone:\n\n"
        "    pc = n.ParallelContext()\n"
        "    if i % int(pc.nhost()) == int(pc.id()):  # around what makes the cell; for one cell i is 0\n\n"
        "Cells that are meant to be different need other positions, names or gids (pc.set_gid2node)."
    )
