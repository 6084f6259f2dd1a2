"""Resident memory of all ranks together."""

from __future__ import annotations

import re
from pathlib import Path

from ecsmpi.bench.box import Box, Watch, compile_first, start
from ecsmpi.bench.problem import Problem
from ecsmpi.bench.records import record
from ecsmpi.bench.repetition import Times, slowest


def measure(problem: Problem, steps: int) -> dict:
    """The record of a problem's memory, above that of a small box, after some steps. Collective.

    bytes_a_voxel and bytes_a_voxel_peak are of all ranks together.
    """
    comm, rxd, threads = start(None)
    compile_first(comm, problem.shape[2])
    before, _ = resident()
    box = Box(rxd, comm, problem, Watch())
    times = Times([slowest(comm, box.fadvance) for _ in range(steps)])
    used, used_at_peak = (comm.allreduce(after - before) / problem.voxels for after in resident())
    del box  # it was measured alive
    return record(
        "memory", problem, comm, threads, times, bytes_a_voxel=used, bytes_a_voxel_peak=used_at_peak,
        phases={}, phases_max={},
    )  # fmt: skip


def resident() -> list[int]:
    """Resident bytes of this process now, and at its highest."""
    status = Path("/proc/self/status").read_text()
    return [1024 * int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) for key in ("VmRSS", "VmHWM")]
