"""Functions for NEURON to call, in machine code that calls Python only where Python has work to do.

A call of Python takes microseconds, and NEURON calls such functions for each segment or in each
phase of a step. This module writes them with LLVM; native_callbacks.py uses them, and mostly finds
them compiled in a library.

What differs from process to process stands in slots: words of memory with the names below, which
the process sets before NEURON calls the function.

    callback        address of a C function that calls Python
    own, finish     address of NEURON's own tp_call, and of a Python object to call after it
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ecsmpi.neuron_api.native_slots import (
    BEFORE_CURRENTS,
    CALL_NEURON,
    DONE,
    FAILED,
    MOST_ADVANCING,
    NAPS,
    NONVINT,
    STANDARD_ERROR,
    WATCH,
    slot_name,
)

INT = ir.IntType(32)
LONG = ir.IntType(64)
DOUBLE = ir.DoubleType()
NOTHING = ir.VoidType()
POINTER = ir.IntType(8).as_pointer()


def module() -> ir.Module:
    """All functions and their slots."""
    made = ir.Module("ecsmpi_callbacks")
    for name in NONVINT:
        _write_nonvint(_Function(made, name, INT, [INT, INT, POINTER, POINTER, INT]))
    _write_before_currents(_Function(made, BEFORE_CURRENTS, NOTHING, [POINTER] * 3 + [INT]))
    _write_call_of_neuron(_Function(made, CALL_NEURON, POINTER, [POINTER] * 3))
    _write_watch(_Function(made, WATCH, NOTHING, []))
    return made


class _Function:
    """A function that is being written, with its slots."""

    def __init__(self, made: ir.Module, name: str, result: Any, arguments: list):
        self._module = made
        self._name = name
        self.function = ir.Function(made, ir.FunctionType(result, arguments), name)
        self.function.attributes.add("uwtable")  # C++ exceptions of NEURON may pass through it
        self.arguments = self.function.args
        self.builder = ir.IRBuilder(self.function.append_basic_block())

    def slot(self, name: str) -> Any:
        """The word in a slot."""
        symbol = slot_name(self._name, name)
        found = self._module.globals.get(symbol)
        if found is None:
            found = ir.GlobalVariable(self._module, LONG, symbol)
            found.initializer = LONG(0)
        return self.builder.load(found)

    def read(self, address: Any, word: int | Any = 0, kind: Any = LONG) -> Any:
        """A word of memory, counted from an address."""
        return self.builder.load(self.place(address, word, kind))

    def place(self, address: Any, word: int | Any = 0, kind: Any = LONG) -> Any:
        """Pointer to a word of memory, counted from an address."""
        at = LONG(8 * word) if isinstance(word, int) else self.builder.mul(word, LONG(8))
        return self.builder.inttoptr(self.builder.add(address, at), kind.as_pointer())

    def call(self, name: str, result: Any, *arguments: Any) -> Any:
        """Write a call of a C function of this process, such as Python's, by its name."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        found = self._module.globals.get(name)
        if found is None:
            found = ir.Function(self._module, kind, name)
        return self.builder.call(found, arguments)

    def call_at(self, address: Any, result: Any, *arguments: Any) -> Any:
        """Write a call of the C function at an address."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(self.builder.inttoptr(address, kind.as_pointer()), arguments)

    def call_python(self, result: Any, arguments: Any) -> Any:
        """Write a call of the callback, during which Python's collector waits.

        NEURON's data are frozen while it calls: a section must not end then, and the collector may
        end one.
        """
        was_on = self.call("PyGC_Disable", INT)
        returned = self.call_at(self.slot("callback"), result, *arguments)
        with self.builder.if_then(self.builder.icmp_unsigned("!=", was_on, INT(0))):
            self.call("PyGC_Enable", INT)
        return returned


def _write_nonvint(code: _Function) -> None:
    """Slots: callback; methods, the sum of 1 << method for those that Python is called for."""
    builder = code.builder
    method = builder.zext(code.arguments[0], LONG)
    called = builder.trunc(builder.lshr(code.slot("methods"), method), ir.IntType(1))
    with builder.if_then(called):
        returned = code.call_python(INT, code.arguments)
        done = builder.icmp_signed("==", returned, INT(DONE))
        builder.ret(builder.select(done, INT(0), INT(FAILED)))
    builder.ret(INT(0))


def _write_before_currents(code: _Function) -> None:
    """Slot: callback. NEURON warns where errno is set after it, so errno stays as it was."""
    builder = code.builder
    place = builder.bitcast(code.call("__errno_location", POINTER), INT.as_pointer())
    before = builder.load(place)
    code.call_python(NOTHING, [])
    builder.store(before, place)
    builder.ret_void()


def _write_call_of_neuron(code: _Function) -> None:
    """Function (object, arguments, named arguments) -> result or null, around NEURON's own.

    Slots: own, finish; depth, kept, wanted, called, the addresses of these fields of
    neuron_calls.State; word, the word of the object that is its hoc Symbol, or -1.
    """
    builder = code.builder
    zero, null = LONG(0), POINTER(None)
    depth, kept, called = (code.place(code.slot(name)) for name in ("depth", "kept", "called"))
    result = builder.alloca(POINTER)

    # Note what the outermost call has called.
    word = code.slot("word")
    is_known = builder.icmp_signed(">=", word, zero)
    is_outermost = builder.icmp_signed("==", builder.load(depth), zero)
    with builder.if_then(builder.and_(is_known, is_outermost)):
        symbol = code.read(builder.ptrtoint(code.arguments[0], LONG), word)
        builder.store(symbol, called)

    # Call NEURON.
    builder.store(builder.add(builder.load(depth), LONG(1)), depth)
    builder.store(code.call_at(code.slot("own"), POINTER, *code.arguments), result)
    builder.store(builder.sub(builder.load(depth), LONG(1)), depth)
    outermost = builder.icmp_signed("==", builder.load(depth), zero)
    with builder.if_then(outermost):
        builder.store(zero, called)

    # After the outermost call, do what is wanted.
    is_wanted = builder.icmp_signed("!=", code.read(code.slot("wanted")), zero)
    with builder.if_then(builder.and_(outermost, is_wanted), likely=False):
        _write_finish(code)

    # Raise the kept exception in place of NEURON's result.
    error = builder.load(kept)
    with builder.if_then(builder.icmp_signed("!=", error, zero), likely=False):
        code.call("Py_DecRef", NOTHING, builder.load(result))  # may be null
        builder.store(null, result)
        code.call("PyErr_Clear", NOTHING)
        builder.store(zero, kept)
        raised = builder.inttoptr(error, POINTER)
        kind = code.call("PyObject_Type", POINTER, raised)
        code.call("PyErr_SetObject", NOTHING, kind, raised)
        code.call("Py_DecRef", NOTHING, kind)
        code.call("Py_DecRef", NOTHING, raised)
    builder.ret(builder.load(result))


def _write_finish(code: _Function) -> None:
    """Write a call of finish(), which leaves an exception of NEURON's call in place."""
    builder = code.builder
    error = [builder.alloca(POINTER) for _ in range(3)]
    code.call("PyErr_Fetch", NOTHING, *error)
    python = builder.inttoptr(code.slot("finish"), POINTER)
    done = code.call("PyObject_CallNoArgs", POINTER, python)
    has_failed = builder.icmp_unsigned("==", builder.ptrtoint(done, LONG), LONG(0))
    with builder.if_then(has_failed, likely=False):
        code.call("PyErr_WriteUnraisable", NOTHING, python)
    code.call("Py_DecRef", NOTHING, done)
    code.call("PyErr_Restore", NOTHING, *map(builder.load, error))


