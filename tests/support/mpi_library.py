"""How the MPI library of the tests differs from others: its launcher, its variables, its words."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
import re
import subprocess

from support.ranks import _launcher


@dataclass(frozen=True)
class Library:
    """One MPI library.

    Attributes
    ----------
    counts : variable in which its launcher says how many ranks there are
    joins : beginnings of the variables by which ranks find each other
    by_network : variables for ranks of one machine that speak by the network, as those of several
    machines do
    """

    counts: str
    joins: tuple[str, ...]
    by_network: dict[str, str]


OPEN = Library("OMPI_COMM_WORLD_SIZE", ("PMIX_", "OMPI_MCA_"), {"OMPI_MCA_btl": "tcp,self"})
MPICH = Library("PMI_SIZE", ("PMI_FD", "PMI_PORT"), {"MPIR_CVAR_NOLOCAL": "1"})


@cache
def library() -> Library:
    """That of the mpirun that starts the tests' ranks."""
    said = subprocess.run(
        [_launcher(), "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout
    return OPEN if re.search("open ?mpi", said, re.IGNORECASE) else MPICH


def ranks_below(process: int) -> list[int]:
    """Return the process ids of the ranks that a launcher has started.

    MPICH's launcher starts them by a process of its own. A child that still has its parent's name
    has been forked and is not yet the program that it becomes.
    """
    found = []
    children = _children(process)
    name = _name(process)  # which it has since it has children
    for child in children:
        childs_name = _name(child)
        if childs_name.startswith("hydra_"):
            found += ranks_below(child)
        elif childs_name != name:
            found.append(child)
    return found


def _children(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True
    ).stdout
    return [int(pid) for pid in listed.split()]


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text()
    except OSError:  # it has ended
        return ""
