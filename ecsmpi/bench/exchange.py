"""What crosses ranks for the segments: how long a plan takes, and a step."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from ecsmpi.bench.problem import Problem
from ecsmpi.bench.records import record
from ecsmpi.bench.repetition import Effort, measured, steps_of_repetition
from ecsmpi.description.decomposition import Slabs

LAYOUTS = ("spread", "one voxel")


def measure(problem: Problem, layout: str, comm, threads: int, effort: Effort) -> dict:
    """The record of the exchange alone, without diffusion and without NEURON. Collective.

    layout: "spread" over all voxels, or all segments in "one voxel", in the middle of the box.
    """
    voxels = _voxels(problem, layout, comm)
    plan_times = measured(comm, lambda: _planned(comm, problem, voxels).free(), replace(effort, seconds=0.0))
    exchange = _planned(comm, problem, voxels)
    times, phases, most = _timed_steps(comm, exchange, problem, voxels.size, effort)
    partners = max(comm.allgather(exchange.partners))
    exchange.free()
    return record(
        "exchange", problem, comm, threads, times, layout=layout, phases=phases, phases_max=most,
        partners=partners, plan_seconds=plan_times.median, plan_seconds_interval=list(plan_times.interval),
        plan_times=plan_times.seconds,
    )  # fmt: skip


def _planned(comm, problem: Problem, voxels):
    from ecsmpi.solver.exchange import Exchange

    _, ny, nz = problem.shape
    return Exchange(comm, Slabs(problem.shape[0], comm.size), ny * nz, voxels, problem.species)


def _voxels(problem: Problem, layout: str, comm) -> np.ndarray:
    """Flat index of the voxel of each of this rank's segments, which are as many on each rank as can be."""
    share, rest = divmod(problem.segments, comm.size)
    count = share + (comm.rank < rest)
    if layout == "one voxel":
        middle = np.ravel_multi_index([size // 2 for size in problem.shape], problem.shape)
        return np.full(count, middle, dtype=np.int64)
    return np.random.default_rng(comm.rank).integers(problem.voxels, size=count, dtype=np.int64)


def _timed_steps(comm, exchange, problem: Problem, entries: int, effort: Effort):
    lo, hi = Slabs(problem.shape[0], comm.size).planes(comm.rank)
    concentrations = [
        np.ones((hi - lo) * problem.shape[1] * problem.shape[2]) for _ in range(problem.species)
    ]
    at_entries, factor, at = np.ones((problem.species, entries)), np.ones(entries), np.arange(entries, dtype=np.uint32)
    sources = np.zeros((problem.species, exchange.local_voxels.size))
    laps = []

    def step():
        begin = perf_counter()
        for f, currents in enumerate(at_entries):
            exchange.take(f, currents, at, factor, problem.dt, True)
        exchange.deposit(sources)
        between = perf_counter()
        exchange.collect(concentrations)
        for f, outside in enumerate(at_entries):
            exchange.give(f, outside, at)
        laps.append((between - begin, perf_counter() - between))

    steps = steps_of_repetition(comm, step, effort.warm_up)
    laps.clear()
    times = measured(comm, lambda: [step() for _ in range(steps)], effort).over(steps)
    own = [median(lap[part] for lap in laps) for part in (0, 1)]
    everywhere = comm.allgather(own)
    mean, most = (
        {name: of([one[part] for one in everywhere]) for part, name in enumerate(("deposit", "collect"))}
        for of in (lambda values: sum(values) / len(values), max)
    )
    return times, mean, most
