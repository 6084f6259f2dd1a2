"""What of a simulation a checkpoint holds, and how a simulation becomes what the checkpoint holds.

    the model, to be compared          `course.Course.described`
    arrays of the boxes by planes      `Space.state`: read again by whoever owns the planes now
    NEURON's cells                     rank by rank where each rank has the same cells again, else cell by cell
    places of observers                their own `state`, given back to `resumed`
"""

from __future__ import annotations

import json

import numpy as np

from ecsmpi.cells import cell_state, gid_state, inventory
from ecsmpi.files.checkpoint import BOX, CheckpointSet
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.files.part import PartWriter

from neuron import n  # isort: skip

RECORDER = "ecsmpi_recorder"  # a section that lets a rank without cells record
MOST_SHOWN = 5  # differences between models


class Differs(ValueError):
    """A checkpoint is of another model than the script's."""


# into a checkpoint


def about(simulation, vectors: dict) -> dict:
    """What the manifest says, the same on every rank. vectors: {name: NEURON's vector} that are kept. Collective."""
    comm = simulation.comm
    why = next((text for text in comm.allgather(gid_state.without_gid(RECORDER)) if text), None)
    gids = comm.allgather([] if why else inventory.known_gids())
    return {
        "model": simulation.course.model | {"box": simulation.course.boxes()}, "t": n.t, "dt": n.dt, "step": simulation.course.steps,
        "planes": [comm.allgather(simulation.space(region).planes) for region in simulation.regions],
        "cells": comm.allgather(inventory.fingerprint(RECORDER)), "gids": gids, "without_gids": why,
        "connected": any(comm.allgather(bool(inventory.known_gids()))),
        "vectors": comm.allgather(sorted(vectors)),
        "observers": [place for one in simulation.observers if (place := _place(one))],
    }  # fmt: skip


def _place(observer) -> list | None:
    return observer.state() if hasattr(observer, "state") else None


def cells(facts: dict, vectors: dict) -> dict[str, bytes]:
    """NEURON's share of this rank, by name. facts: of `about`. Collective, between steps."""
    found = {"cells": cell_state.of_rank(), "random": json.dumps(cell_state.random_places()).encode()}
    found |= {f"vector {name}": np.array(vector, dtype=float).tobytes() for name, vector in vectors.items()}
    if facts["without_gids"] is None:
        found |= {f"gid {gid}": data for gid, data in gid_state.of_gids().items()}
    return found


def holding(comm, saved: dict[str, bytes]) -> list[int]:
    """The ranks in whose queue statements of hoc wait, which cannot go to other ranks. saved: of `cells`. Collective."""
    return [rank for rank, holds in enumerate(comm.allgather(cell_state.has_statements(saved["cells"]))) if holds]


def fill(simulation, saved: dict[str, bytes], part: PartWriter) -> None:
    """Add this rank's share. saved: of `cells`. Local: the disk of one rank may fail."""
    for number, region in enumerate(simulation.regions):
        space = simulation.space(region)
        for name, array in space.state().items():
            part.add_planes(f"{BOX}{number} {name}", array, space.planes[0])
    for name, data in saved.items():
        part.add_bytes(name, data)


# out of a checkpoint


def restore(simulation, found: CheckpointSet, vectors: dict) -> None:
    """Become what a checkpoint holds, at the end of finitialize. Collective.

    Raises Differs where the model is another, ValueError where NEURON's cells cannot be placed on these ranks.
    """
    facts = found.about
    _compare(facts["model"], simulation.course.model)
    _place_cells(simulation.comm, found)
    with simulation.reading.changing("a restart"):
        everywhere(simulation.comm, _read_boxes, simulation, found)
    _read_vectors(simulation.comm, found, vectors)
    n.dt = facts["dt"]
    simulation.course.steps = facts["step"]
    simulation.deliver()
    simulation.touch()


def _compare(then: dict, now: dict) -> None:
    """Raise Differs, which shows the differences."""
    lines = [line for name in {**then, **now} for line in _differences(name, then.get(name), now.get(name))]
    if lines:
        more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
        shown = "\n  ".join(lines[:MOST_SHOWN] + more)
        raise Differs(f"the checkpoint is of another model than the script makes:\n  {shown}")


def _differences(name: str, then, now):
    if isinstance(then, list) and isinstance(now, list):
        for i in range(max(len(then), len(now))):
            pair = [of[i] if i < len(of) else None for of in (then, now)]
            yield from _differences(f"{name} {i}", *pair)
    elif then != now:
        yield f"{name}: {then if then is not None else 'none'} in the checkpoint, {now if now is not None else 'none'} now"


