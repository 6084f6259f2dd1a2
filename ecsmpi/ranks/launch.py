"""Start MPI on all ranks, end them together, and let them wait for each other.

    with one_per_node_first(comm):      compile once for each node, not once for each rank
    meet(comm, "states3d")              a call that every rank must make
    abort(comm, error)                  one rank has failed: all end

Nothing here runs at import time. A launcher can go wrong in ways that look like success: N
processes that are each alone, or MPI with N ranks of which NEURON sees one. `start_mpi`, and
`neuron_api.launch.start`, make them errors.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import time
import traceback

from ecsmpi.ranks import code_folders, cores, forks, wheels
from ecsmpi.ranks.arrivals import NOTICE_AFTER, arrivals
from ecsmpi.ranks.launchers import launched
from ecsmpi.ranks.launchers import launched_rank as launched_rank
from ecsmpi.ranks.meeting import meet, meeting_place, one_per_node_first, timeout_seconds, wait

__all__ = ["LaunchError", "abort", "meet", "one_per_node_first", "own_communicator", "start_mpi"]

OTHERS_WAIT = 1.0  # s by which rank 0 is ahead with its message when all ranks fail alike


class LaunchError(RuntimeError):
    """MPI and NEURON did not start as one job of the expected size."""


def own_communicator():
    """The communicator of this process alone."""
    from ecsmpi.ranks.mpi import MPI

    return MPI.COMM_SELF


def start_mpi():
    """Start MPI; return ecsmpi's communicator over all ranks. Collective, once in a process."""
    cores.share_before_mpi()
    from ecsmpi.ranks.mpi import MPI

    refuse_stopped(MPI)
    check_one_job(MPI.COMM_WORLD.size)
    refuse_one_of_a_pool(MPI.COMM_WORLD)
    wait_for_all(MPI.COMM_WORLD)
    comm = MPI.COMM_WORLD.Dup()
    meeting_place(comm)
    arrivals(comm)
    atexit.register(_end_child)  # the first one registered is the last to run
    forks.watch(comm.size)
    if comm.size > 1:
        _end_together(comm)
    _settle_code_folders(comm)
    cores.share_threads(
        cores_of_rank(comm)
    )  # numba reads that when it is imported: before any kernel
    return comm


def _settle_code_folders(comm):
    """Before numba starts; a rank whose folder others can write raises."""
    told = code_folders.settle()
    if told and comm.rank == 0:
        print(f"ecsmpi: {told}", file=sys.stderr, flush=True)


def refuse_stopped(MPI):
    """Raise LaunchError where MPI does not run: a script may have told mpi4py not to start it."""
    if not MPI.Is_initialized():
        raise LaunchError(
            "MPI has not been started when ecsmpi is imported: remove mpi4py.rc.initialize = False (or MPI4PY_RC_INITIALIZE), "
            "or call MPI.Init_thread() before"
        )
    if MPI.Is_finalized():
        raise LaunchError(
            "MPI has been finalized before ecsmpi was imported: import ecsmpi first, and call MPI.Finalize() last"
        )


def refuse_one_of_a_pool(comm):
    """Raise LaunchError where `python -m mpi4py.futures` runs the script on one rank, and keeps the
    others for tasks.
    """
    core = sys.modules.get("mpi4py.futures._core")
    if comm.size > 1 and getattr(core, "SharedPool", None) is not None:
        raise LaunchError(
            f"mpi4py.futures runs this script on one of {comm.size} ranks, and ecsmpi needs all of them: start it by "
            "`mpirun -n N python script.py`, or let it be one process in which MPIPoolExecutor starts others"
        )


def wait_for_all(comm):
    """Wait until all ranks import ecsmpi; after 10 s say so, and end the job after ECSMPI_TIMEOUT
    seconds (300). Collective.
    """
    timeout, importing = timeout_seconds(), comm.Ibarrier()
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
        f"ecsmpi: rank {comm.rank} of {comm.size} waited {timeout:g} s for ranks that never imported ecsmpi: {why}",
    )


def check_one_job(size):
    """Raise LaunchError where the launcher started another number of processes than MPI's `size`
    ranks.
    """
    found = launched()
    if found is None:
        return
    count, place, number = found
    # Where Open MPI's mpirun went through srun, srun counts its daemons: there only a lone process
    # tells.
    if number == size or (count.startswith("SLURM") and size > 1):
        return
    if os.environ.get(place, "0") != "0":
        time.sleep(
            3 * OTHERS_WAIT
        )  # the launcher ends them once the first has ended, before they say the same
    cure = (
        "Start them with the mpirun of the MPI library that "
        "mpi4py uses (`ecsmpi doctor` names it), or under SLURM with `srun --mpi=pmix`; for one rank, "
        f"unset {count}."
    )
    raise LaunchError(
        f"the launcher started {number} processes ({count}={number}) but MPI has {size} rank(s): each "
        f"process would compute the whole model alone. {wheels.mistaken(mpi_libraries()) or cure}"
    )


def cores_of_rank(comm):
    """Cores this rank may use: those of its affinity mask, shared by all ranks bound to them.
    Collective.
    """
    from ecsmpi.ranks.mpi import MPI

    own = os.sched_getaffinity(0)
    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    masks = node.allgather(own)
    node.Free()
    return max(1, len(own) // sum(1 for mask in masks if mask & own))


def mpi_libraries():
    """Paths of the MPI libraries in this process; more than one means that its parts do not share
    an MPI.
    """
    name = re.compile(r"/libmpi(ch|_cray|_gnu\w*|_intel\w*)?\.so[.\d]*$")
    with open("/proc/self/maps") as maps:
        paths = (line.split(maxsplit=5)[-1].rstrip("\n") for line in maps)
        return sorted({path for path in paths if name.search(path)})


# Ending together


def abort(comm, error, status=1):
    """Print the failure of this rank and end the job on all ranks with `status`. Does not return.

    error: an exception, printed with its traceback, or a message, printed as it is. Where all ranks
    fail alike rank 0 prints and ends the others before they do.
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


def _cure(error) -> str:
    """What to do about an error whose words are those of another library."""
    if isinstance(error, ValueError) and "read-only" in str(error):
        return (
            "ecsmpi: on several ranks states3d and gather() are read-only copies: set species[ecs].concentration, "
            "nodes.value or node.value, which any rank may\n"
        )
    return ""


def leave(comm, status):
    """End the process on every rank with `status`, once all have come here. Collective; does not
    return.

    Nothing that is registered to happen at exit happens: the caller has closed what was open.
    """
    from ecsmpi.ranks.mpi import MPI

    sys.stdout.flush()
    sys.stderr.flush()
    wait(meeting_place(comm).Ibarrier(), float("inf"))
    MPI.Finalize()
    os._exit(status)


def before_mpi_ends(action):
    """Have ``action()`` called when MPI is about to end, whoever ends it: then ranks can still
    reach each other.

    MPI deletes the attributes of COMM_SELF first, the last one first: this one has to be set after
    that of HDF5.
    """
    from ecsmpi.ranks.mpi import MPI, missing

    def deleted(_comm, _key, _value):
        action()

    if not missing:
        MPI.COMM_SELF.Set_attr(MPI.Comm.Create_keyval(delete_fn=deleted), True)


def _end_together(comm):
    """From now on an exception, or sys.exit with a non-zero status, on one rank ends the job on all
    of them.

    `raise SystemExit(2)` and the interactive `exit()` go past this: nothing sees their status
    before MPI_Finalize.
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


def _end_child():
    if forks.is_child():
        forks.leave_mpi(mpi_libraries())


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
