"""The time step of a box with cells in it, measured on the ranks of this launch."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from ecsmpi.benchmarks.measurements.bandwidth import copy_bandwidth
from ecsmpi.benchmarks.problem import TORTUOSITY, VOLUME_FRACTION, D, Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Effort, measured, over_ranks, steps_of_repetition
from ecsmpi.neuron_api import neuron_start

SEGMENTS_OF_SECTION = 50
NAMES = ("k", "na", "ca")  # further species have no name, and so no currents
CHARGES = {"k": 1, "na": 1, "ca": 2}
SECTION_LENGTH = 200.0  # um
DIAMETER = 1.0  # um
INITIAL = 3  # mM
ROUGHNESS = 0.01  # mM


def start(threads: int | None):
    """Start MPI, NEURON and the threads of each rank. Collective.

    Parameters
    ----------
    threads
        Threads of each rank; None for as many as the rank has cores.

    Returns
    -------
    tuple
        The communicator, `ecsmpi.rxd` and the number of threads.
    """
    if threads is not None:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)  # numba reads it when it is imported
    comm = neuron_start.start()
    from ecsmpi import rxd

    return comm, rxd, rxd.nthread()


class SetupTimer:
    """Seconds of what a run does before its first step; those of the slowest rank."""

    def __init__(self):
        self.seconds = {}
        self._since = perf_counter()

    def lap(self, comm, name: str) -> None:
        """Count the time since the last lap as ``name``. Collective."""
        self.seconds[name] = max(comm.allgather(perf_counter() - self._since))
        self._since = perf_counter()


class BoxWithCells:
    """A problem as a model of rxd and NEURON, in its initial state. Collective to make."""

    def __init__(self, rxd, comm, problem: Problem, timer: SetupTimer):
        from ecsmpi.neuron_api.interpreter import n

        self._neuron = n
        n.dt = problem.dt
        self._sections = _cells(n, comm, problem)
        self._region, self.species = _region_and_species(rxd, problem)
        timer.lap(comm, "build")
        n.finitialize(-65)
        self._roughen(comm.rank)
        timer.lap(comm, "finitialize")

    def fadvance(self) -> None:
        """Advance NEURON, and so the box, by one time step. Collective."""
        self._neuron.fadvance()

    def _roughen(self, rank: int) -> None:
        """Make concentrations differ from voxel to voxel, so that no value is a special one."""
        random = np.random.default_rng(rank)
        for species in self.species:
            slab = species[self._region].local
            for plane in slab:
                plane += ROUGHNESS * random.random(plane.shape)


def compile_first(comm, z_voxels: int, varies: bool = False) -> None:
    """Step a small box, so that its kernels are compiled before anything is timed. Collective.

    Parameters
    ----------
    comm
        All ranks of this launch.
    z_voxels
        Voxels along z of the box that is timed later: the choice of kernels depends on them.
    varies
        Whether its tissue varies.
    """
    from ecsmpi import rxd

    problem = Problem((2 * comm.size, 4, z_voxels), varies=varies)
    BoxWithCells(rxd, comm, problem, SetupTimer()).fadvance()


def measure(
    kind: str, problem_on, threads: int | None, effort: Effort, reproducible: bool = False
) -> dict:
    """Measure time steps of a box on the ranks of this launch. Collective.

    Parameters
    ----------
    kind
        Kind of the record.
    problem_on
        Function of the number of ranks that returns the `Problem`.
    threads
        Threads of each rank; None for as many as it has cores.
    effort
        How many repetitions, and how long.
    reproducible
        Whether to measure the step once more with `rxd.options.reproducible`.

    Returns
    -------
    dict
        The record.
    """
    timer = SetupTimer()
    comm, rxd, threads = start(threads)
    timer.lap(comm, "start")
    problem = problem_on(comm.size)
    compile_first(comm, problem.shape[2], problem.varies)
    timer.lap(comm, "compile")
    box = BoxWithCells(rxd, comm, problem, timer)
    times, phases, phases_max = timed_steps(comm, rxd.phases(), box.fadvance, effort)
    entries = {
        "phases": phases,
        "phases_max": phases_max,
        "copy_bytes_per_second": copy_bandwidth(comm, threads, replace(effort, seconds=0.0)),
        "setup_seconds": timer.seconds,
    }
    if reproducible:
        del box
        entries["reproducible"] = _reproducible(rxd, comm, problem, effort)
    return record(kind, problem, comm, threads, times, **entries)


def _reproducible(rxd, comm, problem: Problem, effort: Effort) -> dict:
    """Measure the same box with `rxd.options.reproducible`. Collective."""
    gc.collect()  # the option is for boxes that are not in use yet: the other box must be gone
    rxd.options.reproducible = True
    box = BoxWithCells(rxd, comm, problem, SetupTimer())
    times, phases, phases_max = timed_steps(comm, rxd.phases(), box.fadvance, effort)
    return {
        "step_seconds": times.median,
        "step_seconds_interval": list(times.interval),
        "step_times": times.seconds,
        "phases": phases,
        "phases_max": phases_max,
    }


def timed_steps(comm, phases, step, effort: Effort):
    """Time steps, and each phase of them. Collective.

    Parameters
    ----------
    comm
        All ranks of this launch.
    phases
        `ecsmpi.solver.timing.Phases` that the steps add to.
    step
        Function that makes one step.
    effort
        How many repetitions, and how long.

    Returns
    -------
    tuple
        `Times` of a step; seconds a step of each phase, the mean over ranks; the same, the maximum
        over ranks. Phase "neuron" is what no other phase accounts for, so phases add up to the
        step.
    """
    steps = steps_of_repetition(comm, step, effort.warm_up)
    seen = []

    def repetition():
        phases.reset()
        begin = perf_counter()
        for _ in range(steps):
            step()
        whole = perf_counter() - begin
        inside = phases.seconds()
        seen.append({**inside, "neuron": whole - sum(inside.values())})

    times = measured(comm, repetition, effort)
    own = _median_of_each(seen[effort.warm_up :], steps)
    mean, largest = over_ranks(comm, own)
    return times.over(steps), mean, largest


def _median_of_each(repetitions: list[dict], steps: int) -> dict[str, float]:
    """Seconds a step of each phase on this rank: medians, as the step's time is."""
    return {name: median(one[name] for one in repetitions) / steps for name in repetitions[0]}


