"""The section by which a rank without sections can record: Vector.record and play fail without any.

It lies far from any box and is no part of the model, so it may come while a run goes on.
"""

from __future__ import annotations

from typing import Iterable

from ecsmpi.neuron_api.interpreter import n

RECORDER = "ecsmpi_recorder"
FAR_AWAY = 1e9  # um, where it lies

_made: list = []  # the section, where there is one


def let_record() -> None:
    """Make it where this rank has no section. Local."""
    if any(True for _ in n.allsec()):
        return
    section = n.Section(name=RECORDER)
    for x in (FAR_AWAY, FAR_AWAY + 1):
        section.pt3dadd(x, FAR_AWAY, FAR_AWAY, 1)
    _made[:] = [section]


def forget() -> None:
    """Let it go. Local."""
    _made.clear()


def sections() -> Iterable:
    """This rank's sections without it, in NEURON's order. Local."""
    if not _made:
        return n.allsec()
    return (sec for sec in n.allsec() if sec != _made[0])
