"""What crosses ranks for the segments: how long a plan takes, and a step."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from ecsmpi.bench.box import Box, Watch, timed_steps
from ecsmpi.bench.problem import Problem
from ecsmpi.bench.records import record
from ecsmpi.bench.repetition import Effort, measured, steps_of_repetition
from ecsmpi.description.decomposition import Slabs

LAYOUTS = ("neurites", "spread", "one voxel")
NEURITE = 200  # segments, each about a voxel from the one before
BEND = 0.2  # of its direction, from one segment to the next


def step_of_grid(rxd, comm, problem: Problem, effort: Effort) -> float:
    """Seconds of a step of such a box without segments. Collective."""
    box = Box(rxd, comm, replace(problem, segments=0), Watch())
    times, _, _ = timed_steps(comm, rxd.phases(), box.fadvance, effort)
    return times.median


def measure(problem: Problem, layout: str, comm, threads: int, effort: Effort, grid_seconds: float) -> dict:
    """The record of the exchange alone, without diffusion and without NEURON. Collective.

    layout: along "neurites", as segments of cells are; "spread" over all voxels, in no order; or all in "one voxel", in the middle.
    grid_seconds: of a step of such a box without segments.
    """
    voxels = _voxels(problem, layout, comm)
    plan_times = measured(comm, lambda: _planned(comm, problem, voxels).free(), replace(effort, seconds=0.0))
    exchange = _planned(comm, problem, voxels)
    times, phases, most = _timed_steps(comm, exchange, problem, voxels.size, effort)
    partners = max(comm.allgather(exchange.partners))
    exchange.free()
    return record(
        "exchange", problem, comm, threads, times, layout=layout, phases=phases, phases_max=most,
        grid_step_seconds=grid_seconds, partners=partners, plan_seconds=plan_times.median, plan_seconds_interval=list(plan_times.interval),
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
    random = np.random.default_rng(comm.rank)
    if layout == "neurites":
        return np.ravel_multi_index(_neurites(random, count, np.array(problem.shape)).T, problem.shape)
    return random.integers(problem.voxels, size=count, dtype=np.int64)


def _neurites(random, count: int, shape: np.ndarray) -> np.ndarray:
    """(count, 3) voxels along curves that begin anywhere and turn back at the walls."""
    curves = -(-count // NEURITE)
    at, to = random.uniform(0, shape, (curves, 3)), random.normal(size=(curves, 3))
    points = np.empty((curves, NEURITE, 3))
    for segment in range(NEURITE):
        points[:, segment] = at
        to = to / np.linalg.norm(to, axis=1, keepdims=True) + BEND * random.normal(size=to.shape)
        at = at + to
        to = np.where((at < 0) | (at > shape), -to, to)
        at = np.clip(at, 0, shape)
    return np.minimum(points.reshape(-1, 3)[:count].astype(np.int64), shape - 1)


def _timed_steps(comm, exchange, problem: Problem, entries: int, effort: Effort):
    lo, hi = Slabs(problem.shape[0], comm.size).planes(comm.rank)
    concentrations = [
        np.ones((hi - lo) * problem.shape[1] * problem.shape[2]) for _ in range(problem.species)
    ]
    at_entries, factor, turn = np.ones((problem.species, entries)), np.ones(entries), exchange.order(np.arange(entries))
    exchange.reorder(turn)
    at = turn.astype(np.uint32)
    laps = []

    def step():
        begin = perf_counter()
        for f, currents in enumerate(at_entries):
            exchange.take(f, currents, at, factor, problem.dt)
        exchange.deposit()
        between = perf_counter()
        exchange.read(concentrations)
        exchange.collect()
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
