"""The loop of the thread that answers other ranks, in machine code that runs without Python's lock."""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


@intrinsic
def _call(typing_context, address, arguments):
    """Call a C function by its address; all arguments are whole numbers, or addresses as such.
    Returns its int.
    """
    signature = types.int32(address, arguments)

    def generate(context, builder, signature, values):
        long = ir.IntType(64)
        where, packed = values
        unpacked = [builder.extract_value(packed, i) for i in range(len(arguments))]
        kind = ir.FunctionType(ir.IntType(32), [long] * len(unpacked))
        return builder.call(builder.inttoptr(where, kind.as_pointer()), unpacked)

    return signature, generate


@njit(
    "void(int64[::1], int64, int64, int64, int64, int64, int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], UniTuple(int64, 3))",
    nogil=True,
    cache=True,
)
def answer_until(
    state,
    probe,
    receive,
    send,
    sleep,
    comm,
    byte,
    any_source,
    ask,
    tell,
    question,
    found,
    status,
    naps,
):
    """Answer questions until state[0] is not 0; state[1] is 1 from the beginning on.

    probe, receive, send, sleep: addresses of C functions. comm, byte, any_source: MPI's handles and
    constant. question: (3,) (rank, address, bytes). found: (2,) for MPI's flag and the message
    found. status: what MPI writes to. naps: us between looks when idle and when busy, and after how
    many looks without a question a rank is idle.
    """
    idle, busy, long_ago = naps
    flag, message = found.ctypes.data, found.ctypes.data + 8
    since = long_ago
    state[1] = 1
    while state[0] == 0:
        _call(probe, (any_source, ask, comm, flag, message, status.ctypes.data))
        if found[0] & 0xFFFFFFFF == 0:
            since += 1
            _call(sleep, (busy if since < long_ago else idle,))
            continue
        since = 0
        _call(receive, (question.ctypes.data, 24, byte, message, status.ctypes.data))
        _call(send, (question[1], question[2], byte, question[0], tell, comm))
