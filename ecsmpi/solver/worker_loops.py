"""What the threads of kernels/workers.py do: how a loop is shared, and how they wait for it.

    caller of a loop    leaves pieces at each seat, calls the seats
                        does the pieces of its own seat, then what others have not begun
                        calls off whoever has not come, waits for whoever works
    thread of a seat    WAITS --called--> CALLED --comes--> WORKS --> WAITS
                        SLEEPS after some looks, and is woken by a semaphore

Each seat gets consecutive pieces, so that a thread finds in its cache what it had in the loop
before. Whoever has done its own takes single ones from the others. So a thread that is late, since
another program has its core, keeps nobody waiting for longer than a piece that it has begun. A
piece is taken by one thread only, and results do not depend on which.
"""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ecsmpi.kernels.workers import (
    ARGUMENTS,
    BODY,
    CALLED,
    DONE,
    END,
    IS_AWAITED,
    IS_TAKEN,
    LOOKS,
    MEMORY,
    NEXT,
    NUMBER,
    SEAT,
    SHARERS,
    SLEEPS,
    STATE,
    THREADS,
    WAITS,
    WAKE,
    WORKS,
)
from ecsmpi.solver.bodies import Body, call
from ecsmpi.solver.row_kernels import inner
from ecsmpi.subnormals import MACHINE, flush_subnormals, restore_mode

FEWEST_LOOKS = 2000  # of a caller at a thread that does its last piece, some 50 us
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ()), "aarch64": ("llvm.aarch64.hint", (1,))}
WORD, NUMBER_OF_HINT = ir.IntType(64), ir.IntType(32)

_sleep = types.ExternalFunction("sem_wait", types.int32(types.int64))
_wake = types.ExternalFunction("sem_post", types.int32(types.int64))


def _place(builder, address):
    return builder.inttoptr(address, WORD.as_pointer())


@intrinsic
def _get(typing_context, address):
    """The word at an address, and with it what its thread has written before."""

    def code(context, builder, signature, given):
        return builder.load_atomic(_place(builder, given[0]), "acquire", 8)

    return types.int64(types.int64), code


@intrinsic
def _put(typing_context, address, value):
    """Write a word, after all that this thread has written before."""

    def code(context, builder, signature, given):
        builder.store_atomic(given[1], _place(builder, given[0]), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def _exchange(typing_context, address, value):
    """Write a word; the word before."""

    def code(context, builder, signature, given):
        return builder.atomic_rmw("xchg", _place(builder, given[0]), given[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@intrinsic
def _add(typing_context, address, value):
    """Add to a word; the word before."""

    def code(context, builder, signature, given):
        return builder.atomic_rmw("add", _place(builder, given[0]), given[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@intrinsic
def _replace(typing_context, address, expected, value):
    """Write a word where it is the expected one; whether it was."""

    def code(context, builder, signature, given):
        place = _place(builder, given[0])
        found = builder.cmpxchg(place, given[1], given[2], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(types.int64, types.int64, types.int64), code


@intrinsic
def _pause(typing_context):
    """Let the other thread of this core go on for some cycles."""

    def code(context, builder, signature, given):
        if MACHINE in PAUSES:
            name, numbers = PAUSES[MACHINE]
            arguments = [ir.Constant(NUMBER_OF_HINT, number) for number in numbers]
            kind = ir.FunctionType(ir.VoidType(), [each.type for each in arguments])
            pause = cgutils.get_or_insert_function(builder.module, kind, name)
            builder.call(pause, arguments)
        return context.get_dummy_value()

    return types.void(), code


@njit(**inner)
def _seat(memory, number):
    """The address of a seat."""
    return memory + 8 * SEAT * (number + 1)


@njit(**inner)
def _do_pieces(memory, thread):
    """Do the pieces that were left at a thread's seat, then those that the others leave."""
    body, arguments = _get(memory + 8 * BODY), _get(memory + 8 * ARGUMENTS)
    sharers = _get(memory + 8 * SHARERS)
    mode = flush_subnormals()
    for k in range(sharers):
        seat = _seat(memory, (thread + k) % sharers)
        end = _get(seat + 8 * END)
        while _get(seat + 8 * NEXT) < end:
            piece = _add(seat + 8 * NEXT, 1)
            if piece < end:
                call(body, piece, piece + 1, thread, arguments)
    restore_mode(mode)


@njit(**inner)
def _look_while(place, value, looks):
    """Look at a word for some time while it has a value; whether it has it still."""
    for _ in range(looks):
        if _get(place) != value:
            return False
        _pause()
    return _get(place) == value


@njit(**inner)
def _sleep_at(semaphore):
    while _sleep(semaphore) != 0:  # a debugger has interrupted it
        pass


@njit(**inner)
def _wait_for(memory, seat):
    """Wait until the thread of a seat has ended its work."""
    looks = max(FEWEST_LOOKS, _get(memory + 8 * LOOKS))
    state = seat + 8 * STATE
    if _look_while(state, WORKS, looks) and _replace(state, WORKS, IS_AWAITED):
        _sleep_at(memory + 8 * DONE)


def _share(memory, body, count, arguments):
    """Let the threads in use do the pieces 0 to count - 1 of a body at an address."""
    if _exchange(memory + 8 * IS_TAKEN, 1) != 0:  # a loop of another thread of Python's
        mode = flush_subnormals()
        call(body, 0, count, 0, arguments)
        restore_mode(mode)
        return
    sharers = min(_get(memory + 8 * THREADS), count)
    _put(memory + 8 * BODY, body)
    _put(memory + 8 * ARGUMENTS, arguments)
    _put(memory + 8 * SHARERS, sharers)
    for number in range(sharers):
        seat = _seat(memory, number)
        _put(seat + 8 * NEXT, number * count // sharers)
        _put(seat + 8 * END, (number + 1) * count // sharers)
    for number in range(1, sharers):
        seat = _seat(memory, number)
        if _exchange(seat + 8 * STATE, CALLED) == SLEEPS:
            _wake(seat + 8 * WAKE)
    _do_pieces(memory, 0)
    for number in range(1, sharers):
        seat = _seat(memory, number)
        if not _replace(seat + 8 * STATE, CALLED, WAITS):
            _wait_for(memory, seat)
    _put(memory + 8 * IS_TAKEN, 0)


def _work(seat):
    """What the thread of a seat does, for good."""
    memory, number = _get(seat + 8 * MEMORY), _get(seat + 8 * NUMBER)
    state = seat + 8 * STATE
    while True:
        looks = _get(memory + 8 * LOOKS)
        if _look_while(state, WAITS, looks) and _replace(state, WAITS, SLEEPS):
            _sleep_at(seat + 8 * WAKE)
        if _replace(state, CALLED, WORKS):
            _do_pieces(memory, number)
            if _exchange(state, WAITS) == IS_AWAITED:
                _wake(memory + 8 * DONE)


share = Body(_share)
work = Body(_work, types.int64(types.int64))
