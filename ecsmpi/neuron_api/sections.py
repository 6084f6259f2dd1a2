"""This rank's sections, and the recorder: a section by which a rank without sections can record.

NEURON's Vector.record and play fail on a rank without any section. So such a rank gets one. It lies
far from any box and is no part of the model, so it may be made while a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecsmpi.neuron_api.interpreter import n

RECORDER = "ecsmpi_recorder"  # name of the section
FAR_AWAY = 1e9  # um, where it lies

_recorder: list = []  # the section, where this rank has made it


def let_record() -> None:
    """Make the recorder where this rank has no section. Local."""
    if any(True for _ in n.allsec()):
        return
    section = n.Section(name=RECORDER)
    for x in (FAR_AWAY, FAR_AWAY + 1):
        section.pt3dadd(x, FAR_AWAY, FAR_AWAY, 1)
    _recorder[:] = [section]


def forget_recorder() -> None:
    """Delete the recorder, if there is one. Local."""
    _recorder.clear()


def model_sections() -> Iterable[Any]:
    """This rank's sections in NEURON's order, without the recorder. Local."""
    if not _recorder:
        return n.allsec()
    return (sec for sec in n.allsec() if sec != _recorder[0])
