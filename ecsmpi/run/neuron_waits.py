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

from llvmlite import ir

from ecsmpi.neuron_api import neuron_calls
from ecsmpi.neuron_api.native_callbacks import INT, LONG, POINTER, call, compiled

ADVANCING = ("fadvance", "continuerun", "run", "steprun", "advance", "stdrun")  # procedures of hoc
MOST = 8  # such calls
NAPS = 60  # looks until a rank says that it waits
STANDARD_ERROR = 2
DOUBLE = ir.DoubleType()


class _State(ctypes.Structure):
    """Memory that the thread reads."""

    _fields_ = [
        ("beat", ctypes.c_int64),
        ("t", ctypes.c_double),  # ms, of the last step
        ("nap", ctypes.c_int64),  # us
        ("seconds", ctypes.c_int64),
        ("text", ctypes.c_char_p),  # for the seconds and t
        ("advancing", ctypes.c_int64 * MOST),  # calls that advance time, see `neuron_calls`
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
        found = neuron_calls.calls_that_advance(ADVANCING)[:MOST]
        self.state.advancing[:] = found + [0] * (MOST - len(found))
        if not self._has_started:
            self._has_started = True
            self._start_thread()

    def _start_thread(self) -> None:
        engine, address = compiled(_code(self.state))
        watch = ctypes.CFUNCTYPE(None)(address)  # called without Python's lock
        for kept in (engine, self.state):  # the thread runs on after Python has gone
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
        threading.Thread(target=watch, name="ecsmpi waiting in NEURON", daemon=True).start()


def _code(state: _State):
    """Machine code of a function () that looks and naps for ever."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "watch")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    seen = builder.alloca(LONG)
    naps = builder.alloca(LONG)
    builder.store(LONG(-1), seen)
    builder.store(LONG(0), naps)
    loop = function.append_basic_block("loop")
    builder.branch(loop)
    builder.position_at_end(loop)
    call(builder, _libc("usleep"), INT, builder.trunc(_read(builder, state, "nap"), INT))
    beat = _read(builder, state, "beat")
    is_still = builder.icmp_signed("==", beat, builder.load(seen))
    waits = builder.and_(is_still, _advances(builder, state))
    builder.store(beat, seen)
    count = builder.select(waits, builder.add(builder.load(naps), LONG(1)), LONG(0))
    builder.store(count, naps)
    with builder.if_then(builder.icmp_signed("==", count, LONG(NAPS)), likely=False):
        kind = ir.FunctionType(INT, [INT, POINTER], var_arg=True)
        parts = (("text", POINTER), ("seconds", LONG), ("t", DOUBLE))
        values = [_read(builder, state, name, of) for name, of in parts]
        print_ = builder.inttoptr(LONG(_libc("dprintf")), kind.as_pointer())
        builder.call(print_, [INT(STANDARD_ERROR), *values])
    builder.branch(loop)
    return function


def _advances(builder, state: _State):
    """Whether the script is in a call of NEURON's that advances time."""
    called = builder.load(neuron_calls.place_of_called())
    first = ctypes.addressof(state) + _State.advancing.offset
    found = ir.Constant(ir.IntType(1), 0)
    for i in range(MOST):
        one = builder.load(LONG(first + 8 * i).inttoptr(LONG.as_pointer()))
        found = builder.or_(found, builder.icmp_signed("==", one, called))
    return builder.and_(found, builder.icmp_signed("!=", called, LONG(0)))


def _read(builder, state: _State, name: str, kind=LONG):
    place = ctypes.addressof(state) + getattr(_State, name).offset
    return builder.load(LONG(place).inttoptr(kind.as_pointer()))


def _libc(name: str) -> int:
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
