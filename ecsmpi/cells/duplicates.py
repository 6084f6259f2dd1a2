"""Warn of sections that are the same on several ranks.

A serial script under mpirun makes each cell on every rank. The box then gets each current once from
every rank. A section is known by a hash of its name, place and shape, and of the gids of its cell:
cells of a distributed network with the same name and place have different gids.

Each hash goes to one rank (hash modulo ranks), which sees those that came from several ranks. So
each hash travels once, on any number of ranks.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np

from ecsmpi.cells.segments import Segments, without_address
from ecsmpi.neuron_api.gids import context, known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.intracellular_species import were_any_defined
from ecsmpi.neuron_api.sections import model_sections

# mechanisms whose currents no ion carries
SILENT = {"capacitance", "morphology", "pas", "extracellular"}
NAMED = 5  # sections that a warning names


class SameOnSeveralRanks(UserWarning):
    """Several ranks have sections with the same name and place, or the same gid."""


class Duplicates:
    """Looks for sections that are the same on several ranks, and warns of them."""

    def __init__(self) -> None:
        self._seen: tuple | None = None

    def warn(self, comm: Any, segments: Segments, inside: list[np.ndarray]) -> None:
        """Warn on rank 0 where sections in a box, or gids, are the same on several ranks.

        Collective: one small allreduce where neither segments nor gids have changed since the last
        call.

        Parameters
        ----------
        segments : all of this rank
        inside : for each box, the numbers of the segments that lie in it
        """
        if comm.size == 1:
            return
        gids = known_gids()
        in_boxes = np.unique(np.concatenate(inside))
        seen = comm.size, segments.fingerprint(), in_boxes.tobytes(), gids
        changed = seen != self._seen
        self._seen = seen
        if not comm.allreduce(int(changed)):
            return
        found = comm.gather(_duplicated(comm, segments, in_boxes, gids))
        if comm.rank == 0 and any(count for count, _ in found):
            warnings.warn(_message(found), SameOnSeveralRanks, stacklevel=2)


def _duplicated(
    comm: Any, segments: Segments, in_boxes: np.ndarray, gids: list[int]
) -> tuple[int, list[str]]:
    """(number, names of the first) of sections and gids that other ranks have, too. Collective."""
    sections = list(model_sections())
    hashes = segments.section_hashes(_names(sections, gids))
    in_box = np.flatnonzero(segments.sections_of(in_boxes))
    several = _on_several(comm, hashes[in_box])
    acting = [sections[i] for i in in_box[several].tolist() if _acts(sections[i])]
    own_gids = np.array(gids, dtype=np.uint64)
    shared_gids = own_gids[_on_several(comm, own_gids)]
    words = [without_address(section.name()) for section in acting[:NAMED]]
    words += [f"gid {gid}" for gid in shared_gids[: NAMED - len(words)].tolist()]
    return len(acting) + shared_gids.size, words


def _names(sections: list, gids: list[int]) -> list[str]:
    """The name of each section, with the gids of its cell.

    They tell a section of this rank from others in the same place.
    """
    gids_of_cell: dict[Hashable, list[int]] = {}
    for gid in gids:
        gids_of_cell.setdefault(_key(context().gid2cell(gid)), []).append(gid)
    names = []
    for section in sections:
        own_gids = gids_of_cell.get(_key(section.cell()), "")
        names.append(f"{without_address(section.name())} {own_gids}")
    return names


def _key(cell: Any) -> Hashable:
    """A key that tells cells apart; None where a section has no cell.

    An object of hoc is a new Python object at each look, so its name is the key.
    """
    if cell is None:
        return None
    return str(cell) if isinstance(cell, type(n)) else id(cell)


def _acts(section: Any) -> bool:
    """Whether a section may bring something to the box.

    A section that only holds a clamp or a place does not.
    """
    if were_any_defined():
        return True  # reactions inside cells, which may go through the membrane
    for segment in section:
        for mechanism in segment:
            name = mechanism.name()
            if name not in SILENT and not name.endswith("_ion"):
                return True
        if segment.point_processes():
            return True
    return False


def _on_several(comm: Any, hashes: np.ndarray) -> np.ndarray:
    """(hashes,) whether another rank has the same one. Collective."""
    keeper = (hashes % np.uint64(comm.size)).astype(int)
    order = np.argsort(keeper, kind="stable")
    sends = np.bincount(keeper, minlength=comm.size)
    receives = np.empty_like(sends)
    comm.Alltoall(sends, receives)
    received = np.empty(int(receives.sum()), dtype=np.uint64)
    comm.Alltoallv([hashes[order], sends], [received, receives])
    answers = _from_several(received, np.repeat(np.arange(comm.size), receives))
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
    ranks = []
    most = 0
    names: dict[str, None] = {}
    for rank, (count, some) in enumerate(found):
        if count:
            ranks.append(rank)
        most = max(most, count)
        names |= dict.fromkeys(some)
    listed = ", ".join(list(names)[:NAMED])
    more = ", ..." if most > NAMED else ""
    return (
        f"{len(ranks)} ranks have made the same cells: {listed}{more} "
        f"({most} on rank {ranks[0]}). THE BOX GETS THEIR CURRENTS ONCE FROM EACH RANK, "
        f"{len(ranks)} times in all. Make cell number i on one rank alone:\n\n"
        "    pc = n.ParallelContext()\n"
        "    if i % int(pc.nhost()) == int(pc.id()):"
        "  # around what makes the cell; for one cell i is 0\n\n"
        "Cells that are meant to be different need other positions, names or gids "
        "(pc.set_gid2node)."
    )
