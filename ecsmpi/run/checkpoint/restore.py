"""What of a simulation a checkpoint holds, and how a simulation becomes what the checkpoint holds.

    what the manifest says             `files.facts.Facts`
    the model, to be compared          `course.RunLoop.described`
    arrays of the boxes by planes      `RegionSolver.state`: read again by whoever owns the planes now
    NEURON's cells                     rank by rank where each rank has the same cells again, else cell by cell
    places of observers                their own `state`, given back to `resumed`

Nothing that is read is executed, and NEURON gets only what `cell_state.check_rank` and
`gid_state.Restoring.check` have passed.
"""

from __future__ import annotations

import json
import warnings

import numpy as np

from ecsmpi.cells import inventory
from ecsmpi.cells.recorder import RECORDER
from ecsmpi.cells.saved_state import Malformed
from ecsmpi.cells.state_check import ForeignStatement
from ecsmpi.files.checked import read_json
from ecsmpi.files.checkpoint import BOX, CheckpointSet
from ecsmpi.files.checkpoint_part import Damaged, PartWriter
from ecsmpi.files.facts import Facts
from ecsmpi.neuron_api import cell_state, gid_state
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.ranks.meeting import everywhere

MOST_SHOWN = 5  # differences between models


class Differs(ValueError):
    """A checkpoint is of another model than the script's."""


# into a checkpoint


def facts_of(simulation, vectors: dict) -> Facts:
    """What the manifest says, the same on every rank, but for the statements that wait. vectors:
    {name: NEURON's vector} that are kept. Collective.
    """
    comm, course = simulation.comm, simulation.course
    why = next((text for text in comm.allgather(gid_state.without_gid(RECORDER)) if text), None)
    known = inventory.known_gids()
    return Facts(
        model=course.model | {"box": course.boxes()},
        t=n.t,
        dt=n.dt,
        step=course.steps,
        planes=[comm.allgather(simulation.space(region).planes) for region in simulation.regions],
        cells=comm.allgather(inventory.fingerprint(RECORDER)),
        gids=comm.allgather([] if why else known),
        without_gids=why,
        connected=any(comm.allgather(bool(known))),
        vectors=comm.allgather(sorted(vectors)),
        observers=[place for one in simulation.observers if (place := _place(one))],
        statements=[],
    )


def _place(observer) -> list | None:
    return observer.state() if hasattr(observer, "state") else None


def cells(facts: Facts, vectors: dict) -> dict[str, bytes]:
    """NEURON's share of this rank, by name. facts: of `facts_of`. Collective, between steps."""
    found = {
        "cells": cell_state.of_rank(),
        "random": json.dumps(cell_state.random_places()).encode(),
    }
    found |= {
        f"vector {name}": np.array(vector, dtype=float).tobytes()
        for name, vector in vectors.items()
    }
    if facts.without_gids is None:
        found |= {f"gid {gid}": data for gid, data in gid_state.of_gids().items()}
    return found


def holding(comm, saved: dict[str, bytes]) -> list[int]:
    """The ranks in whose queue statements of hoc wait, which cannot go to other ranks. saved: of
    `cells`. Collective.
    """
    return [
        rank
        for rank, holds in enumerate(comm.allgather(cell_state.has_statements(saved["cells"])))
        if holds
    ]


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

    Raises Differs where the model is another, ValueError where NEURON's cells cannot be placed on
    these ranks, where statements of hoc wait in it that the script has not posted, and Damaged
    where it is not what a run writes.
    """
    facts = found.facts
    _compare(facts.model, simulation.course.model)
    _require_planes(simulation, found)
    with simulation.course.saved_fields.left_out():
        _place_cells(simulation.comm, found)
    with simulation.reading.changing("a restart"):
        everywhere(simulation.comm, _read_boxes, simulation, found)
    _read_vectors(simulation.comm, found, vectors)
    n.dt = facts.dt
    simulation.course.steps = facts.step
    simulation.deliver()
    simulation.touch()


def _require_planes(simulation, found: CheckpointSet) -> None:
    """Each plane of each box is in the checkpoint, or voxels would keep their initial values."""
    counts = [max(hi for _, hi in planes) for planes in found.facts.planes]
    expected = [region.box.shape[0] for region in simulation.regions]
    if counts != expected:
        raise Damaged(f"{found.path} has {counts} planes of the boxes, which have {expected}")


def _compare(then: dict, now: dict) -> None:
    """Raise Differs, which shows the differences."""
    lines = [
        _plain(line)
        for name in {**then, **now}
        for line in _differences(name, then.get(name), now.get(name))
    ]
    if lines:
        more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
        shown = "\n  ".join(lines[:MOST_SHOWN] + more)
        raise Differs(f"the checkpoint is of another model than the script makes:\n  {shown}")


def _plain(text: str) -> str:
    """Without characters that a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


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
        for rank, (first, end) in enumerate(found.facts.planes[number]):
            if max(lo, first) < min(hi, end):
                with found.part(rank) as part:
                    for name, array in space.state().items():
                        part.read_planes(f"{BOX}{number} {name}", array, lo)
        space.refilled()


