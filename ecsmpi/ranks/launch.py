"""Start MPI and NEURON on the same ranks, end them together, and let them wait for each other.

    comm = start()                      before anything else imports neuron
    with one_per_node_first(comm):      compile once for each node, not once for each rank
    meet(comm, "states3d")              a call that every rank must make
    abort(comm, error)                  one rank has failed: all end

Nothing here runs at import time. A launcher can go wrong in ways that look like success: N processes that are
each alone, or MPI with N ranks of which NEURON sees one. `start` makes them errors.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import sys
import time
import traceback

from ecsmpi.ranks.arrivals import arrivals
from ecsmpi.ranks.meeting import meet, meeting_place, one_per_node_first, wait

__all__ = ["LaunchError", "abort", "communicator", "meet", "one_per_node_first", "own_communicator", "start"]

# What launchers say about the number of processes and this one's place, the innermost launcher first.
LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
OTHERS_WAIT = 1.0  # s by which rank 0 is ahead with its message when all ranks fail alike

_comm = None


class LaunchError(RuntimeError):
    """MPI and NEURON did not start as one job of the expected size."""


def start():
    """Start MPI and NEURON; return ecsmpi's communicator over all ranks. Collective; later calls are free.

    Raises LaunchError, naming the cure, where the processes are not one MPI job, where NEURON has other ranks
    than MPI, and where neuron was imported so early that the script may have believed a wrong rank count.
    """
    global _comm
    if _comm is None:
        neuron_was_first = "neuron" in sys.modules
        comm = _start_mpi()
        _start_neuron(comm, neuron_was_first)
        _comm = comm
    return _comm


def communicator():
    """The communicator of `start`, or None before it has succeeded."""
    return _comm


def own_communicator():
    """The communicator of this process alone."""
    from mpi4py import MPI

    return MPI.COMM_SELF


def _start_mpi():
    from mpi4py import MPI

    check_one_job(MPI.COMM_WORLD.size)
    comm = MPI.COMM_WORLD.Dup()
    meeting_place(comm)
    arrivals(comm)
    if comm.size > 1:
        _end_together(comm)
    # Read when numba is imported, so this comes before any kernel. Threads that wait spin for some 0.1 ms at most, longer
    # than between two sweeps, shorter than what hurts where another process needs the core.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(cores_of_rank(comm)))
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    return comm


def check_one_job(size):
    """Raise LaunchError where the launcher started another number of processes than MPI's `size` ranks."""
    for count, place in LAUNCHERS:
        launched = os.environ.get(count, "")
        if launched.isdigit():
            break
    else:
        return
    # Where Open MPI's mpirun went through srun, srun counts its daemons: there only a lone process tells.
    if int(launched) == size or (count.startswith("SLURM") and size > 1):
        return
    if os.environ.get(place, "0") != "0":
        time.sleep(
            3 * OTHERS_WAIT
        )  # the launcher ends them once the first has ended, before they say the same
    raise LaunchError(
        f"the launcher started {launched} processes ({count}={launched}) but MPI has {size} rank(s): each "
        "process would compute the whole model alone. Start them with the mpirun of the MPI library that "
        "mpi4py uses (`ecsmpi doctor` names it), or under SLURM with `srun --mpi=pmix`; for one rank, "
        f"unset {count}."
    )


def launched_rank():
    """This process's rank by the launcher's word, before MPI has started; 0 where nothing launched it."""
    return next((int(os.environ[place]) for _, place in LAUNCHERS if os.environ.get(place, "").isdigit()), 0)


