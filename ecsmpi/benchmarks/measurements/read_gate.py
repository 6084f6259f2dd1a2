"""The read gate's cost: whole steps with the gate and without it, in turn.

The gate lets any rank read concentrations at any time.
"""

from __future__ import annotations

from statistics import median

from ecsmpi.benchmarks.measurements import box
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Effort, compared, median_interval, steps_of_repetition


def measure(problem: Problem, threads: int | None, effort: Effort) -> dict:
    """Measure steps with the read gate and without it. Collective.

    Parameters
    ----------
    problem
        The share of each rank: the box is as many times as long along x as there are ranks.
    threads
        Threads of each rank; None for as many as it has cores.
    effort
        How many repetitions, and how long.

    Returns
    -------
    dict
        The record; its ratio is the time with the gate over the time without it.
    """
    comm, rxd, threads = box.start(threads)
    from ecsmpi.rxd.session import simulation

    whole = problem.times(comm.size)
    box.compile_first(comm, whole.shape[2])
    model = box.BoxWithCells(rxd, comm, whole, box.SetupTimer())
    steps = steps_of_repetition(comm, model.fadvance, effort.warm_up)
    reading = simulation.reading
    gate = reading.gate

    def run_without():
        reading.gate = None
        for _ in range(steps):
            model.fadvance()

    def run_with():
        reading.gate = gate
        for _ in range(steps):
            model.fadvance()

    times, ratios = compared(comm, run_without, run_with, effort)
    reading.gate = gate
    _, phases, phases_max = box.timed_steps(comm, rxd.phases(), model.fadvance, effort)
    entries = {
        "phases": phases,
        "phases_max": phases_max,
        "ratio": median(ratios),
        "ratio_interval": list(median_interval(ratios)),
    }
    return record("gate", whole, comm, threads, times.over(steps), **entries)
