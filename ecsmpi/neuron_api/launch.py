"""Start MPI and NEURON on the same ranks: `start` comes before anything imports neuron."""

from __future__ import annotations

import ctypes
import sys

from ecsmpi.ranks.launch import LaunchError, mpi_libraries, start_mpi

_comm = None


def start():
    """Start MPI and NEURON; return ecsmpi's communicator over all ranks. Collective; later calls
    are free.

    Raises LaunchError, naming the cure, where the processes are not one MPI job, where NEURON has
    other ranks than MPI, and where neuron was imported so early that the script may have believed a
    wrong rank count.
    """
    global _comm
    if _comm is None:
        neuron_was_first = "neuron" in sys.modules
        comm = start_mpi()
        _start_neuron(comm, neuron_was_first)
        _comm = comm
    return _comm


def communicator():
    """The communicator of `start`, or None before it has succeeded."""
    return _comm


def _start_neuron(comm, neuron_was_first):
    _show_mpi_to_neuron()
    import neuron
    from neuron import n

    # A ParallelContext or a section that exists already was made under NEURON's own idea of the
    # rank count.
    used = neuron_was_first and (
        n.List("ParallelContext").count() > 0 or any(True for _ in n.allsec())
    )
    # Not asked of a ParallelContext, of which the first one settles who is the bulletin board's
    # master.
    size = ctypes.c_int.in_dll(neuron.nrn_dll(), "nrnmpi_numprocs").value
    if size != comm.size and neuron_was_first:
        if used:
            raise LaunchError(
                f"ecsmpi was imported too late: neuron, imported before it, runs as {size} "
                f"rank(s) while MPI has {comm.size}, and the script has already made sections or a "
                "ParallelContext. Import ecsmpi before neuron."
            )
        n.nrnmpi_init()
    context = n.ParallelContext()
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