def cores_of_rank(comm):
    """Cores this rank may use: those of its affinity mask, shared by all ranks bound to them. Collective."""
    from mpi4py import MPI

    cores = os.sched_getaffinity(0)
    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    masks = node.allgather(cores)
    node.Free()
    return max(1, len(cores) // sum(1 for mask in masks if mask & cores))


def _start_neuron(comm, neuron_was_first):
    _show_mpi_to_neuron()
    from neuron import n

    # A ParallelContext or a section that exists already was made under NEURON's own idea of the rank count.
    used = neuron_was_first and (n.List("ParallelContext").count() > 0 or any(True for _ in n.allsec()))
    context = n.ParallelContext()
    if int(context.nhost()) != comm.size and neuron_was_first:
        if used:
            raise LaunchError(
                f"ecsmpi was imported too late: neuron, imported before it, runs as {int(context.nhost())} "
                f"rank(s) while MPI has {comm.size}, and the script has already made sections or a "
                "ParallelContext. Import ecsmpi before neuron."
            )
        n.nrnmpi_init()
    rank, size = int(context.id()), int(context.nhost())
    if (rank, size) != (comm.rank, comm.size):
        raise LaunchError(
            f"NEURON is rank {rank} of {size} where MPI is rank {comm.rank} of {comm.size}: NEURON does not "
            "use mpi4py's MPI library. Import ecsmpi before neuron, leave NEURON_INIT_MPI and "
            "MPI_LIB_NRN_PATH unset, and run `ecsmpi doctor`."
        )


def _show_mpi_to_neuron():
    """Open mpi4py's MPI library again, globally: NEURON looks for it among the global symbols."""
    for path in mpi_libraries():
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)


def mpi_libraries():
    """Paths of the MPI libraries in this process; more than one means that its parts do not share an MPI."""
    name = re.compile(r"/libmpi(ch|_cray|_gnu\w*|_intel\w*)?\.so[.\d]*$")
    with open("/proc/self/maps") as maps:
        paths = (line.split(maxsplit=5)[-1].rstrip("\n") for line in maps)
        return sorted({path for path in paths if name.search(path)})


# Ending together


def abort(comm, error, status=1):
    """Print the failure of this rank and end the job on all ranks with `status`. Does not return.

    error: an exception, printed with its traceback, or a message, printed as it is. Where all ranks fail
    alike rank 0 prints and ends the others before they do.
    """
    if comm.rank != 0:
        time.sleep(OTHERS_WAIT)
    if isinstance(error, BaseException):
        where = f"ecsmpi: rank {comm.rank} of {comm.size} failed and ends the job\n"
        error = where + "".join(traceback.format_exception(error))
    sys.stdout.flush()
    sys.stderr.write(error.rstrip("\n") + "\n")
    sys.stderr.flush()
    comm.Abort(status)


def leave(comm, status):
    """End the process on every rank with `status`, once all have come here. Collective; does not return.

    Nothing that is registered to happen at exit happens: the caller has closed what was open.
    """
    from mpi4py import MPI

    sys.stdout.flush()
    sys.stderr.flush()
    wait(meeting_place(comm).Ibarrier(), float("inf"))
    MPI.Finalize()
    os._exit(status)


def _end_together(comm):
    """From now on an exception, or sys.exit with a non-zero status, on one rank ends the job on all of them.

    `raise SystemExit(2)` and the interactive `exit()` go past this: nothing sees their status before
    MPI_Finalize.
    """
    sys.excepthook = lambda _kind, error, _trace: abort(comm, error)
    leave = sys.exit

    def leave_noted(status=None):
        atexit.unregister(_part)
        code = status if isinstance(status, int) else int(status is not None)
        if code != 0:
            # Registered last, it runs first: what else is done at exit may be collective.
            atexit.register(_part, comm, code)
        leave(status)

    sys.exit = leave_noted


def _part(comm, status, patience=5.0):
    """This rank ends by sys.exit with a failure; where the others do not end too, end them.

    MPI_Finalize waits for all ranks, so it would wait for ever for a rank that waits for this one.
    """
    parting = meeting_place(comm).Ibarrier()
    if not wait(parting, patience):
        abort(
            comm,
            f"ecsmpi: rank {comm.rank} of {comm.size} left with status {status} and ends the job",
            status,
        )