def _read_boxes(simulation, found: CheckpointSet) -> None:
    for number, region in enumerate(simulation.regions):
        space = simulation.space(region)
        lo, hi = space.planes
        for rank, (first, end) in enumerate(found.about["planes"][number]):
            if max(lo, first) < min(hi, end):
                _read_planes(found.part(rank), f"{BOX}{number}", space.state(), lo)
        space.refilled()


def _read_planes(part, box: str, arrays: dict, lo: int) -> None:
    for name, array in arrays.items():
        part.read_planes(f"{box} {name}", array, lo)
    part.close()


def _place_cells(comm, found: CheckpointSet) -> None:
    """Give each rank's cells their state, in whichever way these ranks allow."""
    facts, now = found.about, comm.allgather(inventory.fingerprint(RECORDER))
    then = facts["cells"]
    if now == then:
        return everywhere(comm, _read_rank, found, comm.rank)
    if facts["without_gids"] is None and any(facts["gids"]):
        _require_no_statements(found)
        return _read_gids(comm, found)
    if facts["connected"] or sorted(filter(None, then)) != sorted(filter(None, now)):
        if len(now) == len(then):
            odd = next(rank for rank, pair in enumerate(zip(then, now)) if pair[0] != pair[1])
            raise Differs(f"{found.path} has other cells than there are on rank {odd}: sections, their mechanisms, point "
                          "processes and NetCons must be made again as they were, on the same ranks")
        why = facts["without_gids"] or "they are not the same cells"
        raise ValueError(
            f"{found.path} was written by {found.ranks} ranks, and here are {comm.size}, with other cells on them: NEURON's "
            f"cells can move only where all have gids ({why}); restart on {found.ranks} ranks with the same cells on each"
        )
    _place_together(comm, found, now[comm.rank])


def _require_no_statements(found: CheckpointSet) -> None:
    if ranks := found.about["statements"]:
        raise ValueError(
            f"{found.path} has statements of hoc that wait for their time (cvode.event) on rank {ranks[0]}, and they cannot go "
            f"to other ranks with the cells: restart on {found.ranks} ranks with the same cells on each, or use a NetStim and a NetCon"
        )


def _place_together(comm, found: CheckpointSet, cells: str) -> None:
    """Ranks whose cells some rank had take its state. One without cells takes that of another such: it tells when NEURON
    exchanges spikes, which all ranks must do at the same times.
    """
    like = [rank for rank, then in enumerate(found.about["cells"]) if then == cells]
    if not all(comm.allgather(bool(like))):
        raise ValueError(
            f"{found.path} was written by {found.ranks} ranks that all had cells, and here are {comm.size}, some without: "
            f"that needs gids for all cells; restart on {found.ranks} ranks"
        )
    _read_rank(found, like[0])


def _read_rank(found: CheckpointSet, rank: int) -> None:
    part = found.part(rank)
    cell_state.set_rank(part.read_bytes("cells"))
    cell_state.set_random_places(json.loads(part.read_bytes("random")))
    part.close()


def _read_gids(comm, found: CheckpointSet) -> None:
    cells = everywhere(comm, _own_gids, found)
    gid_state.set_gids(cells, found.about["t"])


def _own_gids(found: CheckpointSet) -> dict[int, bytes]:
    """The states of the cells that this rank has."""
    where = {gid: rank for rank, gids in enumerate(found.about["gids"]) for gid in gids}
    if why := gid_state.without_gid(RECORDER):
        raise ValueError(f"NEURON's cells have moved to other ranks, which needs gids for all: {why}")
    wanted, cells = inventory.known_gids(), {}
    if strange := [gid for gid in wanted if gid not in where]:
        raise Differs(f"the checkpoint has no cell with gid {strange[0]}")
    for rank in sorted({where[gid] for gid in wanted}):
        part = found.part(rank)
        cells |= {gid: part.read_bytes(f"gid {gid}") for gid in wanted if where[gid] == rank}
        part.close()
    return cells


def _read_vectors(comm, found: CheckpointSet, vectors: dict) -> None:
    """What vectors had recorded: each rank's own again. On other ranks the first that has a name gets all there was, or,
    where all ranks had the same, such as a node's trace, that.
    """
    then, now = found.about["vectors"], comm.allgather(sorted(vectors))
    for name, vector in vectors.items():
        if now == then:
            parts = [_read_vector(found, comm.rank, name)]
        else:
            parts = [_read_vector(found, rank, name) for rank, names in enumerate(then) if name in names]
            if next(rank for rank, names in enumerate(now) if name in names) != comm.rank:
                parts = []
            elif all(np.array_equal(part, parts[0]) for part in parts):
                parts = parts[:1]
        vector.from_python(np.concatenate([np.zeros(0), *parts]))


def _read_vector(found: CheckpointSet, rank: int, name: str) -> np.ndarray:
    part = found.part(rank)
    values = np.frombuffer(part.read_bytes(f"vector {name}"))
    part.close()
    return values
