"""The step of a box with cells in it, measured in this launch: its own ranks and threads."""

from __future__ import annotations

import gc
import os
from statistics import median
from time import perf_counter

import numpy as np

from ecsmpi.benchmarks.bandwidth import copy_bandwidth
from ecsmpi.benchmarks.problem import TORTUOSITY, VOLUME_FRACTION, D, Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Effort, measured, over_ranks, steps_of_repetition
from ecsmpi.neuron_api import launch

SEGMENTS_OF_SECTION = 50
NAMES = ("k", "na", "ca")  # further species have no name, so no currents
CHARGES = {"k": 1, "na": 1, "ca": 2}
SECTION_LENGTH, DIAMETER = 200.0, 1.0  # um


def start(threads: int | None):
    """MPI, NEURON and the threads of each rank (None: as many as it has cores). Collective."""
    if threads is not None:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)  # numba reads it when it is imported
    comm = launch.start()
    from ecsmpi import rxd

    return comm, rxd, rxd.nthread()


class Watch:
    """Seconds of what a run does before its first step, the slowest rank's."""

    def __init__(self):
        self.seconds = {}
        self._since = perf_counter()

    def lap(self, comm, name: str) -> None:
        """What was done since the last lap is ``name``. Collective."""
        self.seconds[name] = max(comm.allgather(perf_counter() - self._since))
        self._since = perf_counter()


class Box:
    """A problem made of rxd's objects and NEURON's sections, at its initial state."""

    def __init__(self, rxd, comm, problem: Problem, watch: Watch):
        """Collective."""
        from neuron import n

        self._neuron = n
        n.dt = problem.dt
        self._sections = _cells(n, comm, problem)
        self._region, self.species = _described(rxd, problem)
        watch.lap(comm, "build")
        n.finitialize(-65)
        self._roughen(comm.rank)
        watch.lap(comm, "finitialize")

    def fadvance(self) -> None:
        """One step of NEURON's, and so of the box. Collective."""
        self._neuron.fadvance()

    def _roughen(self, rank: int) -> None:
        """Concentrations that differ from voxel to voxel: nothing is a special number."""
        random = np.random.default_rng(rank)
        for species in self.species:
            slab = species[self._region].local
            for plane in slab:
                plane += 0.01 * random.random(plane.shape)


def compile_first(comm, z_voxels: int) -> None:
    """A small box, of z-lines as long, makes the kernels, apart from what is measured. Collective."""
    from ecsmpi import rxd

    Box(rxd, comm, Problem((2 * comm.size, 4, z_voxels)), Watch()).fadvance()


def measure(
    kind: str, problem_on, threads: int | None, effort: Effort, reproducible: bool = False
) -> dict:
    """The record of a step of problem_on(ranks) on the ranks of this launch. Collective.

    reproducible: measure it once more with the same bits on any number of ranks.
    """
    watch = Watch()
    comm, rxd, threads = start(threads)
    watch.lap(comm, "start")
    problem = problem_on(comm.size)
    compile_first(comm, problem.shape[2])
    watch.lap(comm, "compile")
    box = Box(rxd, comm, problem, watch)
    times, phases, most = timed_steps(comm, rxd.phases(), box.fadvance, effort)
    bandwidth = copy_bandwidth(comm, threads, Effort(seconds=0.0))
    more = {"setup_seconds": watch.seconds}
    if reproducible:
        del box
        more["reproducible"] = _reproducible(rxd, comm, problem, effort)
    return record(
        kind,
        problem,
        comm,
        threads,
        times,
        phases=phases,
        phases_max=most,
        copy_bytes_per_second=bandwidth,
        **more,
    )


def _reproducible(rxd, comm, problem: Problem, effort: Effort) -> dict:
    """The step of another such box, with `rxd.options.reproducible`. Collective."""
    gc.collect()  # the option is for boxes that are not in use yet: the other must be gone
    rxd.options.reproducible = True
    times, phases, most = timed_steps(
        comm, rxd.phases(), Box(rxd, comm, problem, Watch()).fadvance, effort
    )
    return {
        "step_seconds": times.median,
        "step_seconds_interval": list(times.interval),
        "step_times": times.seconds,
        "phases": phases,
        "phases_max": most,
    }


def timed_steps(comm, phases, step, effort: Effort):
    """Seconds a step of each repetition; and of each phase, the mean and the maximum over ranks."""
    steps = steps_of_repetition(comm, step, effort.warm_up)
    seen = []

    def repetition():
        phases.reset()
        begin = perf_counter()
        for _ in range(steps):
            step()
        whole, inside = perf_counter() - begin, phases.seconds()
        seen.append({**inside, "neuron": whole - sum(inside.values())})

    times = measured(comm, repetition, effort)
    return times.over(steps), *over_ranks(comm, _median_of_each(seen[effort.warm_up :], steps))


def _median_of_each(repetitions: list[dict], steps: int) -> dict[str, float]:
    """Seconds a step of each phase on this rank: medians, as the step's is."""
    return {name: median(one[name] for one in repetitions) / steps for name in repetitions[0]}


def _described(rxd, problem: Problem):
    high = [count * problem.dx for count in problem.shape]
    region = rxd.Extracellular(
        0, 0, 0, *high, dx=problem.dx, volume_fraction=VOLUME_FRACTION, tortuosity=TORTUOSITY
    )
    names = [NAMES[i] if i < len(NAMES) else None for i in range(problem.species)]
    return region, [
        rxd.Species(region, d=D, name=name, charge=CHARGES.get(name, 0), initial=3)
        for name in names
    ]


def _cells(n, comm, problem: Problem) -> list:
    """This rank's sections: straight, with hh channels, anywhere in the box, dealt out in turn."""
    size = np.array(problem.shape) * problem.dx
    counts = [SEGMENTS_OF_SECTION] * (problem.segments // SEGMENTS_OF_SECTION)
    rest = problem.segments % SEGMENTS_OF_SECTION
    sections = []
    for number, nseg in list(enumerate(counts + [rest] * (rest > 0)))[comm.rank :: comm.size]:
        random = np.random.default_rng([number])  # the same cell on whichever rank
        begin, end = _line_inside(random, size)
        section = n.Section(name=f"bench{number}")
        for point in (begin, end):
            section.pt3dadd(*point, DIAMETER)
        section.nseg = nseg
        section.insert("hh")
        sections.append(section)
    return sections


def _line_inside(random, size):
    """Two points of a box (um) at most a section's length apart."""
    begin = random.random(3) * size
    direction = random.normal(size=3)
    end = begin + SECTION_LENGTH * direction / np.linalg.norm(direction)
    return begin, np.clip(end, 0.0, size)
