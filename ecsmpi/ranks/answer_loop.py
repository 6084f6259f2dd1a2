"""The loop of the thread that answers other ranks, as machine code that needs no Python lock."""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


@intrinsic
def _call(typing_context, address, arguments):
    """Call a C function by its address and return its int.

    All arguments are whole numbers, or addresses as such.
    """
    signature = types.int32(address, arguments)

    def generate(context, builder, signature, values):
        long = ir.IntType(64)
        function, packed = values
        unpacked = [builder.extract_value(packed, i) for i in range(len(arguments))]
        kind = ir.FunctionType(ir.IntType(32), [long] * len(unpacked))
        return builder.call(builder.inttoptr(function, kind.as_pointer()), unpacked)

    return signature, generate


@njit(
    "void(int64[::1], UniTuple(int64, 4), UniTuple(int64, 5), int64[::1], int64[::1], int64[::1], "
    "UniTuple(int64, 3))",
    nogil=True,
    cache=True,
)
def answer_until(state, functions, handles, question, found, status, naps):
    """Answer questions of other ranks until state[0] is not 0.

    Parameters
    ----------
    state : (2,) int
        Whether to stop, which another thread sets; whether the loop runs, which the loop sets.
    functions : (4,) int
        Addresses of MPI_Improbe, MPI_Mrecv, MPI_Send and usleep.
    handles : (5,) int
        MPI's handles of the communicator and of bytes, MPI_ANY_SOURCE, the tags of questions and
        of answers.
    question : (3,) int
        Memory for a question: rank that asks, address, number of bytes.
    found : (2,) int
        Memory for MPI's flag and the message that was found.
    status : (64,) int
        Memory for MPI's status.
    naps : (3,) int
        Microseconds between two looks when idle and when busy, and after how many looks without a
        question the loop is idle.
    """
    probe, receive, send, sleep = functions
    comm, byte, any_source, ask, tell = handles
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
