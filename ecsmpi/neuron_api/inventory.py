"""A digest of this rank's cells, and the Python modules that save their state along with them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ecsmpi.neuron_api import mechanisms
from ecsmpi.neuron_api.interpreter import n, neuron


def fingerprint(recorder: str) -> str:
    """Digest of this rank's sections, mechanisms and connections; "" without any. Local.

    recorder: name of the section that only lets a rank record; alone it does not count.
    """
    templates = [*mechanisms.point_process_names(), "NetCon", "Random"]
    placed = [(name, len(mechanisms.objects(name))) for name in templates]
    has_objects = any(count for _, count in placed)
    has_sections = any(sec.name() != recorder for sec in n.allsec())
    if not has_objects and not has_sections:
        return ""
    described = json.dumps([[_section(sec) for sec in n.allsec()], placed])
    return hashlib.sha256(described.encode()).hexdigest()


def _section(sec: Any) -> list:
    """What must be the same in a section again.

    The cell's name is left out, as it holds an address where the cell is a Python object.
    """
    own_name = sec.name().rpartition(".")[2]
    names = sorted(mechanism.name() for mechanism in sec(0.5))
    return [own_name, sec.nseg, sec.L, names]


def saving_modules() -> list[str]:
    """Names under which Python modules save something along with SaveState.

    They have registered themselves by `neuron.register_savestate`.
    """
    return list(neuron._id_savestates)