def _write_watch(code: _Function) -> None:
    """A function () that looks and naps for ever: see run/neuron_waits.py.

    Slots: beat, t, nap, seconds, text, advancing, the addresses of these fields of
    neuron_waits.State; called, that of the field of neuron_calls.State.
    """
    builder = code.builder
    seen, naps = builder.alloca(LONG), builder.alloca(LONG)
    builder.store(LONG(-1), seen)
    builder.store(LONG(0), naps)
    loop = code.function.append_basic_block("loop")
    builder.branch(loop)
    builder.position_at_end(loop)
    code.call("usleep", INT, builder.trunc(code.read(code.slot("nap")), INT))
    beat = code.read(code.slot("beat"))
    is_still = builder.icmp_signed("==", beat, builder.load(seen))
    waits = builder.and_(is_still, _advances(code))
    builder.store(beat, seen)
    count = builder.select(waits, builder.add(builder.load(naps), LONG(1)), LONG(0))
    builder.store(count, naps)
    with builder.if_then(builder.icmp_signed("==", count, LONG(NAPS)), likely=False):
        kind = ir.FunctionType(INT, [INT, POINTER], var_arg=True)
        print_ = ir.Function(builder.module, kind, "dprintf")
        text = code.read(code.slot("text"), kind=POINTER)
        seconds = code.read(code.slot("seconds"))
        t = code.read(code.slot("t"), kind=DOUBLE)
        builder.call(print_, [INT(STANDARD_ERROR), text, seconds, t])
    builder.branch(loop)


def _advances(code: _Function) -> Any:
    """Whether the script is in a call of NEURON's that advances time."""
    builder = code.builder
    called = code.read(code.slot("called"))
    found = ir.Constant(ir.IntType(1), 0)
    for i in range(MOST_ADVANCING):
        one = code.read(code.slot("advancing"), i)
        found = builder.or_(found, builder.icmp_signed("==", one, called))
    return builder.and_(found, builder.icmp_signed("!=", called, LONG(0)))
