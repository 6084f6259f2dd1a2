"""Start MPI on all ranks, end them together, and let them wait for each other.

    with one_per_node_first(comm):      compile once for each node, not once for each rank
    meet(comm, "states3d")              a call that every rank must make
    abort(comm, error)                  one rank has failed: all ranks end

Nothing here runs at import time. A launcher can go wrong in ways that look like success: N
processes that are each alone, or MPI with N ranks of which NEURON sees one. `start_mpi` and
`neuron_api.neuron_start.start` turn them into errors.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from ecsmpi.ranks import code_folders, cores, forks, wheels
from ecsmpi.ranks.arrivals import NOTICE_AFTER, arrivals
from ecsmpi.ranks.launchers import launched
from ecsmpi.ranks.launchers import launched_rank as launched_rank
from ecsmpi.ranks.meeting import meet, meeting_place, one_per_node_first, timeout_seconds, wait

__all__ = ["LaunchError", "abort", "meet", "one_per_node_first", "own_communicator", "start_mpi"]

OTHERS_WAIT = 1.0  # s that other ranks wait with a message, so that rank 0 says it for all
PATIENCE = 5.0  # s that a rank that leaves with a failure waits for the others to leave, too

_comm: Any = None  # of `start_mpi`, once MPI has been started


class LaunchError(RuntimeError):
    """MPI and NEURON did not start as one job of the expected size."""


def own_communicator() -> Any:
    """The communicator of this process alone."""
    from ecsmpi.ranks.mpi import MPI

    return MPI.COMM_SELF


def start_mpi() -> Any:
    """Start MPI, once in a process; return ecsmpi's communicator over all ranks. Collective.

    A call after an error, as of an import that is tried again, repeats nothing that succeeded.

    Raises
    ------
    LaunchError
        Where the processes are not one job of ranks that all import ecsmpi.
    UnsafeFolder
        Where other users can write the folder of compiled code.
    """
    global _comm
    if _comm is None:
        _comm = _connected()
    _settle_code_folders(_comm)
    # numba reads the number when it is imported, and the cores of a rank are known only now.
    cores.limit_threads(cores_of_rank(_comm))
    return _comm


def _connected() -> Any:
    """Start MPI and prepare a communicator over all ranks; LaunchError comes before any effect."""
    cores.choose_how_to_wait()
    from ecsmpi.ranks.mpi import MPI

    refuse_stopped(MPI)
    check_one_job(MPI.COMM_WORLD.size)
    refuse_one_of_a_pool(MPI.COMM_WORLD)
    wait_for_all(MPI.COMM_WORLD)
    comm = MPI.COMM_WORLD.Dup()
    meeting_place(comm)
    arrivals(comm)
    atexit.register(_end_child)  # registered first, it runs last
    forks.watch(comm.size)
    if comm.size > 1:
        _end_together(comm)
    return comm


def _settle_code_folders(comm: Any) -> None:
    """Settle where compiled code lies, before numba is imported. Raises UnsafeFolder."""
    notice = code_folders.settle()
    if notice and comm.rank == 0:
        print(f"ecsmpi: {notice}", file=sys.stderr, flush=True)


def refuse_stopped(MPI: Any) -> None:
    """Raise LaunchError where MPI does not run: a script may have told mpi4py not to start it."""
    if not MPI.Is_initialized():
        raise LaunchError(
            "MPI has not been started when ecsmpi is imported: remove mpi4py.rc.initialize = False "
            "(or MPI4PY_RC_INITIALIZE), or call MPI.Init_thread() before"
        )
    if MPI.Is_finalized():
        raise LaunchError(
            "MPI has been finalized before ecsmpi was imported: import ecsmpi first, and call "
            "MPI.Finalize() last"
        )


def refuse_one_of_a_pool(comm: Any) -> None:
    """Raise LaunchError where mpi4py.futures runs the script on one of several ranks.

    `python -m mpi4py.futures` keeps the other ranks for tasks, so they never import ecsmpi.
    """
    core = sys.modules.get("mpi4py.futures._core")
    if comm.size > 1 and getattr(core, "SharedPool", None) is not None:
        raise LaunchError(
            f"mpi4py.futures runs this script on one of {comm.size} ranks, and ecsmpi needs all of "
            "them: start it by `mpirun -n N python script.py`, or let it be one process in which "
            "MPIPoolExecutor starts others"
        )


def wait_for_all(comm: Any) -> None:
    """Wait until all ranks import ecsmpi. Collective.

    After 10 s a rank says that it waits. After ECSMPI_TIMEOUT seconds (300) it ends the job.
    """
    timeout = timeout_seconds()
    importing = comm.Ibarrier()
    if wait(importing, min(NOTICE_AFTER, timeout)):
        return
    why = "import it on every rank, not under `if rank == 0`, and not under mpi4py.futures"
    if timeout > NOTICE_AFTER:
        print(
            f"ecsmpi: rank {comm.rank} waits for ranks that have not imported ecsmpi: {why}",
            file=sys.stderr,
            flush=True,
        )
        if wait(importing, timeout - NOTICE_AFTER):
            return
    abort(
        comm,
        f"ecsmpi: rank {comm.rank} of {comm.size} waited {timeout:g} s for ranks that never "
        f"imported ecsmpi: {why}",
    )


def check_one_job(size: int) -> None:
    """Raise LaunchError where the launcher has not started as many processes as MPI has ranks.

    size: number of MPI's ranks.
    """
    found = launched()
    if found is None:
        return
    count, rank, number = found
    # Where Open MPI's mpirun goes through srun, srun counts the daemons of mpirun. There, only a
    # process that is alone shows that something went wrong.
    if number == size or (count.startswith("SLURM") and size > 1):
        return
    if os.environ.get(rank, "0") != "0":
        # When the first process has ended, the launcher ends the others, before they say the same
        time.sleep(3 * OTHERS_WAIT)
    cure = (
        "Start them with the mpirun of the MPI library that mpi4py uses (`ecsmpi doctor` names "
        f"it), or under SLURM with `srun --mpi=pmix`; for one rank, unset {count}."
    )
    raise LaunchError(
        f"the launcher started {number} processes ({count}={number}) but MPI has {size} rank(s): "
        "each process would compute the whole model alone. "
        f"{wheels.why_another_library(mpi_libraries()) or cure}"
    )


def cores_of_rank(comm: Any) -> int:
    """Number of cores for this rank, from its affinity mask and those of others. Collective.

    Ranks whose masks have a core in common share all cores of their masks evenly.
    """
    from ecsmpi.ranks.mpi import MPI

    own = os.sched_getaffinity(0)
    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    masks = node.allgather(own)
    node.Free()
    sharing = sum(1 for mask in masks if mask & own)
    return max(1, len(own) // sharing)


def mpi_libraries() -> list[str]:
    """Paths of the MPI libraries in this process.

    Where there is more than one, parts of the process do not share an MPI.
    """
    name = re.compile(r"/libmpi(ch|_cray|_gnu\w*|_intel\w*)?\.so[.\d]*$")
    found = set()
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.split(maxsplit=5)[-1].rstrip("\n")
            if name.search(path):
                found.add(path)
    return sorted(found)


# Ending together


def abort(comm: Any, error: BaseException | str, status: int = 1) -> None:
    """Print the failure of this rank and end the job on all ranks. Local; does not return.

    Where all ranks fail alike, rank 0 prints its failure and ends the others before they print.

    Parameters
    ----------
    comm
        Of all ranks of the job.
    error : exception or str
        An exception is printed with its traceback, a message as it is.
    status : int
        Exit status of the job.
    """
    if comm.rank != 0:
        time.sleep(OTHERS_WAIT)
    if isinstance(error, BaseException):
        where = f"ecsmpi: rank {comm.rank} of {comm.size} failed and ends the job\n"
        error = where + "".join(traceback.format_exception(error)) + _cure(error)
    sys.stdout.flush()
    sys.stderr.write(error.rstrip("\n") + "\n")
    sys.stderr.flush()
    comm.Abort(status)


def _cure(error: BaseException) -> str:
    """What to do about an error whose message is that of another library, else ""."""
    if isinstance(error, ValueError) and "read-only" in str(error):
        return (
            "ecsmpi: on several ranks states3d and gather() are read-only copies: set "
            "species[ecs].concentration, nodes.value or node.value, which any rank may\n"
        )
    return ""


def leave(comm: Any, status: int) -> NoReturn:
    """End the process with a status, when all ranks have come here. Collective.

    Functions that are registered with atexit are not called: the caller has closed what was open.
    """
    from ecsmpi.ranks.mpi import MPI

    sys.stdout.flush()
    sys.stderr.flush()
    wait(meeting_place(comm).Ibarrier(), float("inf"))
    MPI.Finalize()
    os._exit(status)


def before_mpi_ends(action: Callable[[], object]) -> None:
    """Have ``action()`` called when MPI is about to end, whoever ends it.

    Ranks can then still reach each other. MPI first deletes the attributes of COMM_SELF, the last
    one first, and this function sets one. So call it after HDF5 has set its own.
    """
    from ecsmpi.ranks.mpi import MPI, missing

    def deleted(_comm, _key, _value):
        action()

    if not missing:
        MPI.COMM_SELF.Set_attr(MPI.Comm.Create_keyval(delete_fn=deleted), True)


def _end_together(comm: Any) -> None:
    """Let an exception, or sys.exit with a status other than 0, on one rank end all ranks.

    It cannot see `raise SystemExit(2)` and the interactive `exit()`: nothing learns their status
    before MPI_Finalize.
    """
    sys.excepthook = lambda _kind, error, _trace: abort(comm, error)
    leave = sys.exit

    def leave_noted(status=None):
        atexit.unregister(_end_others)
        code = status if isinstance(status, int) else int(status is not None)
        if code != 0:
            # Registered last, it runs first: other functions at exit may be collective.
            atexit.register(_end_others, comm, code)
        leave(status)

    sys.exit = leave_noted


def _end_child() -> None:
    if forks.is_child():
        forks.leave_mpi(mpi_libraries())


def _end_others(comm: Any, status: int) -> None:
    """End the job where this rank leaves by sys.exit with a failure and others do not leave, too.

    MPI_Finalize waits for all ranks, so it would wait for ever for a rank that waits for this one.
    """
    leaving = meeting_place(comm).Ibarrier()
    if not wait(leaving, PATIENCE):
        abort(
            comm,
            f"ecsmpi: rank {comm.rank} of {comm.size} left with status {status} and ends the job",
            status,
        )
