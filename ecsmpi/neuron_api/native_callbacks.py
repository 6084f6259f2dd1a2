"""Functions for NEURON to call, in machine code that calls Python only where Python has something
to do: that takes microseconds.

NEURON's data are frozen while it calls: a section must not end then, and Python's collector may end
one. So the collector waits from the entry of such a function to its end, whatever Python does in
it.
"""

from __future__ import annotations

import ctypes

from llvmlite import binding, ir

INT, LONG, POINTER = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
DONE, FAILED = (
    1,
    -1,
)  # what a Python function returns that has done its work; what NEURON takes for an error


def address_of(symbol: str) -> int:
    """Address of a function of Python's C interface."""
    return ctypes.cast(getattr(ctypes.pythonapi, symbol), ctypes.c_void_p).value


def call(builder, address: int, result, *arguments):
    """Call the C function at an address, which returns ``result``."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(builder.inttoptr(LONG(address), kind.as_pointer()), arguments)


def compiled(function) -> tuple:
    """(what has to be kept alive, address) of a function's machine code."""
    function.attributes.add("uwtable")  # C++ exceptions of NEURON may pass through it
    machine = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(function.module)), machine)
    return engine, engine.get_function_address(function.name)


class _Callback:
    """``address``: of a function of the type ``_type`` that calls a Python function of the type
    ``_python_type`` where it is wanted.
    """

    def __init__(self, python):
        self._python = self._python_type(python)  # to be kept, as is the machine code
        function = ir.Function(ir.Module(), self._type, "callback")
        self._write(ir.IRBuilder(function.append_basic_block()), function.args)
        self._code, self.address = compiled(function)

    def _call(self, builder, result, arguments):
        """Call Python while its collector waits."""
        was_on = call(builder, address_of("PyGC_Disable"), INT)
        returned = call(
            builder, ctypes.cast(self._python, ctypes.c_void_p).value, result, *arguments
        )
        with builder.if_then(builder.icmp_unsigned("!=", was_on, INT(0))):
            call(builder, address_of("PyGC_Enable"), INT)
        return returned


class MechanismBlock(_Callback):
    """As a mechanism's block is called, for each segment: it calls python() at the first, if
    ``wanted`` is not 0.
    """

    _type = ir.FunctionType(ir.VoidType(), [POINTER] * 5 + [LONG, POINTER])
    _python_type = ctypes.CFUNCTYPE(None)

    def __init__(self, python, wanted: ctypes.c_int64):
        self._wanted = wanted
        super().__init__(python)

    def _write(self, builder, arguments):
        with builder.if_then(builder.icmp_unsigned("==", arguments[5], LONG(0)), likely=False):
            wanted = builder.load(
                builder.inttoptr(LONG(ctypes.addressof(self._wanted)), LONG.as_pointer())
            )
            with builder.if_then(builder.icmp_unsigned("!=", wanted, LONG(0))):
                self._call(builder, ir.VoidType(), [])
        builder.ret_void()


class NonvintBlock(_Callback):
    """As NEURON's nonvint blocks are called, with (method, size, pd1, pd2, thread): it calls python
    so for some methods, else is 0.

    Where Python returns anything but DONE, as where an interrupt ends it before its first line,
    NEURON is told of an error.
    """

    _type = ir.FunctionType(INT, [INT, INT, POINTER, POINTER, INT])
    _python_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
    )

    def __init__(self, python, methods: tuple[int, ...]):
        self._methods = methods
        super().__init__(python)

    def _write(self, builder, arguments):
        methods = INT(sum(1 << method for method in self._methods))
        with builder.if_then(builder.trunc(builder.lshr(methods, arguments[0]), ir.IntType(1))):
            returned = self._call(builder, INT, arguments)
            done = builder.icmp_signed("==", returned, INT(DONE))
            builder.ret(builder.select(done, INT(0), INT(FAILED)))
        builder.ret(INT(0))
