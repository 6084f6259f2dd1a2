"""What crosses ranks for the segments: how long a plan takes, and a step."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from ecsmpi.benchmarks.problem import TORTUOSITY, VOLUME_FRACTION, D, Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Effort, compared, measured, over_ranks, steps_of_repetition
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.solver.exchange import NONE, Exchange
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper

LAYOUTS = ("neurites", "spread", "one voxel")
NEURITE = 200  # segments, each about a voxel from the one before
BEND = 0.2  # of its direction, from one segment to the next


def measure(problem: Problem, layout: str, comm, threads: int, effort: Effort, grid: Space) -> dict:
    """The record of the exchange alone, which repeats itself and finds its arrays in cache, and of
    whole steps with it. Collective.

    layout: along "neurites", as segments of cells are; "spread" over all voxels, in no order; or
    all in "one voxel", in the middle.
    grid: such a box without segments.
    """
    voxels = _voxels(problem, layout, comm)
    plan_times = measured(
        comm, lambda: _planned(comm, problem, voxels).free(), replace(effort, seconds=0.0)
    )
    space = Space(comm, problem, voxels)
    times, phases, most = _timed_exchange(comm, space, effort)
    without, more = compared(comm, grid.step, space.step, effort)
    partners = max(comm.allgather(space.partners))
    space.free()
    return record(
        "exchange",
        problem,
        comm,
        threads,
        times,
        layout=layout,
        phases=phases,
        phases_max=most,
        grid_step_seconds=without.median,
        whole_step_ratio=median(more),
        partners=partners,
        plan_seconds=plan_times.median,
        plan_seconds_interval=list(plan_times.interval),
        plan_times=plan_times.seconds,
    )


class Space:
    """A box and segments in it, and nothing of NEURON's: currents come from arrays, concentrations
    go to arrays.

    partners: as of the exchange.
    """

    def __init__(self, comm, problem: Problem, voxels: np.ndarray = NONE):
        """voxels: (segments,) flat index into the box of each of this rank's segments. Collective."""
        box, planes = (
            Box((0.0,) * 3, (problem.dx,) * 3, problem.shape),
            Slabs(problem.shape[0], comm.size).planes(comm.rank),
        )
        fields, ions = (
            [SlabField(box, planes) for _ in range(problem.species)],
            [SpeciesSpec(None, (D,) * 3)] * problem.species,
        )
        for field in fields:
            field.owned[:] = 3
        self._exchange = _planned(comm, problem, voxels)
        tissue = Tissue(VOLUME_FRACTION, TORTUOSITY**-2)
        self._stepper = Stepper(comm, box, tissue, ions, fields, self._exchange)
        self._dt = problem.dt
        self.partners = self._exchange.partners
        self._currents, self._outside = np.ones((2, problem.species, voxels.size))
        self._factor = np.full(voxels.size, 1e-6)  # mM/ms: some change that does not add up to much
        turn = self._exchange.order(np.arange(voxels.size))
        self._exchange.reorder(turn)
        self._at = turn.astype(np.uint32) if (np.diff(turn) != 1).any() else NONE.astype(np.uint32)

    def take(self) -> None:
        """Let the exchange take the segments' currents. Local."""
        for f, currents in enumerate(self._currents):
            self._exchange.add_sources(f, currents, self._at, self._factor, self._dt)

    def give(self) -> None:
        """Let the exchange give concentrations. Local."""
        for f, outside in enumerate(self._outside):
            self._exchange.scatter_values(f, outside, self._at)

    def step(self) -> None:
        """A step of the box, and of the segments that are in it. Collective."""
        self.take()
        self._stepper.diffuse(self._dt, 0.0)
        self.give()

    def exchange(self) -> tuple[float, float]:
        """What of a step is the exchange's; seconds of its two halves. Collective."""
        begin = perf_counter()
        self.take()
        self._exchange.send_sources()
        between = perf_counter()
        self._exchange.fetch_values()
        self.give()
        return between - begin, perf_counter() - between

    def free(self) -> None:
        """Release messages and communicators."""
        self._stepper.free()
        self._exchange.free()


def _planned(comm, problem: Problem, voxels):
    _, ny, nz = problem.shape
    return Exchange(comm, Slabs(problem.shape[0], comm.size), ny * nz, voxels, problem.species)


def _voxels(problem: Problem, layout: str, comm) -> np.ndarray:
    """Flat index of the voxel of each of this rank's segments, which are as many on each rank as
    can be.
    """
    share, rest = divmod(problem.segments, comm.size)
    count = share + (comm.rank < rest)
    if layout == "one voxel":
        middle = np.ravel_multi_index([size // 2 for size in problem.shape], problem.shape)
        return np.full(count, middle, dtype=np.int64)
    random = np.random.default_rng(comm.rank)
    if layout == "neurites":
        return np.ravel_multi_index(
            _neurites(random, count, np.array(problem.shape)).T, problem.shape
        )
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


def _timed_exchange(comm, space: Space, effort: Effort):
    """Times of the exchange, and seconds of its halves, the mean and the maximum over ranks.
    Collective.

    Of the halves, too, the median over repetitions of their mean: so they add up to the exchange on
    a busy machine.
    """
    steps, halves = steps_of_repetition(comm, space.exchange, effort.warm_up), []

    def repetition():
        halves.append(np.mean([space.exchange() for _ in range(steps)], axis=0))

    times = measured(comm, repetition, effort).over(steps)
    deposit, collect = np.median(halves[effort.warm_up :], axis=0).tolist()
    return times, *over_ranks(comm, {"deposit": deposit, "collect": collect})
