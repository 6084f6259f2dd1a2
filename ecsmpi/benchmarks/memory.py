"""Resident memory of all ranks together."""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from ecsmpi.benchmarks.box import Box, Watch, compile_first, start
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import record
from ecsmpi.benchmarks.repetition import Times, slowest


def measure(problem: Problem, steps: int, frames: bool = False) -> dict:
    """The record of a problem's memory, above that of a small box, after some steps. Collective.

    frames: each step writes a whole frame, to a file that is removed. bytes_a_voxel and
    bytes_a_voxel_peak are of all ranks together.
    """
    comm, rxd, threads = start(None)
    with _writing(comm, rxd, problem.dt) if frames else nullcontext():
        compile_first(comm, problem.shape[2])
    gc.collect()  # the small box must be gone
    before, _ = resident()
    with _writing(comm, rxd, problem.dt) if frames else nullcontext():
        box = Box(rxd, comm, problem, Watch())
        times = Times([slowest(comm, box.fadvance) for _ in range(steps)])
        used, used_at_peak = (
            comm.allreduce(after - before) / problem.voxels for after in resident()
        )
    del box  # it was measured alive
    return record(
        "memory",
        problem,
        comm,
        threads,
        times,
        bytes_a_voxel=used,
        bytes_a_voxel_peak=used_at_peak,
        frames=frames,
        phases={},
        phases_max={},
    )


@contextmanager
def _writing(comm, rxd, every: float):
    """Whole frames go to a file in a folder that is gone afterwards. Collective."""
    from ecsmpi.rxd.session import simulation

    with TemporaryDirectory() if comm.rank == 0 else nullcontext() as folder:
        output = rxd.Output(Path(comm.bcast(folder)) / "frames.h5", every)
        try:
            yield
        finally:
            output.ended()
            simulation.observers.remove(output)
            comm.Barrier()


def resident() -> list[int]:
    """Resident bytes of this process now, and at its highest."""
    status = Path("/proc/self/status").read_text()
    return [1024 * int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) for key in ("VmRSS", "VmHWM")]