def _place_cells(comm, found: CheckpointSet) -> None:
    """Give each rank's cells their state, in whichever way these ranks allow."""
    facts, now = found.facts, tuple(comm.allgather(inventory.fingerprint(RECORDER)))
    then = facts.cells
    if now == then:
        return _read_rank(comm, found, comm.rank)
    if facts.without_gids is None and any(facts.gids):
        _require_no_statements(found)
        return _read_gids(comm, found)
    if facts.connected or sorted(filter(None, then)) != sorted(filter(None, now)):
        if len(now) == len(then):
            odd = next(rank for rank, pair in enumerate(zip(then, now)) if pair[0] != pair[1])
            raise Differs(
                f"{found.path} has other cells than there are on rank {odd}: sections, their mechanisms, point "
                "processes and NetCons must be made again as they were, on the same ranks"
            )
        why = _plain(facts.without_gids) if facts.without_gids else "they are not the same cells"
        raise ValueError(
            f"{found.path} was written by {found.ranks} ranks, and here are {comm.size}, with other cells on them: NEURON's "
            f"cells can move only where all have gids ({why}); restart on {found.ranks} ranks with the same cells on each"
        )
    _place_together(comm, found, now[comm.rank])


def _require_no_statements(found: CheckpointSet) -> None:
    if ranks := found.facts.statements:
        raise ValueError(
            f"{found.path} has statements of hoc that wait for their time (cvode.event) on rank {ranks[0]}, and they cannot go "
            f"to other ranks with the cells: restart on {found.ranks} ranks with the same cells on each, or use a NetStim and a NetCon"
        )


def _place_together(comm, found: CheckpointSet, cells: str) -> None:
    """Ranks whose cells some rank had take its state. One without cells takes that of another such:
    it tells when NEURON exchanges spikes, which all ranks must do at the same times.
    """
    like = [rank for rank, then in enumerate(found.facts.cells) if then == cells]
    if not all(comm.allgather(bool(like))):
        raise ValueError(
            f"{found.path} was written by {found.ranks} ranks that all had cells, and here are {comm.size}, some without: "
            f"that needs gids for all cells; restart on {found.ranks} ranks"
        )
    _read_rank(comm, found, like[0])


def _read_rank(comm, found: CheckpointSet, rank: int) -> None:
    """Give this rank's cells the state that a rank had. Every rank has looked at its own before any
    of them changes.
    """
    state, places = everywhere(comm, _checked_rank, found, rank)
    everywhere(comm, cell_state.set_rank, state)
    cell_state.set_random_places(places)


def _checked_rank(found: CheckpointSet, rank: int) -> tuple[bytes, list]:
    """NEURON's share of a rank, which fits the script's cells. Damaged or ForeignStatement where it
    does not.
    """
    with found.part(rank) as part:
        state = part.read_bytes("cells")
        try:
            cell_state.check_rank(state, found.facts.t, found.facts.dt)
            places = cell_state.check_random_places(
                read_json(part.read_bytes("random"), "what it says of random streams")
            )
        except Damaged:
            raise
        except ForeignStatement as error:
            raise ForeignStatement(f"{part.path}: {error}") from None
        except ValueError as error:
            raise Damaged(f"{part.path}: it is no state of the script's cells: {error}") from error
    return state, places


