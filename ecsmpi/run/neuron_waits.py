"""A rank that waits long in NEURON's own part of a step says so, once.

NEURON exchanges spikes, and voltages of gap junctions, by MPI calls that keep Python's lock: no
thread of Python runs then. So a thread runs machine code without that lock. It looks at two things.
The first is a count (`beat`), by which a thread of Python says that it still gets its turn. The
second is whether the script is in a call of NEURON that advances time. If the count stands still in
such a call for long, this rank waits, since a rank that computes calls Python in each step.
"""

from __future__ import annotations

import ctypes
import threading

from ecsmpi.neuron_api import native_callbacks, neuron_calls
from ecsmpi.neuron_api.native_slots import MOST_ADVANCING, NAPS, WATCH

ADVANCING = ("fadvance", "continuerun", "run", "steprun", "advance", "stdrun")  # procedures of hoc
FIELDS = ("beat", "t", "nap", "seconds", "text", "advancing")


class _State(ctypes.Structure):
    """Memory that the thread reads."""

    _fields_ = [
        ("beat", ctypes.c_int64),
        ("t", ctypes.c_double),  # ms, of the last step
        ("nap", ctypes.c_int64),  # us
        ("seconds", ctypes.c_int64),
        ("text", ctypes.c_char_p),  # for the seconds and t
        ("advancing", ctypes.c_int64 * MOST_ADVANCING),  # calls, see `neuron_calls`
    ]


class NeuronsWaits:
    """Watches how long one rank waits inside NEURON, for as long as the process runs."""

    def __init__(self):
        self.state = _State()
        self._has_started = False

    def beat(self) -> None:
        """Count that a thread of Python got its turn. Local."""
        self.state.beat += 1

    def start(self, rank: str, limit: float) -> None:
        """Watch from now on. Local.

        Parameters
        ----------
        rank : str
            Words that name this rank in messages.
        limit : float
            Waiting time (s) after which the rank says so.
        """
        if not neuron_calls.knows_calls():
            return
        self.state.text = (
            f"ecsmpi: {rank} has waited %d s in NEURON's own part of a step, after t = %g ms "
            "(NEURON's exchange of spikes or of voltages, not ecsmpi's messages): "
            "is another rank slow, stopped or in a debugger, or is the network down?\n"
        ).encode()
        self.state.seconds = round(limit)
        self.state.nap = max(1, round(1e6 * limit / NAPS))
        found = neuron_calls.calls_that_advance(ADVANCING)[:MOST_ADVANCING]
        self.state.advancing[:] = found + [0] * (MOST_ADVANCING - len(found))
        if not self._has_started:
            self._has_started = True
            self._start_thread()

    def _start_thread(self) -> None:
        first = ctypes.addressof(self.state)
        fields = {name: first + getattr(_State, name).offset for name in FIELDS}
        address = native_callbacks.function(WATCH, called=neuron_calls.place_of_called(), **fields)
        watch = ctypes.CFUNCTYPE(None)(address)  # called without Python's lock
        # the thread runs on after Python has gone
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.state))
        threading.Thread(target=watch, name="ecsmpi waiting in NEURON", daemon=True).start()