def _region_and_species(rxd, problem: Problem):
    high = [count * problem.dx for count in problem.shape]
    volume_fraction, tortuosity = _tissue(problem)
    region = rxd.Extracellular(
        0, 0, 0, *high, dx=problem.dx, volume_fraction=volume_fraction, tortuosity=tortuosity
    )
    species = []
    for number in range(problem.species):
        name, charge = None, 0
        if number < len(NAMES):
            name = NAMES[number]
            charge = CHARGES[name]
        species.append(rxd.Species(region, d=D, name=name, charge=charge, initial=INITIAL))
    return region, species


def _tissue(problem: Problem):
    """Volume fraction and tortuosity of the box."""
    if not problem.varies:
        return VOLUME_FRACTION, TORTUOSITY
    x, y, z = np.ogrid[tuple(map(slice, problem.shape))]
    waves = np.sin(x / 10) * np.cos(y / 14), np.sin(y / 12) * np.cos(z / 8)
    volume_fraction = np.broadcast_to(VOLUME_FRACTION + 0.1 * waves[0], problem.shape)
    tortuosity = np.broadcast_to(TORTUOSITY + 0.3 * waves[1], problem.shape)
    return volume_fraction, tortuosity


def _cells(n, comm, problem: Problem) -> list:
    """Make this rank's sections: straight, with hh channels, anywhere in the box.

    Sections are dealt out to the ranks in turn. A section's place depends on its number alone.
    """
    size = np.array(problem.shape) * problem.dx
    counts = [SEGMENTS_OF_SECTION] * (problem.segments // SEGMENTS_OF_SECTION)
    rest = problem.segments % SEGMENTS_OF_SECTION
    if rest:
        counts.append(rest)
    sections = []
    for number in range(comm.rank, len(counts), comm.size):
        random = np.random.default_rng([number])
        begin, end = _line_inside(random, size)
        section = n.Section(name=f"bench{number}")
        section.pt3dadd(*begin, DIAMETER)
        section.pt3dadd(*end, DIAMETER)
        section.nseg = counts[number]
        section.insert("hh")
        sections.append(section)
    return sections


def _line_inside(random, size):
    """Two points (um) in the box, at most SECTION_LENGTH apart."""
    begin = random.random(3) * size
    direction = random.normal(size=3)
    end = begin + SECTION_LENGTH * direction / np.linalg.norm(direction)
    return begin, np.clip(end, 0.0, size)