def _read_gids(comm, found: CheckpointSet) -> None:
    cells = everywhere(comm, _own_gids, found)
    restoring = gid_state.Restoring(found.facts.t)
    restoring.begin()
    try:
        everywhere(comm, _check_gids, restoring, cells, found)
    except BaseException:
        restoring.give_up()
        raise
    restoring.set(cells)


def _check_gids(restoring, cells: dict, found: CheckpointSet) -> None:
    try:
        restoring.check(cells, found.facts.t - found.facts.dt)
    except Malformed as error:
        raise Damaged(f"{found.path}: {error}") from error


def _own_gids(found: CheckpointSet) -> dict[int, bytes]:
    """The states of the cells that this rank has."""
    where = {gid: rank for rank, gids in enumerate(found.facts.gids) for gid in gids}
    if why := gid_state.without_gid(RECORDER):
        raise ValueError(
            f"NEURON's cells have moved to other ranks, which needs gids for all: {why}"
        )
    wanted, cells = inventory.known_gids(), {}
    if strange := [gid for gid in wanted if gid not in where]:
        raise Differs(f"the checkpoint has no cell with gid {strange[0]}")
    for rank in sorted({where[gid] for gid in wanted}):
        with found.part(rank) as part:
            cells |= {gid: part.read_bytes(f"gid {gid}") for gid in wanted if where[gid] == rank}
    return cells


def _read_vectors(comm, found: CheckpointSet, vectors: dict) -> None:
    """What vectors had recorded: each rank's own again, where the same ranks have the name. Else
    the first rank that has it gets all there was; or all of them what several ranks had alike, such
    as a node's trace.
    """
    now = tuple(map(tuple, comm.allgather(sorted(vectors))))
    if comm.rank == 0:
        _warn_of_other_vectors(found, {name for of_rank in now for name in of_rank})
    values = everywhere(comm, _values_of_vectors, found, sorted(vectors), now, comm.rank)
    for name, recorded in values.items():
        vectors[name].from_python(recorded)


def _warn_of_other_vectors(found: CheckpointSet, now: set[str]) -> None:
    """What was recorded under a name that only one of both has, would be lost in silence."""
    then = {name for of_rank in found.facts.vectors for name in of_rank}
    if then == now:
        return
    lines = []
    if left := sorted(then - now):
        lines.append(
            f"it has vectors that the script does not give, and what they had recorded is left out: {_names(left)}"
        )
    if new := sorted(now - then):
        lines.append(
            f"it has no vectors of these names, which begin at t = {found.facts.t:g} ms: {_names(new)}"
        )
    warnings.warn(
        f"{found.path}: {'; '.join(lines)}; for all that was recorded, give rxd.Checkpoint(..., vectors={{name: vector}}) the same names in both runs",
        stacklevel=2,
    )


def _names(names: list[str]) -> str:
    shown = [_plain(repr(name)) for name in names[:MOST_SHOWN]]
    if len(names) > MOST_SHOWN:
        shown.append(f"and {len(names) - MOST_SHOWN} more")
    return ", ".join(shown)


def _values_of_vectors(
    found: CheckpointSet, names: list[str], now: tuple, own: int
) -> dict[str, np.ndarray]:
    """What this rank's vectors shall hold. now: names of all ranks."""
    return {
        name: np.concatenate([np.zeros(0), *_parts_of_vector(found, name, now, own)])
        for name in names
    }


def _parts_of_vector(found: CheckpointSet, name: str, now: tuple, own: int) -> list[np.ndarray]:
    had = [name in of_rank for of_rank in found.facts.vectors]
    has = [name in of_rank for of_rank in now]
    if has == had:
        return [_read_vector(found, own, name)]
    parts = [_read_vector(found, rank, name) for rank in np.flatnonzero(had)]
    alike = all(np.array_equal(part, parts[0]) for part in parts)
    if len(parts) > 1 and alike:
        return parts[:1]
    return parts if has.index(True) == own else []


def _read_vector(found: CheckpointSet, rank: int, name: str) -> np.ndarray:
    with found.part(rank) as part:
        return part.read_numbers(f"vector {name}")
