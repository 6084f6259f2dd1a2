"""Results as JSON lines: one record for each measurement, with what it was measured on.

{"kind": "strong", "ranks": 2, "threads": 1, "nodes": 1, "shape": [256, 256, 256], "species": 1,
 "segments": 1000, "dt": 0.025, "step_seconds": ..., "step_seconds_interval": [lo, hi],
 "repetitions": 40, "phases": {"up": s a step, mean over ranks, ...}, "phases_max": {...},
 "copy_bytes_per_second": ..., "step_times": [every repetition], "setup_seconds": {...},
 "provenance": {...}}
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from pathlib import Path

from ecsmpi import __version__
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.repetition import Times
from ecsmpi.neuron_api.wheel import installed_version

KINDS = (
    "strong",
    "weak",
    "kernel",
    "exchange",
    "gate",
    "neuron",
    "memory",
    "model",
    "slice",
    "peers",
    "rank",
)
MPI_VERSION = """
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.Get_library_version())
"""
NEEDED = ("kind", "ranks", "threads", "shape")


def record(kind: str, problem: Problem, comm, threads: int, times: Times, **more) -> dict:
    """Make the record of steps that took ``times``; ``more`` are further entries. Collective."""
    lo, hi = times.interval
    return {
        "kind": kind,
        "ranks": comm.size,
        "threads": threads,
        "nodes": len(set(comm.allgather(platform.node()))),
        **of_problem(problem),
        "step_seconds": times.median,
        "step_seconds_interval": [lo, hi],
        "repetitions": len(times.seconds),
        **more,
        "step_times": times.seconds,
        "provenance": provenance(),
    }


def of_problem(problem: Problem) -> dict:
    """The entries of a record that say what was measured."""
    return {
        "shape": list(problem.shape),
        "species": problem.species,
        "segments": problem.segments,
        "dt": problem.dt,
        "dx": problem.dx,
        "varies": problem.varies,
    }


@cache
def provenance() -> dict:
    """When, on what processor and with which versions; the name of the machine is left out."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),  # this rank's
        "node_cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "numa_domains": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or 1,
        "ecsmpi": __version__,
        "python": platform.python_version(),
        "mpi": _mpi_library(),
        "neuron": installed_version(),
        **{name: metadata.version(name) for name in ("numpy", "numba", "mpi4py")},
    }


def append(path: Path, record: dict) -> None:
    """Append a record to a file of JSON lines."""
    with open(path, "a") as file:
        file.write(json.dumps(record) + "\n")


def read(path: Path) -> list[dict]:
    """Read the records of a file.

    Raises
    ------
    ValueError
        A line is not a record; the message names the line.
    """
    found = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if line.strip():
            found.append(_parsed(line, f"{path}, line {number}"))
    return found


def _parsed(line: str, where: str) -> dict:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error}") from None
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        raise ValueError(
            f"{where} is not a record of `ecsmpi bench`: its kind must be one of {', '.join(KINDS)}"
        )
    needed = NEEDED if record["kind"] == "rank" else (*NEEDED, "step_seconds")
    missing = [name for name in needed if name not in record]
    if missing:
        raise ValueError(
            f"{where} has no {', '.join(missing)}: it was not written by `ecsmpi bench`"
        )
    return record


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if named:
            return named[1]
    return platform.processor() or platform.machine()


def _mpi_library() -> str:
    """Name and version of the MPI library, which this process does not load for this alone."""
    if "mpi4py.MPI" in sys.modules:
        version = sys.modules["mpi4py.MPI"].Get_library_version()
    else:
        command = [sys.executable, "-c", MPI_VERSION]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.split(r"[,\n\0]", version)[0].strip()
