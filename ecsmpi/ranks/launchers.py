"""What the program that started this process says about it, before MPI has started."""

from __future__ import annotations

import os

# (number of processes, this one's place), the innermost launcher first
LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
PREFIXES = (
    "OMPI_COMM_",
    "OMPI_UNIVERSE",
    "PMI_",
    "PMIX_",
    "MPI_LOCAL",
    "HYDI_",
)  # of what a launcher of MPI tells a rank
INSTALL_MPI = "pip install 'ecsmpi[mpi]' (Open MPI from a wheel), or install or load an MPI library of this machine"


def launched() -> tuple[str, str, int] | None:
    """(variable of the number, variable of the place, number of processes), or None where nothing
    launched this one.
    """
    for count, place in LAUNCHERS:
        if os.environ.get(count, "").isdigit():
            return count, place, int(os.environ[count])
    return None


def launched_rank() -> int:
    """This process's place; 0 where nothing launched it."""
    places = (os.environ.get(place, "") for _, place in LAUNCHERS)
    return next((int(place) for place in places if place.isdigit()), 0)
