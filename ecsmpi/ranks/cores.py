"""How ranks and threads wait, and how many threads a rank has, given the cores of this machine.

MPI and threads wait by spinning, which is fastest where each rank and thread has a core for itself.
Where cores are shared, a rank or thread that spins takes the core from the one that it waits for:
steps of a small box were 10 to 60 times slower. There, a rank that waits yields its core and a
thread that waits sleeps. Environment variables say so, to MPI before it starts. Threads take the
variable of GNU OpenMP. Variables that the user has set stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from functools import cache

YIELD = "OMPI_MCA_mpi_yield_when_idle"  # for Open MPI; MPICH yields by itself, now and then
SLEEP = "MPIR_CVAR_ENABLE_HEAVY_YIELD"  # for MPICH, which then sleeps some 50 us instead
SPIN = "GOMP_SPINCOUNT"
THREADS = "NUMBA_NUM_THREADS"
SHORT_SPIN = "30000"  # some 0.1 ms: longer than between two sweeps
RANKS_HERE = (
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "PMI_LOCAL_SIZE",
    "MV2_COMM_WORLD_LOCAL_SIZE",
)
# Variables of batch systems, which give cores to one job alone
JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "COBALT_JOBID")
# Lines of /proc/cpuinfo that are of one core, or of this moment
CHANGING = ("processor", "cpu MHz", "bogomips", "BogoMIPS", "core id", "apicid", "initial apicid")
FEW = 4  # a machine with fewer cores has none to spare for other processes

_threads_are_ours = False  # whether ecsmpi rather than the user has set the number of threads


def choose_how_to_wait() -> None:
    """Let ranks and threads that wait give up their cores, where the cores are shared.

    Call it before MPI starts and before threads start: both read these variables once, when they
    start, and GNU OpenMP does so in libraries that have it.
    """
    shared = why_shared() is not None
    if shared:
        os.environ.setdefault(YIELD, "1")
    if ranks_here() > (os.cpu_count() or 1):
        os.environ.setdefault(SLEEP, "1")  # makes steps of a small box twice as fast; else slower
    os.environ.setdefault(SPIN, "0" if shared else SHORT_SPIN)


def looks_before_sleep() -> int:
    """How often a thread looks whether there is work before it sleeps, by GOMP_SPINCOUNT."""
    number = os.environ.get(SPIN, "")
    if number.lower() in ("infinite", "infinity"):
        return sys.maxsize
    return int(number) if number.isdigit() else int(SHORT_SPIN)


def why_shared() -> str | None:
    """Why the ranks of this machine share their cores; None where each rank has its own."""
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
    """Number of ranks on this machine, by the launcher's word; 1 without a launcher."""
    numbers = (os.environ.get(name, "") for name in RANKS_HERE)
    return next((int(number) for number in numbers if number.isdigit()), 1)


def limit_threads(cores: int) -> None:
    """Let a rank have as many threads as it has cores, unless the user has said how many.

    The number is numba's, too.

    Where the script has imported numba before, numba reads the number again. Where the script has
    also made numba start its threads, their number stays: numba cannot change it any more.
    """
    global _threads_are_ours
    if THREADS in os.environ:
        return
    _threads_are_ours = True
    numba = sys.modules.get("numba")
    if numba is None:
        os.environ[THREADS] = str(cores)
    elif _numba_has_threads():
        os.environ[THREADS] = str(numba.config.NUMBA_NUM_THREADS)
    else:
        os.environ[THREADS] = str(cores)
        numba.config.reload_config()


def _numba_has_threads() -> bool:
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    return getattr(parallel, "_is_initialized", False)


def most_threads() -> int:
    """Threads that this rank may have: as many as numba has, or would have, were it imported."""
    numba = sys.modules.get("numba")
    if numba is not None:
        return int(numba.config.NUMBA_NUM_THREADS)
    number = os.environ.get(THREADS, "")
    return int(number) if number.isdigit() else len(os.sched_getaffinity(0))


@cache
def processor() -> str:
    """What compiled code must know of this machine's processor: its model and its features.

    It tells processors apart as LLVM does, without LLVM.
    """
    chosen = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    lines = [platform.machine(), platform.processor(), *chosen]
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if not line.strip():
                break  # the other cores are alike
            if not line.startswith(CHANGING):
                lines.append(line.strip())
    return "\n".join(lines)


def users_threads() -> int | None:
    """The number of threads that the user has set by NUMBA_NUM_THREADS, or None."""
    number = os.environ.get(THREADS, "")
    return int(number) if number.isdigit() and not _threads_are_ours else None
