"""What a launcher (mpirun, srun) has told this process, known before MPI has started."""

from __future__ import annotations

import os

# (variable with the number of processes, variable with this one's rank), the innermost first
LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
# How the names of the variables begin that a launcher of MPI sets for its ranks
PREFIXES = ("OMPI_COMM_", "OMPI_UNIVERSE", "PMI_", "PMIX_", "MPI_LOCAL", "HYDI_")
INSTALL_MPI = (
    "pip install 'ecsmpi[mpi]' (Open MPI from a wheel), or install or load an MPI library of this "
    "machine"
)


def launched() -> tuple[str, str, int] | None:
    """What the launcher says of this process; None where nothing launched it.

    Returns (variable of the number, variable of the rank, number of processes).
    """
    for count, rank in LAUNCHERS:
        if os.environ.get(count, "").isdigit():
            return count, rank, int(os.environ[count])
    return None


def launched_ranks() -> int:
    """Number of processes, by the launcher's word; 1 where nothing launched this one."""
    found = launched()
    return found[2] if found else 1


def launched_rank() -> int:
    """This process's rank, by its launcher's word; 0 where nothing launched it."""
    for _, rank in LAUNCHERS:
        number = os.environ.get(rank, "")
        if number.isdigit():
            return int(number)
    return 0


def environment_of_no_rank() -> dict[str, str]:
    """The environment for a child that is no rank: this one's, without a launcher's variables."""
    told = (*PREFIXES, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}
