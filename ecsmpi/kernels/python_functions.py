"""Writes functions that Python calls with arrays and numbers, and that call numba's code.

    PyObject *loop(PyObject *, PyObject *const *arguments, Py_ssize_t count)     METH_FASTCALL

Such a function checks each argument and takes it apart as Python and NumPy have it in memory:
fields of NumPy's array object have had these places since NumPy 1.7, and those of its dtype, too.
It returns NotImplemented where an argument is of another kind than the loop takes, and lets other
threads have Python's lock while the loop runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target

from ecsmpi.kernels.library import NDARRAY, WORKERS
from ecsmpi.kernels.records import FLAG, INTEGER, NUMBER, Array, Fields, Kind

BIT, BYTE, INT, LONG = (ir.IntType(width) for width in (1, 8, 32, 64))
DOUBLE = ir.DoubleType()
POINTER = BYTE.as_pointer()
NOTHING = ir.VoidType()

# bytes from the beginning of an object
TYPE = 8
DATA, AXES, SHAPE, STRIDES, DTYPE, ARRAY_FLAGS = 16, 24, 32, 40, 56, 64  # of an array
BYTE_ORDER, TYPE_NUMBER = 26, 28  # of a dtype
FLAGS_OF_LAYOUT = {"C": 0x1, "F": 0x2, "A": 0x0}
ALIGNED, WRITABLE = 0x100, 0x400
FOREIGN_ORDER = ord(">")


class PythonFunction:
    """A function for Python that calls one of numba's functions.

    Parameters
    ----------
    module : ir.Module
        Where it is written.
    symbol : str
        Its name.
    code
        numba's compiled function.
    bodies : list of str
        Symbols of C functions, whose places (solver/bodies.py) are the first arguments.
    kinds, given
        Kinds of the other arguments, and numba's types of all.
    """

    def __init__(
        self,
        module: ir.Module,
        symbol: str,
        code: Any,
        bodies: list[str],
        kinds: tuple[Kind, ...],
        given: tuple,
    ):
        self._module = module
        kind = ir.FunctionType(POINTER, [POINTER, POINTER.as_pointer(), LONG])
        self._function = ir.Function(module, kind, symbol)
        self._builder = ir.IRBuilder(self._function.append_basic_block())
        self._write(code, bodies, kinds, given)

    def _write(self, code: Any, bodies: list[str], kinds: tuple[Kind, ...], given: tuple) -> None:
        builder = self._builder
        _, objects, count = self._function.args
        self._other = self._function.append_basic_block("other_kind")
        self._require(builder.icmp_signed("==", count, LONG(len(kinds))))
        context = cpu_target.target_context
        values = []
        for body, type_ in zip(bodies, given):
            place = [builder.load(self._global(WORKERS, LONG)), self._address_of(body)]
            values.append(context.make_tuple(builder, type_, place))
        for number, (kind, type_) in enumerate(zip(kinds, given[len(bodies) :])):
            one = builder.load(builder.gep(objects, [LONG(number)]))
            values.append(self._value(one, kind, type_))
        native = context.declare_function(self._module, code.fndesc)
        thread = self._call("PyEval_SaveThread", POINTER)
        restype = code.fndesc.restype
        status, _ = context.call_conv.call_function(builder, native, restype, given, values)
        self._call("PyEval_RestoreThread", NOTHING, thread)
        with builder.if_then(status.is_error, likely=False):
            words = self._text("a compiled loop has failed")
            kind_of_error = builder.load(self._global("PyExc_RuntimeError", POINTER))
            self._call("PyErr_SetString", NOTHING, kind_of_error, words)
            builder.ret(POINTER(None))
        self._return("_Py_NoneStruct")
        builder.position_at_end(self._other)
        self._call("PyErr_Clear", NOTHING)
        self._return("_Py_NotImplementedStruct")

    def _value(self, one: Any, kind: Kind, type_: Any) -> Any:
        """The value of an object, as numba has it."""
        if isinstance(kind, Array):
            return self._array(one, kind, type_)
        if isinstance(kind, Fields):
            return self._tuple(one, kind, type_)
        builder = self._builder
        if kind == NUMBER:
            value = self._call("PyFloat_AsDouble", DOUBLE, one)
            with self._where(builder.fcmp_ordered("==", value, DOUBLE(-1.0))):
                self._require_no_error()
            return value
        if kind == INTEGER:
            value = self._call("PyLong_AsLongLong", LONG, one)
            with self._where(builder.icmp_signed("==", value, LONG(-1))):
                self._require_no_error()
            return value
        assert kind == FLAG
        true = self._call("PyObject_IsTrue", INT, one)
        self._require(builder.icmp_signed(">=", true, INT(0)))
        return builder.icmp_signed("!=", true, INT(0))

    def _array(self, one: Any, kind: Array, type_: Any) -> Any:
        builder = self._builder
        ndarray = builder.load(self._global(NDARRAY, LONG))
        self._require(builder.icmp_signed("==", self._field(one, TYPE, LONG), ndarray))
        axes = self._field(one, AXES, INT)
        self._require(builder.icmp_signed("==", axes, INT(kind.ndim)))
        needed = INT(FLAGS_OF_LAYOUT[kind.layout] | ALIGNED | (WRITABLE if kind.writable else 0))
        flags = builder.and_(self._field(one, ARRAY_FLAGS, INT), needed)
        self._require(builder.icmp_signed("==", flags, needed))
        dtype = self._field(one, DTYPE, POINTER)
        number = self._field(dtype, TYPE_NUMBER, INT)
        self._require(builder.icmp_signed("==", number, INT(np.dtype(kind.dtype).num)))
        order = self._field(dtype, BYTE_ORDER, BYTE)
        self._require(builder.icmp_signed("!=", order, BYTE(FOREIGN_ORDER)))

        context = cpu_target.target_context
        array = context.make_array(type_)(context, builder)
        shape = self._longs(self._field(one, SHAPE, POINTER), kind.ndim)
        strides = self._longs(self._field(one, STRIDES, POINTER), kind.ndim)
        size: Any = LONG(1)
        for length in shape:
            size = builder.mul(size, length)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        array.nitems = size
        array.itemsize = LONG(np.dtype(kind.dtype).itemsize)
        array.data = builder.bitcast(self._field(one, DATA, POINTER), array.data.type)
        array.shape = cgutils.pack_array(builder, shape, LONG)
        array.strides = cgutils.pack_array(builder, strides, LONG)
        return array._getvalue()

    def _tuple(self, one: Any, kind: Fields, type_: Any) -> Any:
        size = self._call("PyTuple_Size", LONG, one)  # -1 where it is no tuple
        self._require(self._builder.icmp_signed("==", size, LONG(len(kind.kinds))))
        values = []
        for number, (field, field_type) in enumerate(zip(kind.kinds, type_)):
            item = self._call("PyTuple_GetItem", POINTER, one, LONG(number))
            values.append(self._value(item, field, field_type))
        return cpu_target.target_context.make_tuple(self._builder, type_, values)

    # how such things are written

    def _field(self, one: Any, place: int, kind: Any) -> Any:
        """What an object has at a place."""
        builder = self._builder
        return builder.load(builder.bitcast(builder.gep(one, [LONG(place)]), kind.as_pointer()))

    def _longs(self, first: Any, count: int) -> list:
        builder = self._builder
        places = builder.bitcast(first, LONG.as_pointer())
        return [builder.load(builder.gep(places, [LONG(number)])) for number in range(count)]

    def _require(self, condition: Any) -> None:
        """Go on where a condition holds; elsewhere the arguments are of another kind."""
        further = self._function.append_basic_block()
        self._builder.cbranch(condition, further, self._other)
        self._builder.position_at_end(further)

    def _require_no_error(self) -> None:
        """Go on where Python has set no exception."""
        error = self._builder.ptrtoint(self._call("PyErr_Occurred", POINTER), LONG)
        self._require(self._builder.icmp_signed("==", error, LONG(0)))

    @contextmanager
    def _where(self, condition: Any) -> Any:
        """What is written within happens where a condition holds."""
        builder = self._builder
        within = self._function.append_basic_block()
        further = self._function.append_basic_block()
        builder.cbranch(condition, within, further)
        builder.position_at_end(within)
        yield
        builder.branch(further)
        builder.position_at_end(further)

    def _return(self, symbol: str) -> None:
        """Return an object of Python's that lives for good."""
        one = self._global(symbol, BYTE)
        self._call("Py_IncRef", NOTHING, one)
        self._builder.ret(one)

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return self._builder.call(
            cgutils.get_or_insert_function(self._module, kind, name), arguments
        )

    def _address_of(self, symbol: str) -> Any:
        kind = ir.FunctionType(NOTHING, [])
        function = cgutils.get_or_insert_function(self._module, kind, symbol)
        return self._builder.ptrtoint(function, LONG)

    def _global(self, symbol: str, kind: Any) -> Any:
        found = self._module.globals.get(symbol)
        return ir.GlobalVariable(self._module, kind, symbol) if found is None else found

    def _text(self, words: str) -> Any:
        text = cgutils.global_constant(
            self._module, ".ecsmpi_text", cgutils.make_bytearray(words.encode() + b"\0")
        )
        return self._builder.bitcast(text, POINTER)
