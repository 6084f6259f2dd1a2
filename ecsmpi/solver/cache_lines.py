"""Asking for lines of memory that a loop will need, so that it does not wait for them then."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64  # bytes of a line of a cache


def _asking(to_write: int):
    """A function of compiled code: ask(array, at) for the line of the first cache with array[at].

    The place may lie outside the array.
    """

    @intrinsic
    def ask(typing_context, array, at):
        def code(context, builder, signature, given):
            flag, line = ir.IntType(32), ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [line, flag, flag, flag])
            prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
            data = context.make_array(signature.args[0])(context, builder, given[0]).data
            where = builder.bitcast(builder.gep(data, [given[1]]), line)
            first_level, is_data = ir.Constant(flag, 3), ir.Constant(flag, 1)
            builder.call(prefetch, [where, ir.Constant(flag, to_write), first_level, is_data])
            return context.get_dummy_value()

        return types.void(array, types.intp), code

    return ask


ask_to_read = _asking(0)
ask_to_write = _asking(1)
