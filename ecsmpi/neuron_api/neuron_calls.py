"""Exceptions of ours that have to go through NEURON reach the script as themselves.

NEURON knows an error as a text: it prints hoc's trace and raises ``RuntimeError: hocobj_call error:
...`` in the script. So the exception is kept here, NEURON gets an error without words, and the
script's call of NEURON, ``n.fadvance()`` or any other, raises what was kept. That call is the slot
``tp_call`` of NEURON's objects; `install` puts machine code into it, which counts the calls that
are in progress, calls NEURON's own function, and looks at one number afterwards.

Without the slot where it is expected (another layout of Python's types) nothing is installed, and
NEURON's error it is.
"""

from __future__ import annotations

import ctypes
import functools

from llvmlite import ir

from ecsmpi.neuron_api import symbols
from ecsmpi.neuron_api.interpreter import hoc, n
from ecsmpi.neuron_api.native_callbacks import LONG, POINTER, address_of, call, compiled

CALL_SLOT = 50  # Py_tp_call of Python's stable interface
WORDS_SEARCHED = 60  # of a type's memory, for that slot

_says_errors = symbols.variable(symbols.PRINTS_ERRORS, ctypes.c_int)


class _State(ctypes.Structure):
    """What the machine code reads and writes."""

    _fields_ = [
        ("depth", ctypes.c_int64),  # calls of NEURON that are in progress, one in another
        ("kept", ctypes.c_int64),  # the exception to raise, or 0
        ("wanted", ctypes.c_int64),  # whether something is to be done after the outermost call
        (
            "called",
            ctypes.c_int64,
        ),  # what the outermost call in progress has called, by NEURON's symbol, or 0
    ]


_state = _State()


class Stopped(RuntimeError):
    """What ends NEURON's own work; the script sees the exception that was kept."""


def inside() -> bool:
    """Whether the script has called NEURON and that call has not returned."""
    return _state.depth > 0


def knows_calls() -> bool:
    """Whether it is known which of NEURON's functions the script has called."""
    return bool(_kept_alive) and _word_of_symbol() is not None


def calls_that_advance(names: tuple[str, ...]) -> list[int]:
    """NEURON's symbols of those of some functions of hoc that there are, and of the methods that
    advance time. Local.
    """
    functions = [getattr(n, name) for name in names if hasattr(n, name)]
    return [_symbol_of(one) for one in (n.ParallelContext().psolve, n.CVode().solve, *functions)]


def place_of_called():
    """Where machine code finds the symbol of the function that the script has called, or 0."""
    return _field("called")


def keep(error: BaseException) -> bool:
    """Let the script's call of NEURON raise the error, and NEURON say nothing of its own; false
    where no such call is in progress.
    """
    if not inside():
        return False
    _keep(error)
    _says_errors.value = 0  # NEURON sets it again as it takes the error
    return True


def goes_on() -> None:
    """NEURON gets no error after `keep`, and goes on: it says errors of its own again."""
    _says_errors.value = 1


def _keep(error: BaseException) -> None:
    if not _state.kept:  # else what came first counts
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(error))
        _state.kept = id(error)


def after_this_call() -> None:
    """Have what was given to `install` called when the outermost call of NEURON has come to its
    end.
    """
    _state.wanted = 1


def install(afterwards) -> bool:
    """Whether NEURON's objects are called through here from now on.

    afterwards(): what `after_this_call` is for; an exception of it is raised by the script's call.
    """

    def finish():
        _state.wanted = 0
        try:
            afterwards()
        except BaseException as error:
            _keep(error)

    own = _call_slot(hoc.HocObject)
    places = [_place_of_slot(kind) for kind in _kinds(hoc.HocObject)]
    if None in places:
        return False
    engine, address = compiled(_code(own, finish))
    for place in places:
        ctypes.c_uint64.from_address(place).value = address
    _kept_alive.extend((engine, finish))
    return True


_kept_alive: list = []


def _kinds(kind) -> list:
    """A type and all made from it."""
    return [kind] + [each for below in type.__subclasses__(kind) for each in _kinds(below)]


def _call_slot(kind) -> int:
    slot = ctypes.pythonapi.PyType_GetSlot
    slot.restype, slot.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_int]
    return slot(kind, CALL_SLOT)


