"""How a run becomes what a checkpoint holds.

Nothing that is read is executed, and NEURON gets only what `rank_state.check_rank` and
`gid_states.Restoring.check` have passed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ecsmpi.description.differences import changed
from ecsmpi.files.checkpoint_part import Damaged
from ecsmpi.files.saved_checkpoint import BOX, SavedCheckpoint
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.run.checkpoint.cell_restore import Differs, place_cells, plain
from ecsmpi.run.checkpoint.run_state import RunState
from ecsmpi.run.region_solver import RegionSolver

MOST_SHOWN = 5  # differences between models


def restore(run: RunState, found: SavedCheckpoint, changing: AbstractContextManager) -> None:
    """Set concentrations, cells, vectors and n.dt to those of a checkpoint. Collective.

    It comes at the end of finitialize. ``n.t`` comes with NEURON's cells. `RunSupervisor` sets the
    number of steps after that, and then lets the observers go on.

    Parameters
    ----------
    run : RunState
        The run, as the script has described it.
    found : SavedCheckpoint
        The checkpoint.
    changing : context manager
        In which all ranks change concentrations.

    Raises
    ------
    Differs
        Where the model is another.
    ValueError
        Where NEURON's cells cannot be placed on these ranks, or statements of hoc wait in the
        checkpoint that the script has not posted.
    Damaged
        Where the checkpoint is not what a run writes.
    """
    _compare(found.manifest.model, run.model)
    _require_planes(run.solvers, found)
    with run.fields_left_out():
        place_cells(run.comm, found)
    with changing:
        everywhere(run.comm, _read_regions, run.solvers, found)
    _read_vectors(run.comm, found, run.vectors)
    n.dt = found.manifest.dt


# the model


def _compare(then: dict, now: dict) -> None:
    """Raise Differs, which shows the differences of two models."""
    lines: list[str] = []
    for name in {**then, **now}:
        lines += map(plain, _differences(name, then.get(name), now.get(name)))
    if not lines:
        return
    shown = lines[:MOST_SHOWN]
    if len(lines) > MOST_SHOWN:
        shown.append(f"and {len(lines) - MOST_SHOWN} more")
    listed = "\n  ".join(shown)
    raise Differs(
        f"the checkpoint is of another model than the script makes:\n  {listed}\n"
        "Make the same model as then; or run the new one from its start, with another folder of "
        "checkpoints"
    )


def _differences(name: str, then: Any, now: Any) -> Iterator[str]:
    if isinstance(then, list) and isinstance(now, list):
        for i in range(max(len(then), len(now))):
            old = then[i] if i < len(then) else None
            new = now[i] if i < len(now) else None
            yield from _differences(f"{name} {i}", old, new)
    elif isinstance(then, str) and isinstance(now, str) and then != now:
        old, new = changed(then, now)
        yield f"{name}: {old} in the checkpoint, {new} now"
    elif then != now:
        old = "none" if then is None else then
        new = "none" if now is None else now
        yield f"{name}: {old} in the checkpoint, {new} now"


# the regions


def _require_planes(solvers: list[RegionSolver], found: SavedCheckpoint) -> None:
    """Raise Damaged where planes are missing, which would keep their initial values."""
    counts = [max(hi for _, hi in planes) for planes in found.manifest.planes]
    expected = [solver.box.shape[0] for solver in solvers]
    if counts != expected:
        raise Damaged(f"{found.path} has {counts} planes of the boxes, which have {expected}")


def _read_regions(solvers: list[RegionSolver], found: SavedCheckpoint) -> None:
    """Read this rank's planes of all regions. Local."""
    for number, solver in enumerate(solvers):
        lo, hi = solver.planes
        for rank, (first, end) in enumerate(found.manifest.planes[number]):
            if max(lo, first) < min(hi, end):
                with found.part(rank) as part:
                    for name, array in solver.state().items():
                        part.read_planes(f"{BOX}{number} {name}", array, lo)
        solver.refilled()


# vectors


def _read_vectors(comm, found: SavedCheckpoint, vectors: dict) -> None:
    """Give vectors what they had recorded. Collective.

    Each rank gets its own again where the same ranks have the name. Otherwise the first rank that
    has the name gets all that was recorded; or all ranks get it, if several ranks had recorded the
    same, such as a node's trace.
    """
    names = comm.allgather(sorted(vectors))
    if comm.rank == 0:
        _warn_of_other_vectors(found, set().union(*names))
    values = everywhere(comm, _values_of_vectors, found, names, comm.rank)
    for name, recorded in values.items():
        vectors[name].from_python(recorded)


def _warn_of_other_vectors(found: SavedCheckpoint, now: set[str]) -> None:
    """Warn of names that only one run has: what was recorded would be lost in silence."""
    then: set[str] = set().union(*found.manifest.vectors)
    if then == now:
        return
    lines = []
    if then - now:
        lines.append(
            "it has vectors that the script does not give, and what they had recorded is left "
            f"out: {_names(sorted(then - now))}"
        )
    if now - then:
        lines.append(
            f"it has no vectors of these names, which begin at t = {found.manifest.t:g} ms: "
            f"{_names(sorted(now - then))}"
        )
    warnings.warn(
        f"{found.path}: {'; '.join(lines)}; for all that was recorded, give "
        "rxd.Checkpoint(..., vectors={name: vector}) the same names in both runs",
        stacklevel=2,
    )


def _names(names: list[str]) -> str:
    shown = [plain(repr(name)) for name in names[:MOST_SHOWN]]
    if len(names) > MOST_SHOWN:
        shown.append(f"and {len(names) - MOST_SHOWN} more")
    return ", ".join(shown)


def _values_of_vectors(
    found: SavedCheckpoint, names: list[list[str]], rank: int
) -> dict[str, np.ndarray]:
    """What this rank's vectors are to hold. names: of the vectors of each rank. Local."""
    values = {}
    for name in names[rank]:
        has = [name in of_rank for of_rank in names]
        values[name] = np.concatenate([np.zeros(0), *_parts_of_vector(found, name, has, rank)])
    return values


def _parts_of_vector(
    found: SavedCheckpoint, name: str, has: list[bool], rank: int
) -> list[np.ndarray]:
    """The parts that make up one vector of this rank. has: which ranks have its name now."""
    had = [name in of_rank for of_rank in found.manifest.vectors]
    if has == had:
        return [_read_vector(found, rank, name)]
    parts = [_read_vector(found, int(other), name) for other in np.flatnonzero(had)]
    are_alike = all(np.array_equal(part, parts[0]) for part in parts)
    if len(parts) > 1 and are_alike:
        return parts[:1]
    return parts if has.index(True) == rank else []


def _read_vector(found: SavedCheckpoint, rank: int, name: str) -> np.ndarray:
    with found.part(rank) as part:
        return part.read_numbers(f"vector {name}")
