"""The exchange of currents and concentrations between ranks: how long a plan takes, and a step."""

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
from ecsmpi.solver.threads import whatever_the_work

LAYOUTS = ("neurites", "spread", "one voxel")
NEURITE = 200  # segments, each about a voxel from the one before
BEND = 0.2  # change of direction from one segment to the next, relative to a step's length
INITIAL = 3  # mM
SMALL_FACTOR = 1e-6  # mM/ms for each unit of current: concentrations hardly change


def measure(
    problem: Problem, layout: str, comm, threads: int, effort: Effort, grid: BoxWithoutNeuron
) -> dict:
    """Measure the exchange alone, and whole steps with it and without it. Collective.

    The exchange alone repeats itself, so it finds its arrays in the caches.

    Parameters
    ----------
    problem
        The box and its segments.
    layout
        Where the segments are: along "neurites", as segments of cells are; "spread" over all voxels
        in no order; or all in "one voxel" in the middle.
    comm
        All ranks of this launch.
    threads
        Threads of each rank, for whole steps and the record.
    effort
        How many repetitions, and how long.
    grid
        The same box without segments, for steps without an exchange.

    Returns
    -------
    dict
        The record.
    """
    voxels = _voxels(problem, layout, comm)

    def plan_once():
        _planned(comm, problem, voxels).free()

    plan_times = measured(comm, plan_once, replace(effort, seconds=0.0))
    box = BoxWithoutNeuron(comm, problem, voxels)
    times, phases, phases_max = timed_exchange(comm, box, effort)
    with whatever_the_work(threads):  # neither box tries fewer threads meanwhile
        without, ratios = compared(comm, grid.step, box.step, effort)
    partners = max(comm.allgather(box.partners))
    box.free()
    entries = {
        "layout": layout,
        "phases": phases,
        "phases_max": phases_max,
        "grid_step_seconds": without.median,
        "whole_step_ratio": median(ratios),
        "partners": partners,
        "plan_seconds": plan_times.median,
        "plan_seconds_interval": list(plan_times.interval),
        "plan_times": plan_times.seconds,
    }
    return record("exchange", problem, comm, threads, times, **entries)


class BoxWithoutNeuron:
    """A box with segments whose currents and concentrations are plain arrays, without NEURON.

    Collective to make.

    Parameters
    ----------
    comm
        All ranks of this launch.
    problem
        The box.
    voxels
        (segments,) flat index into the box of the voxel of each of this rank's segments.

    Attributes
    ----------
    partners
        How many ranks this rank exchanges messages with.
    """

    def __init__(self, comm, problem: Problem, voxels: np.ndarray = NONE):
        box = Box((0.0,) * 3, (problem.dx,) * 3, problem.shape)
        planes = Slabs(problem.shape[0], comm.size).planes(comm.rank)
        tissue = Tissue(VOLUME_FRACTION, TORTUOSITY**-2)
        species = [SpeciesSpec(None, (D,) * 3)] * problem.species
        fields = []
        for _ in range(problem.species):
            field = SlabField(box, planes)
            field.owned[:] = INITIAL
            fields.append(field)
        self._exchange = _planned(comm, problem, voxels)
        self._stepper = Stepper(comm, box, tissue, species, fields, self._exchange)
        self._dt = problem.dt
        self.partners = self._exchange.partners
        self._currents, self._outside = np.ones((2, problem.species, voxels.size))
        self._factor = np.full(voxels.size, SMALL_FACTOR)
        order = self._exchange.order(np.arange(voxels.size))
        self._exchange.reorder(order)
        in_order = not (np.diff(order) != 1).any()
        self._at = (NONE if in_order else order).astype(np.uint32)

    def add_sources(self) -> None:
        """Hand the segments' currents to the exchange. Local."""
        for f, currents in enumerate(self._currents):
            self._exchange.add_sources(f, currents, self._at, self._factor, self._dt)

    def scatter_values(self) -> None:
        """Copy concentrations from the exchange to the segments. Local."""
        for f, outside in enumerate(self._outside):
            self._exchange.scatter_values(f, outside, self._at)

    def step(self) -> None:
        """Advance the box by one time step, with the exchange. Collective."""
        self.add_sources()
        self._stepper.diffuse(self._dt, 0.0)
        self.scatter_values()

    def exchange(self) -> tuple[float, float]:
        """Do the exchange of one step, without the step. Collective.

        Returns
        -------
        tuple
            Seconds of its two halves: currents to the voxels, concentrations back.
        """
        begin = perf_counter()
        self.add_sources()
        self._exchange.send_sources()
        between = perf_counter()
        self._exchange.fetch_values()
        self.scatter_values()
        return between - begin, perf_counter() - between

    def free(self) -> None:
        """Release messages and communicators. Collective."""
        self._stepper.free()
        self._exchange.free()


def timed_exchange(comm, box: BoxWithoutNeuron, effort: Effort):
    """Time the exchange and its two halves. Collective.

    Of the halves the median over repetitions of their mean is taken, so that they add up to the
    exchange on a busy machine too.

    Returns
    -------
    tuple
        `Times` of an exchange; seconds of phases "deposit" and "collect", the mean over ranks; the
        same, the maximum over ranks.
    """
    steps = steps_of_repetition(comm, box.exchange, effort.warm_up)
    halves = []

    def repetition():
        halves.append(np.mean([box.exchange() for _ in range(steps)], axis=0))

    times = measured(comm, repetition, effort).over(steps)
    deposit, collect = np.median(halves[effort.warm_up :], axis=0).tolist()
    mean, largest = over_ranks(comm, {"deposit": deposit, "collect": collect})
    return times, mean, largest


def _planned(comm, problem: Problem, voxels):
    _, ny, nz = problem.shape
    return Exchange(comm, Slabs(problem.shape[0], comm.size), ny * nz, voxels, problem.species)


def _voxels(problem: Problem, layout: str, comm) -> np.ndarray:
    """(segments,) flat index of the voxel of each of this rank's segments.

    All ranks have the same number of segments, or one more.
    """
    share, rest = divmod(problem.segments, comm.size)
    count = share + (comm.rank < rest)
    if layout == "one voxel":
        middle = np.ravel_multi_index([size // 2 for size in problem.shape], problem.shape)
        return np.full(count, middle, dtype=np.int64)
    random = np.random.default_rng(comm.rank)
    if layout == "neurites":
        places = _neurites(random, count, np.array(problem.shape))
        return np.ravel_multi_index(places.T, problem.shape)
    return random.integers(problem.voxels, size=count, dtype=np.int64)


def _neurites(random, count: int, shape: np.ndarray) -> np.ndarray:
    """(count, 3) voxels along curves that begin anywhere in the box and turn back at its walls."""
    curves = -(-count // NEURITE)
    position = random.uniform(0, shape, (curves, 3))
    direction = random.normal(size=(curves, 3))
    points = np.empty((curves, NEURITE, 3))
    for segment in range(NEURITE):
        points[:, segment] = position
        direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
        direction = direction + BEND * random.normal(size=direction.shape)
        position = position + direction
        outside = (position < 0) | (position > shape)
        direction = np.where(outside, -direction, direction)
        position = np.clip(position, 0, shape)
    return np.minimum(points.reshape(-1, 3)[:count].astype(np.int64), shape - 1)