def _place_of_slot(kind) -> int | None:
    """Address of a type's slot, if it is NEURON's function and in one place only."""
    if (own := _call_slot(kind)) != _call_slot(hoc.HocObject):
        return None
    words = (ctypes.c_uint64 * WORDS_SEARCHED).from_address(id(kind))
    found = [i for i, word in enumerate(words) if word == own]
    return id(kind) + 8 * found[0] if len(found) == 1 else None


@functools.cache
def _word_of_symbol() -> int | None:
    """Which word of an object of NEURON's, that is a function, is its symbol; None where that
    cannot be told.
    """
    words = _words_of(n.fadvance)
    symbol = symbols.function(symbols.SYMBOL_OF_NAME, ctypes.c_void_p, ctypes.c_char_p)(b"fadvance")
    return words.index(symbol) if words.count(symbol) == 1 else None


def _words_of(one) -> list[int]:
    return list((ctypes.c_uint64 * (hoc.HocObject.__basicsize__ // 8)).from_address(id(one)))


def _symbol_of(function) -> int:
    return _words_of(function)[_word_of_symbol()]


def _code(own: int, finish):
    """Function (object, arguments, named arguments) -> result or null, as NEURON's own, around it."""
    function = ir.Function(ir.Module(), ir.FunctionType(POINTER, [POINTER] * 3), "call_neuron")
    builder = ir.IRBuilder(function.append_basic_block())
    depth, kept, wanted = map(_field, ("depth", "kept", "wanted"))
    zero, null = LONG(0), POINTER(None)

    result, called = builder.alloca(POINTER), _field("called")
    if (word := _word_of_symbol()) is not None:
        with builder.if_then(builder.icmp_signed("==", builder.load(depth), zero)):
            words = builder.bitcast(function.args[0], LONG.as_pointer())
            builder.store(builder.load(builder.gep(words, [LONG(word)])), called)
    builder.store(builder.add(builder.load(depth), LONG(1)), depth)
    builder.store(call(builder, own, POINTER, *function.args), result)
    builder.store(builder.sub(builder.load(depth), LONG(1)), depth)
    outermost = builder.icmp_signed("==", builder.load(depth), zero)
    with builder.if_then(outermost):
        builder.store(zero, called)
    is_wanted = builder.icmp_signed("!=", builder.load(wanted), zero)
    with builder.if_then(builder.and_(outermost, is_wanted), likely=False):
        _finish(builder, finish)
    error = builder.load(kept)
    with builder.if_then(builder.icmp_signed("!=", error, zero), likely=False):
        call(builder, address_of("Py_DecRef"), ir.VoidType(), builder.load(result))  # null is none
        builder.store(null, result)
        call(builder, address_of("PyErr_Clear"), ir.VoidType())
        builder.store(zero, kept)
        raised = builder.inttoptr(error, POINTER)
        kind = call(builder, address_of("PyObject_Type"), POINTER, raised)
        call(builder, address_of("PyErr_SetObject"), ir.VoidType(), kind, raised)
        call(builder, address_of("Py_DecRef"), ir.VoidType(), kind)
        call(builder, address_of("Py_DecRef"), ir.VoidType(), raised)
    builder.ret(builder.load(result))
    return function


def _finish(builder, finish) -> None:
    """Call finish(); an exception of NEURON's call stays."""
    error = [builder.alloca(POINTER) for _ in range(3)]
    call(builder, address_of("PyErr_Fetch"), ir.VoidType(), *error)
    python = builder.inttoptr(LONG(id(finish)), POINTER)
    done = call(builder, address_of("PyObject_CallNoArgs"), POINTER, python)
    with builder.if_then(
        builder.icmp_unsigned("==", builder.ptrtoint(done, LONG), LONG(0)), likely=False
    ):
        call(builder, address_of("PyErr_WriteUnraisable"), ir.VoidType(), python)
    call(builder, address_of("Py_DecRef"), ir.VoidType(), done)
    call(builder, address_of("PyErr_Restore"), ir.VoidType(), *map(builder.load, error))


def _field(name: str):
    """Pointer to a field of the state."""
    place = ctypes.addressof(_state) + getattr(_State, name).offset
    return LONG(place).inttoptr(LONG.as_pointer())
