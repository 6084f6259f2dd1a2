"""What rank 0 alone does with a file."""

from __future__ import annotations

from ecsmpi.ranks.meeting import everywhere


def on_first_rank(comm, action, *arguments):
    """Let rank 0 run ``action(*arguments)``; its failure is raised on every rank. Collective.

    Returns the result on rank 0, and None on the other ranks.
    """
    return everywhere(comm, action if comm.rank == 0 else _do_nothing, *arguments)


def _do_nothing(*_) -> None:
    """What the other ranks do."""
