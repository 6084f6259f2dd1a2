"""A run as a checkpoint holds it.

time, steps, who had what        manifest      `files.manifest.Manifest`, written by rank 0
the model, to be compared        manifest      `run_state.describe_model`
states of observers              manifest      `Observer.state`, given back to `resumed`
arrays of the regions by planes  part of each  `RegionSolver.state`; their new owner reads them
NEURON's cells                   part of each  of the rank as a whole, and by gids where all have
recorded vectors                 part of each  ``rxd.Checkpoint(..., vectors=...)``
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.files.checkpoint_folder import CheckpointFolder
from ecsmpi.files.checkpoint_part import PartWriter
from ecsmpi.files.manifest import Manifest, observer_state
from ecsmpi.files.saved_checkpoint import BOX
from ecsmpi.neuron_api import inventory
from ecsmpi.neuron_api.gids import known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import RECORDER
from ecsmpi.neuron_api.state import gid_states, rank_state
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.run.checkpoint.run_state import RunState
from ecsmpi.run.observers.base import Observer, ObserverState


def capture(
    run: RunState,
    steps: int,
    regions: list[str],
    observers: Iterable[Observer],
    folder: CheckpointFolder,
) -> Path:
    """Write a checkpoint of a run between two steps; returns its path. Collective.

    Parameters
    ----------
    run : RunState
        The run.
    steps : int
        NEURON's steps since it began.
    regions : list of str
        The regions as they are now, see `describe_regions`.
    observers : iterable of Observer
        Those that take part.
    folder : CheckpointFolder
        Where it goes.

    Raises
    ------
    ValueError
        Where the state of an observer is not of JSON, or differs between ranks.
    """
    rank_state.exchange_spikes()
    manifest = _manifest(run, steps, regions, observers)
    with run.fields_left_out():
        saved = _neuron_state(manifest, run.vectors)
    manifest = replace(manifest, statements=tuple(_ranks_with_statements(run.comm, saved)))
    return folder.write(manifest, lambda part: _fill(run, saved, part))


def _manifest(
    run: RunState, steps: int, regions: list[str], observers: Iterable[Observer]
) -> Manifest:
    """The manifest, the same on every rank, without the statements that wait. Collective."""
    comm = run.comm
    reasons = comm.allgather(gid_states.without_gid(RECORDER))
    why = next((reason for reason in reasons if reason), None)
    known = known_gids()
    return Manifest(
        model=run.model | {"box": regions},
        t=n.t,
        dt=n.dt,
        step=steps,
        planes=tuple(comm.allgather(solver.planes) for solver in run.solvers),
        cell_fingerprints=comm.allgather(inventory.fingerprint(RECORDER)),
        gids=comm.allgather([] if why else known),
        without_gids=why,
        connected=any(comm.allgather(bool(known))),
        vectors=comm.allgather(sorted(run.vectors)),
        observers=tuple(_states(comm, observers)),
        statements=(),
    )


def _states(comm, observers: Iterable[Observer]) -> list[list]:
    """The states of observers that have one, as the manifest holds them. Collective."""
    states = [(observer, observer.state()) for observer in observers]
    records = everywhere(comm, _records, states)
    digests = comm.allgather([_digest(record) for record in records])
    for rank, of_rank in enumerate(digests):
        for number, (observer, _) in enumerate(states):
            if of_rank[number] != digests[0][number]:
                raise ValueError(
                    f"the state of {observer!r} is another on rank {rank} than on rank 0: state() "
                    "must return the same on every rank, as a checkpoint keeps one; give it what "
                    "all ranks have (simulation.comm.allgather)"
                )
    return [record for record in records if record is not None]


def _records(states: list[tuple[Observer, Any]]) -> list[list | None]:
    """What the manifest is to hold of each observer, None for no state. ValueError names one."""
    records: list[list | None] = []
    for observer, state in states:
        if isinstance(state, ObserverState):
            state = state.record()
        if not isinstance(state, np.ndarray) and not state:
            records.append(None)
        else:
            records.append(observer_state(state, f"the state of {observer!r}"))
    return records


def _digest(record: list | None) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _neuron_state(manifest: Manifest, vectors: dict) -> dict[str, bytes]:
    """This rank's bytes of its cells and vectors, by name. Collective, between steps."""
    saved = {
        "cells": rank_state.of_rank(),
        "random": json.dumps(rank_state.random_places()).encode(),
    }
    for name, vector in vectors.items():
        saved[f"vector {name}"] = vector.as_numpy().tobytes()
    if manifest.without_gids is None:
        for gid, data in gid_states.of_gids().items():
            saved[f"gid {gid}"] = data
    return saved


def _ranks_with_statements(comm, saved: dict[str, bytes]) -> list[int]:
    """The ranks whose cells cannot move to others. Collective.

    Statements of hoc that ``cvode.event`` has posted wait in their queue.
    """
    have = comm.allgather(rank_state.has_statements(saved["cells"]))
    return [rank for rank, has in enumerate(have) if has]


def _fill(run: RunState, saved: dict[str, bytes], part: PartWriter) -> None:
    """Write this rank's part. Local: the disk of one rank may fail."""
    for number, solver in enumerate(run.solvers):
        for name, array in solver.state().items():
            part.add_planes(f"{BOX}{number} {name}", array, solver.planes[0])
    for name, data in saved.items():
        part.add_bytes(name, data)
