"""What the gate costs that lets any rank read at any time: whole steps with it and without it, in
turn.
"""

from __future__ import annotations

from statistics import median

from ecsmpi.benchmarks import box
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Effort, compared, median_interval, steps_of_repetition


def measure(problem: Problem, threads: int | None, effort: Effort) -> dict:
    """The record of steps of a box as large for each rank, on the ranks of this launch. Collective."""
    comm, rxd, threads = box.start(threads)
    from ecsmpi.rxd.session import simulation

    whole = problem.times(comm.size)
    box.compile_first(comm, whole.shape[2])
    made = box.Box(rxd, comm, whole, box.Watch())
    steps = steps_of_repetition(comm, made.fadvance, effort.warm_up)
    reading = simulation.reading
    gate = reading.gate

    def run(with_gate: bool) -> None:
        reading.gate = gate if with_gate else None
        for _ in range(steps):
            made.fadvance()

    times, ratios = compared(comm, lambda: run(False), lambda: run(True), effort)
    reading.gate = gate
    _, phases, most = box.timed_steps(comm, rxd.phases(), made.fadvance, effort)
    return record(
        "gate",
        whole,
        comm,
        threads,
        times.over(steps),
        phases=phases,
        phases_max=most,
        ratio=median(ratios),
        ratio_interval=list(median_interval(ratios)),
    )
