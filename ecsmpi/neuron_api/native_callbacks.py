"""Functions for NEURON to call, in machine code that calls Python only where Python has work to do.

A call of Python takes microseconds, and NEURON calls such functions for each segment or in each
phase of a step.

NEURON's data are frozen while it calls: a section must not end then, and Python's collector may end
one. So the collector waits from the entry of such a function to its end, whatever Python does in
it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir

INT = ir.IntType(32)
LONG = ir.IntType(64)
POINTER = ir.IntType(8).as_pointer()
DONE = 1  # a Python function returns it when it has done its work
FAILED = -1  # NEURON takes it for an error


def address_of(symbol: str) -> int:
    """Address of a function of Python's C interface."""
    return _address(getattr(ctypes.pythonapi, symbol))


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def call(builder: Any, address: int, result: Any, *arguments: Any) -> Any:
    """Write a call of the C function at an address, which returns ``result``."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(builder.inttoptr(LONG(address), kind.as_pointer()), arguments)


def compiled(function: Any) -> tuple[Any, int]:
    """(object that has to be kept alive, address) of a function's machine code."""
    function.attributes.add("uwtable")  # C++ exceptions of NEURON may pass through it
    machine = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(function.module)), machine)
    return engine, engine.get_function_address(function.name)


class _Callback:
    """A function of the type ``_type`` that calls a Python function of the type ``_python_type``.

    Attributes
    ----------
    address : of the machine code
    """

    _type: Any
    _python_type: Any

    def __init__(self, python: Callable[..., Any]):
        self._python = self._python_type(python)  # to be kept, as is the machine code
        function = ir.Function(ir.Module(), self._type, "callback")
        self._write(ir.IRBuilder(function.append_basic_block()), function.args)
        self._code, self.address = compiled(function)

    def _write(self, builder: Any, arguments: Any) -> None:
        raise NotImplementedError

    def _call(self, builder: Any, result: Any, arguments: Any) -> Any:
        """Write a call of Python during which the collector waits."""
        was_on = call(builder, address_of("PyGC_Disable"), INT)
        returned = call(builder, _address(self._python), result, *arguments)
        with builder.if_then(builder.icmp_unsigned("!=", was_on, INT(0))):
            call(builder, address_of("PyGC_Enable"), INT)
        return returned


class MechanismBlock(_Callback):
    """A mechanism's block, which NEURON calls for each segment.

    It calls python() at the first segment, if ``wanted`` is not 0. In C it is::

        void block(Node *, generic_data_handle *, generic_data_handle *, NrnThread *, Memb_list *,
                   size_t segment, const model_sorted_token &)
    """

    _type = ir.FunctionType(ir.VoidType(), [POINTER] * 5 + [LONG, POINTER])
    _python_type = ctypes.CFUNCTYPE(None)

    def __init__(self, python: Callable[[], Any], wanted: ctypes.c_int64):
        self._wanted = wanted
        super().__init__(python)

    def _write(self, builder: Any, arguments: Any) -> None:
        segment = arguments[5]
        with builder.if_then(builder.icmp_unsigned("==", segment, LONG(0)), likely=False):
            address = LONG(ctypes.addressof(self._wanted))
            wanted = builder.load(builder.inttoptr(address, LONG.as_pointer()))
            with builder.if_then(builder.icmp_unsigned("!=", wanted, LONG(0))):
                self._call(builder, ir.VoidType(), [])
        builder.ret_void()


class NonvintBlock(_Callback):
    """A nonvint block: NEURON calls it for variables that NEURON does not integrate itself.

    NEURON's own rxd is such a block. ``method`` says what NEURON wants: that the structure may
    change, currents, a fixed step, the number of equations. In C the block is::

        int block(int method, int size, double *pd1, double *pd2, int thread)

    It calls python with these for some methods, and returns 0 for the others. Where Python returns
    anything but DONE, as where an interrupt ends it before its first line, NEURON is told of an
    error.
    """

    _type = ir.FunctionType(INT, [INT, INT, POINTER, POINTER, INT])
    _python_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
    )

    def __init__(self, python: Callable[..., int], methods: tuple[int, ...]):
        self._methods = methods
        super().__init__(python)

    def _write(self, builder: Any, arguments: Any) -> None:
        method = arguments[0]
        methods = INT(sum(1 << number for number in self._methods))
        with builder.if_then(builder.trunc(builder.lshr(methods, method), ir.IntType(1))):
            returned = self._call(builder, INT, arguments)
            done = builder.icmp_signed("==", returned, INT(DONE))
            builder.ret(builder.select(done, INT(0), INT(FAILED)))
        builder.ret(INT(0))
