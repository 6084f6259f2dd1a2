"""A run as a checkpoint holds it.

what the manifest says           `files.facts.Facts`
the model, to be compared        `run_state.describe_model`
arrays of the regions by planes  `RegionSolver.state`; whoever owns the planes reads them again
NEURON's cells                   of each rank as a whole, and cell by cell where cells have gids
states of observers              their own `state`, given back to `resumed`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecsmpi.files.checkpoint import Checkpoints
from ecsmpi.files.checkpoint_part import PartWriter
from ecsmpi.files.checkpoint_set import BOX
from ecsmpi.files.facts import Facts
from ecsmpi.neuron_api import inventory
from ecsmpi.neuron_api.gids import known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import RECORDER
from ecsmpi.neuron_api.state import gid_states, rank_state
from ecsmpi.run.checkpoint.run_state import RunState
from ecsmpi.run.observers.base import Observer, ObserverState


def capture(
    run: RunState, steps: int, regions: list[str], observers: Iterable[Observer], sets: Checkpoints
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
    sets : Checkpoints
        The folder of checkpoints.
    """
    rank_state.exchange_spikes()
    facts = _facts(run, steps, regions, observers)
    with run.fields_left_out():
        saved = _cells(facts, run.vectors)
    facts = replace(facts, statements=tuple(_ranks_with_statements(run.comm, saved)))
    return sets.write(facts, lambda part: _fill(run, saved, part))


def _facts(run: RunState, steps: int, regions: list[str], observers: Iterable[Observer]) -> Facts:
    """What the manifest says but for the waiting statements, the same on every rank. Collective."""
    comm = run.comm
    reasons = comm.allgather(gid_states.without_gid(RECORDER))
    why = next((reason for reason in reasons if reason), None)
    known = known_gids()
    return Facts(
        model=run.model | {"box": regions},
        t=n.t,
        dt=n.dt,
        step=steps,
        planes=tuple(comm.allgather(solver.planes) for solver in run.solvers),
        cells=comm.allgather(inventory.fingerprint(RECORDER)),
        gids=comm.allgather([] if why else known),
        without_gids=why,
        connected=any(comm.allgather(bool(known))),
        vectors=comm.allgather(sorted(run.vectors)),
        observers=tuple(_states(observers)),
        statements=(),
    )


def _states(observers: Iterable[Observer]) -> list[list]:
    """The states of observers that have one, as the manifest holds them. Collective."""
    found = []
    for observer in observers:
        state = observer.state()
        if isinstance(state, ObserverState):
            found.append(state.record())
        elif state:
            found.append(state)
    return found


def _cells(facts: Facts, vectors: dict) -> dict[str, bytes]:
    """NEURON's share of this rank, by name. Collective, between steps."""
    saved = {
        "cells": rank_state.of_rank(),
        "random": json.dumps(rank_state.random_places()).encode(),
    }
    for name, vector in vectors.items():
        saved[f"vector {name}"] = np.array(vector, dtype=float).tobytes()
    if facts.without_gids is None:
        for gid, data in gid_states.of_gids().items():
            saved[f"gid {gid}"] = data
    return saved


def _ranks_with_statements(comm, saved: dict[str, bytes]) -> list[int]:
    """The ranks in whose queue statements of hoc wait, which cannot move. Collective."""
    have = comm.allgather(rank_state.has_statements(saved["cells"]))
    return [rank for rank, has in enumerate(have) if has]


def _fill(run: RunState, saved: dict[str, bytes], part: PartWriter) -> None:
    """Write this rank's part. Local: the disk of one rank may fail."""
    for number, solver in enumerate(run.solvers):
        for name, array in solver.state().items():
            part.add_planes(f"{BOX}{number} {name}", array, solver.planes[0])
    for name, data in saved.items():
        part.add_bytes(name, data)
