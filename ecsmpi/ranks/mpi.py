"""The module MPI: that of mpi4py or, for a single process without an MPI library, `alone.MPI`.

from ecsmpi.ranks.mpi import MPI        which starts MPI
"""

from __future__ import annotations

from typing import Any

from ecsmpi.ranks.launchers import INSTALL_MPI, launched


class NoMPI(RuntimeError):
    """Several processes have been launched, and no MPI library can connect them."""


def _mpi() -> tuple[Any, str]:
    """(the module, why it is not mpi4py's)."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        return _alone(str(error).strip())
    return MPI, ""


def _alone(why: str) -> tuple[Any, str]:
    variable, _, number = launched() or ("", "", 1)
    if number > 1:
        raise NoMPI(
            f"the launcher started {number} processes ({variable}={number}), and mpi4py finds no "
            f"MPI library: {INSTALL_MPI}. {why}"
        )
    from ecsmpi.ranks.alone import MPI

    return MPI, why


MPI, missing = _mpi()
