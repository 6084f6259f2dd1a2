"""Subnormal numbers, under 2.2e-308: a processor takes some hundred times as long for them.

Away from its sources an increment decays with each voxel until it is subnormal. In a shell around
the cells, a few voxels thick, that can cost a third of a step. A species that decays in time
becomes subnormal everywhere, and its reactions take thirty times as long. So the sweeps and the
reactions take subnormal numbers for 0.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD, LONG, NOTHING = ir.IntType(32), ir.IntType(64), ir.VoidType()
# bits of the mode: results, and on x86 numbers that are read, are 0 instead of subnormal
FLUSHED = {"x86_64": 0x8040, "aarch64": 1 << 24}
MACHINE = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def _call(builder, name: str, result, *arguments):
    kind = ir.FunctionType(result, [each.type for each in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def mode_now(builder, machine: str):
    """This thread's floating-point mode as a LONG; 0 on a machine whose mode is not known here."""
    if machine == "x86_64":
        word = cgutils.alloca_once(builder, WORD)
        _call(
            builder,
            "llvm.x86.sse.stmxcsr",
            NOTHING,
            builder.bitcast(word, ir.IntType(8).as_pointer()),
        )
        return builder.zext(builder.load(word), LONG)
    return _call(builder, "llvm.aarch64.get.fpcr", LONG) if machine == "aarch64" else LONG(0)


def set_mode(builder, machine: str, mode) -> None:
    """Set this thread's floating-point mode."""
    if machine == "x86_64":
        word = cgutils.alloca_once(builder, WORD)
        builder.store(builder.trunc(mode, WORD), word)
        _call(
            builder,
            "llvm.x86.sse.ldmxcsr",
            NOTHING,
            builder.bitcast(word, ir.IntType(8).as_pointer()),
        )
    elif machine == "aarch64":
        _call(builder, "llvm.aarch64.set.fpcr", NOTHING, mode)


@intrinsic
def flush_subnormals(typing_context):
    """Take subnormal numbers for 0 on this thread from now on.

    Returns the mode before, for `restore_mode`.
    """

    def code(context, builder, signature, arguments):
        before = mode_now(builder, MACHINE)
        set_mode(builder, MACHINE, builder.or_(before, LONG(FLUSHED.get(MACHINE, 0))))
        return before

    return types.int64(), code


@intrinsic
def restore_mode(typing_context, mode):
    """Set the thread's mode to what `flush_subnormals` returned, which other libraries rely on."""

    def code(context, builder, signature, arguments):
        set_mode(builder, MACHINE, arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), code
