"""Functions for NEURON to call, in machine code that calls Python only where Python has something to do: that takes microseconds."""

from __future__ import annotations

import ctypes

from llvmlite import binding, ir

INT, LONG, POINTER = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


class _Callback:
    """``address``: of a function of the type ``_type`` that calls a Python function of the type ``_python`` where it is wanted."""

    def __init__(self, python):
        self._python = self._python_type(python)  # to be kept, as are its engine and the function's machine code
        function = ir.Function(ir.Module(), self._type, "callback")
        self._write(ir.IRBuilder(function.append_basic_block()), function.args)
        machine = binding.Target.from_default_triple().create_target_machine()
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(str(function.module)), machine)
        self.address = self._engine.get_function_address("callback")

    def _call(self, builder, kind, arguments):
        """Call Python, whose function is of that type."""
        address = LONG(ctypes.cast(self._python, ctypes.c_void_p).value)
        return builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)


class MechanismBlock(_Callback):
    """As a mechanism's block is called, for each segment: it calls python() at the first, if ``wanted`` is not 0."""

    _type = ir.FunctionType(ir.VoidType(), [POINTER] * 5 + [LONG, POINTER])
    _python_type = ctypes.CFUNCTYPE(None)

    def __init__(self, python, wanted: ctypes.c_int64):
        self._wanted = wanted
        super().__init__(python)

    def _write(self, builder, arguments):
        with builder.if_then(builder.icmp_unsigned("==", arguments[5], LONG(0)), likely=False):
            wanted = builder.load(builder.inttoptr(LONG(ctypes.addressof(self._wanted)), LONG.as_pointer()))
            with builder.if_then(builder.icmp_unsigned("!=", wanted, LONG(0))):
                self._call(builder, ir.FunctionType(ir.VoidType(), []), [])
        builder.ret_void()


class NonvintBlock(_Callback):
    """As NEURON's nonvint blocks are called, with (method, size, pd1, pd2, thread): it calls python so for some methods, else is 0."""

    _type = ir.FunctionType(INT, [INT, INT, POINTER, POINTER, INT])
    _python_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)

    def __init__(self, python, methods: tuple[int, ...]):
        self._methods = methods
        super().__init__(python)

    def _write(self, builder, arguments):
        methods = INT(sum(1 << method for method in self._methods))
        with builder.if_then(builder.trunc(builder.lshr(methods, arguments[0]), ir.IntType(1))):
            builder.ret(self._call(builder, self._type, arguments))
        builder.ret(INT(0))
