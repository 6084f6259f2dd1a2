"""How threads share work that goes in order, such as panels of which each follows the one before.

    progress   | claimed | steps done of piece 0 | of piece 1 | ...

Threads claim pieces in ascending order. A piece goes by steps, and may take a step once the piece
before it is further. That one was claimed earlier, and so its thread is at work or has done it: no
thread can wait for one that waits for it, however many threads there really are.
"""

import numba
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ecsmpi.solver.row_kernels import inner

SPINS = 200  # looks at another thread's progress before the core is offered to others

_leave_core = types.ExternalFunction("sched_yield", types.int32())


def _word(context, builder, signature, arguments):
    """Where a number in the array of the first argument is."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def _add_one(typing_context, numbers, at):
    """numbers[at] += 1, at once for all threads; the number before."""

    def code(context, builder, signature, arguments):
        place = _word(context, builder, signature, arguments)
        return builder.atomic_rmw("add", place, ir.Constant(ir.IntType(64), 1), "acq_rel")

    return types.int64(numbers, types.intp), code


@intrinsic
def _look(typing_context, numbers, at):
    """numbers[at], and with it what its thread has written before."""

    def code(context, builder, signature, arguments):
        return builder.load_atomic(_word(context, builder, signature, arguments), "acquire", 8)

    return types.int64(numbers, types.intp), code


@intrinsic
def _publish(typing_context, numbers, at, value):
    """numbers[at] = value, after all that this thread has written before."""

    def code(context, builder, signature, arguments):
        place = _word(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.int64), code


@njit(**inner)
def forget(progress):
    """Let no piece be claimed, or done in part, any more. Called by one thread."""
    for k in range(progress.size):
        progress[k] = 0


@njit(**inner)
def claim(progress):
    """The number of the next piece, which is now this thread's."""
    return _add_one(progress, 0)


@njit(**inner)
def wait_for(progress, piece, steps):
    """Wait until a piece has done so many steps."""
    spins = 0
    while _look(progress, piece + 1) < steps:
        spins += 1
        if spins >= SPINS:
            spins = 0
            _leave_core()


@njit(**inner)
def tell(progress, piece, steps):
    """Say that a piece has done so many steps."""
    _publish(progress, piece + 1, numba.int64(steps))
