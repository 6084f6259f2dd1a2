"""Resident memory of all ranks together."""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from ecsmpi.benchmarks.measurements.box import BoxWithCells, SetupTimer, compile_first, start
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Times, slowest


def measure(problem: Problem, steps: int, frames: bool = False) -> dict:
    """Measure the memory that a problem takes, above that of a small box. Collective.

    Parameters
    ----------
    problem
        The box.
    steps
        Time steps to make before the memory is read.
    frames
        Whether each step writes a whole frame, to a file that is removed.

    Returns
    -------
    dict
        The record; its bytes_a_voxel and bytes_a_voxel_peak are of all ranks together.
    """
    comm, rxd, threads = start(None)
    with _writing(comm, rxd, problem.dt, frames):
        compile_first(comm, problem.shape[2])
    gc.collect()  # the small box must be gone
    before, _ = resident()
    with _writing(comm, rxd, problem.dt, frames):
        box = BoxWithCells(rxd, comm, problem, SetupTimer())
        times = Times([slowest(comm, box.fadvance) for _ in range(steps)])
        now, peak = resident()
        used = comm.allreduce(now - before)
        used_at_peak = comm.allreduce(peak - before)
    del box  # it had to be alive while it was measured
    entries = {
        "bytes_a_voxel": used / problem.voxels,
        "bytes_a_voxel_peak": used_at_peak / problem.voxels,
        "frames": frames,
        "phases": {},
        "phases_max": {},
    }
    return record("memory", problem, comm, threads, times, **entries)


@contextmanager
def _writing(comm, rxd, every: float, frames: bool):
    """Write whole frames inside, to a file that is then removed; nothing unless frames. Collective.

    every: ms between frames.
    """
    if not frames:
        yield
        return
    from ecsmpi.rxd.session import simulation

    with TemporaryDirectory() if comm.rank == 0 else nullcontext() as folder:
        output = rxd.Output(Path(comm.bcast(folder)) / "frames.h5", every)
        try:
            yield
        finally:
            output.ended()
            simulation.observers.remove(output)
            comm.Barrier()


def resident() -> tuple[int, int]:
    """Resident bytes of this process now, and at their highest."""
    status = Path("/proc/self/status").read_text()
    kilobytes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    return 1024 * int(kilobytes["VmRSS"]), 1024 * int(kilobytes["VmHWM"])
