"""Asking for lines of memory that a loop will need, so that it does not wait for them then.

Lines come into the second level of the cache. A core can wait for only some 20 lines of the first
level at a time, and its other loads wait behind them.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def ask(builder, place) -> None:
    """Write the code that asks for the line of a place."""
    flag, line = ir.IntType(32), ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [line, flag, flag, flag])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    to_read, second_level, is_data = 0, 2, 1  # as LLVM counts them
    options = [ir.Constant(flag, number) for number in (to_read, second_level, is_data)]
    builder.call(prefetch, [builder.bitcast(place, line), *options])


@intrinsic
def ask_for(typing_context, array, at):
    """Ask for the line of memory with array[at], to read it or write it.

    The place may lie outside the array. A line that is asked for to be written comes into the first
    level whatever is said, so that all are asked for as if to be read.
    """

    def code(context, builder, signature, given):
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        ask(builder, builder.gep(data, [given[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp), code
