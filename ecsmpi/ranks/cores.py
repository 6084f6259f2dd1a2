"""The cores of this machine that ranks and threads share, and how they wait where others want these
cores too.

MPI and OpenMP wait by spinning, which is fastest where each has a core for itself. Where cores are
shared, a rank or thread that spins takes the core from the one that it waits for: steps of a small
box were 10 to 60 times slower. So there a rank that waits yields (before MPI starts), and a thread
that waits sleeps (before numba starts). What the user has set stays.
"""

from __future__ import annotations

import os

YIELD = "OMPI_MCA_mpi_yield_when_idle"  # MPICH yields by itself, now and then
SLEEP = "MPIR_CVAR_ENABLE_HEAVY_YIELD"  # MPICH then sleeps some 50 us instead
SPIN = "GOMP_SPINCOUNT"
THREADS = "NUMBA_NUM_THREADS"
SHORT_SPIN = "30000"  # some 0.1 ms: longer than between two sweeps
RANKS_HERE = (
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "PMI_LOCAL_SIZE",
    "MV2_COMM_WORLD_LOCAL_SIZE",
)
JOBS = (
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "JOB_ID",
    "COBALT_JOBID",
)  # of batch systems, whose cores are one job's
FEW = 4  # cores of a machine on which there is no core for anything else

_threads_are_ours = False


def share_before_mpi() -> None:
    """Let ranks and threads that wait give their cores away, where the cores are shared. Before MPI
    and numba start.
    """
    shared = why_shared() is not None
    if shared:
        os.environ.setdefault(YIELD, "1")
    if ranks_here() > (
        os.cpu_count() or 1
    ):  # steps of a small box are then twice as fast; else slower
        os.environ.setdefault(SLEEP, "1")
    os.environ.setdefault(SPIN, "0" if shared else SHORT_SPIN)


def why_shared() -> str | None:
    """Why the ranks of this machine have to share their cores, or None where each has cores for
    itself.
    """
    ranks, cores = ranks_here(), len(os.sched_getaffinity(0))
    machine = os.cpu_count() or cores
    if ranks > machine:
        return f"{ranks} ranks on {machine} cores"
    if any(os.environ.get(job) for job in JOBS):
        return None
    if machine < FEW:
        return f"a machine of {machine} cores"
    busy = os.getloadavg()[0]
    if busy + ranks > machine + 1:
        return f"{ranks} ranks on {machine} cores with a load of {busy:.1f}"
    return None


def ranks_here() -> int:
    """Ranks that the launcher has started on this machine, by its own word; 1 without one."""
    numbers = (os.environ.get(name, "") for name in RANKS_HERE)
    return next((int(number) for number in numbers if number.isdigit()), 1)


def share_threads(cores: int) -> None:
    """Let numba have as many threads as this rank has cores, unless the user has said how many.
    Before numba starts.
    """
    global _threads_are_ours
    _threads_are_ours = _threads_are_ours or THREADS not in os.environ
    os.environ.setdefault(THREADS, str(cores))


def users_threads() -> int | None:
    """The number of threads that the user's NUMBA_NUM_THREADS asks for, or None where it is ours."""
    number = os.environ.get(THREADS, "")
    return int(number) if number.isdigit() and not _threads_are_ours else None
