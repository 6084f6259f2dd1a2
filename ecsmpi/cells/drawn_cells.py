"""The morphologies of all ranks' cells, as files of frames have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecsmpi.cells.segments import read_paths, without_address
from ecsmpi.files.cells_group import Cells
from ecsmpi.neuron_api.gids import gid_of_cells
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import model_sections

NO_GID = -1


def gather_cells(comm: Any) -> Cells | None:
    """Bring the 3-D points of all sections to rank 0; None on other ranks. Collective.

    Sections of cells with gids come first, in the order of the gids, so that the result does not
    depend on the number of ranks. Then come the others, rank by rank. Sections without 3-D points
    get them (``n.define_shape()``).
    """
    gathered = comm.gather(_own_cells())
    if comm.rank != 0:
        return None
    return _in_order(gathered)


def _own_cells() -> Cells:
    """The sections of this rank in NEURON's order."""
    n.define_shape()
    names, paths = read_paths()
    gids = gid_of_cells()
    return Cells(
        paths.xyz,
        paths.diam,
        paths.first,
        np.array([gids.get(sec.cell(), NO_GID) for sec in model_sections()], dtype=np.int64),
        tuple(without_address(name) for name in names),
    )


def _in_order(gathered: list[Cells]) -> Cells:
    """All ranks' sections, those with gids first."""
    counts = np.concatenate([np.diff(cells.offsets) for cells in gathered])
    first = np.cumsum(counts) - counts
    gids = np.concatenate([cells.gids for cells in gathered])
    names = [name for cells in gathered for name in cells.names]
    order = np.lexsort((gids, gids == NO_GID))
    counts = counts[order]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    # Point i of the result is point i - offsets[section] of its section.
    rows = np.arange(offsets[-1]) + np.repeat(first[order] - offsets[:-1], counts)
    return Cells(
        np.concatenate([cells.points for cells in gathered])[rows],
        np.concatenate([cells.diameters for cells in gathered])[rows],
        offsets,
        gids[order],
        tuple(names[section] for section in order),
    )
