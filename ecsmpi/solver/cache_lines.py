"""Asking for lines of memory that a loop will need, so that it does not wait for them then."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FIRST_LEVEL, SECOND_LEVEL = 3, 2  # of the cache, as LLVM counts what is kept near


def ask(builder, place, level: int, to_write: bool = False) -> None:
    """Write the code that asks for the line of a place, into a level of the cache."""
    flag, line = ir.IntType(32), ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [line, flag, flag, flag])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    is_data = 1
    options = [ir.Constant(flag, number) for number in (int(to_write), level, is_data)]
    builder.call(prefetch, [builder.bitcast(place, line), *options])


def _asking(to_write: bool):
    """A function of compiled code: asks(array, at) for the line of the first cache with array[at].

    The place may lie outside the array.
    """

    @intrinsic
    def asks(typing_context, array, at):
        def code(context, builder, signature, given):
            data = context.make_array(signature.args[0])(context, builder, given[0]).data
            ask(builder, builder.gep(data, [given[1]]), FIRST_LEVEL, to_write)
            return context.get_dummy_value()

        return types.void(array, types.intp), code

    return asks


ask_to_read = _asking(False)
ask_to_write = _asking(True)
