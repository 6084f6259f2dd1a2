"""mpi4py's MPI or, in a process that nothing has launched where no MPI library can be loaded,
`alone.MPI`.

from ecsmpi.ranks.mpi import MPI        which starts MPI
"""

from __future__ import annotations

from ecsmpi.ranks.launchers import INSTALL_MPI as CURE
from ecsmpi.ranks.launchers import launched


class NoMPI(RuntimeError):
    """Several processes have been launched, and there is no MPI library by which they could find
    each other.
    """


def _mpi():
    """The module, and why it is not mpi4py's."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        return _alone(str(error).strip())
    return MPI, ""


def _alone(why: str):
    found = launched()
    if found and found[2] > 1:
        raise NoMPI(
            f"the launcher started {found[2]} processes ({found[0]}={found[2]}), and mpi4py finds no MPI library: {CURE}. {why}"
        )
    from ecsmpi.ranks.alone import MPI

    return MPI, why


MPI, missing = _mpi()
