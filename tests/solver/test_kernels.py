"""Compiled loops are vector instructions, and have the same bits from any number of threads."""

import platform
import re

from ecsmpi.solver import entry_kernels, heterogeneous_down, heterogeneous_up, row_kernels
import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from support.programs import PROGRAMS

row = numba.types.Array(numba.float64, 1, "C")
places = numba.types.Array(numba.uint32, 1, "C")
number = numba.float64
around = numba.types.BaseTuple.from_types([row] * 5, heterogeneous_up.RowAround)
HOT = {
    "_fluxes": (around, around, numba.types.UniTuple(number, 3), *[row] * 3),
    "_down_rows": (row, number, row, row, row),
    "add_product": (row, row, row),
    "second_differences": (number, number, *[row] * 7, number, number, row),
    "up_row": (row, row, number, number),
    "scale_row": (row, number),
    "add_scaled": (row, number, row),
    "carry_row": (row, row, number, number),
    "_sum_of_products": (row, places, row, numba.uint32, numba.uint32),
    "gap_to": (number, row, row),
}
count = numba.int64
limbs = numba.types.Array(count, 2, "C")
flags = numba.types.Array(numba.boolean, 1, "C")
LEAPING = {  # loops over entries, whose voxels lie anywhere
    "add_in_turn": (row, row, places, places, flags, number, row),
    "scatter_entries": (row, places, row, places),
    "scatter_in_turn": (row, places, places, flags, row),
    "_add_block": (
        count,
        row,
        places,
        row,
        places,
        places,
        flags,
        places,
        places,
        number,
        numba.boolean,
        row,
    ),
    "_scatter_block": (row, places, count, count, row, places),
    "_add_limbs_of_block": (count, count, row, places, row, places, number, limbs),
}
PACKED = {  # arithmetic on several doubles at once
    "x86_64": r"\bv(add|sub|mul|fn?m(add|sub)\d*)pd\s.*%[yz]mm",
    "aarch64": r"\bf(add|sub|mul|mla|mls)\s+(v\d+\.2d|z\d+\.d)",
}
ARITHMETIC = r"= (?:fadd|fsub|fmul|fdiv|(?:tail )?call .*@llvm\.fma)\b.*"  # in LLVM's language


def _compiled(name):
    """Compile a kernel anew with its own options: a cached one does not show its instructions."""
    modules = row_kernels, heterogeneous_up, heterogeneous_down, entry_kernels
    kernel = next(getattr(module, name) for module in modules if hasattr(module, name))
    options = {**kernel.targetoptions, "cache": False}
    signature = HOT[name] if name in HOT else LEAPING[name]
    return numba.jit(signature, **options)(kernel.py_func)


def _innermost_loops(code):
    """(name, text, text of its metadata) of the loops in LLVM code that no other loop lies in."""
    metadata = dict(re.findall(r"^(!\d+) = (.*)$", code, re.MULTILINE))
    for function in llvm.parse_assembly(code).functions:
        blocks = {block.name: block for block in function.blocks}
        order = {name: at for at, name in enumerate(blocks)}
        loops = []
        for name, block in blocks.items():
            end = str(list(block.instructions)[-1])
            for target in re.findall(r'label %"?([^",\s]+)', end):
                if order[target] <= order[name]:
                    loops.append((order[target], order[name], target, end))
        for first, last, target, end in loops:
            around = [other for other in loops if first <= other[0] and other[1] <= last]
            if len(around) > 1:
                continue
            text = "".join(str(block) for block in list(blocks.values())[first : last + 1])
            marks = re.findall(r"!llvm.loop (!\d+)", end)
            marks += [mark for each in marks for mark in re.findall(r"!\d+", metadata[each])]
            yield target, text, " ".join(metadata[mark] for mark in marks)


@pytest.mark.parametrize("name", HOT)
def test_hot_loops_are_vector_instructions(name):
    """Each loop takes several doubles at once, but for what such a loop has left over.

    LLVM marks a scalar loop that does the rest of a vector loop, and its unrolled form has a
    prologue.
    """
    (code,) = _compiled(name).inspect_llvm().values()
    packed = 0
    for loop, text, marks in _innermost_loops(code):
        arithmetic = re.findall(ARITHMETIC, text)
        is_packed = bool(arithmetic) and all("<" in each for each in arithmetic)
        is_rest = "llvm.loop.isvectorized" in marks or loop.endswith(".prol")
        assert is_packed or is_rest or not arithmetic, (
            f"{name}: {loop} takes one double at a time"
        )
        packed += is_packed
    assert packed, f"{name} has no loop over several doubles"


@pytest.mark.skipif(
    platform.machine() not in PACKED, reason="what a vector instruction looks like is not known"
)
@pytest.mark.parametrize("name", HOT)
def test_hot_loops_use_this_machines_vector_registers(name):
    (assembly,) = _compiled(name).inspect_asm().values()
    assert re.search(PACKED[platform.machine()], assembly), f"{name} takes one double at a time"


@pytest.mark.parametrize("name", LEAPING)
def test_loops_that_leap_ask_ahead_for_the_second_level_of_the_cache(name):
    """A core waits for few lines of the first level at a time, to which 3 and writing lead."""
    (code,) = _compiled(name).inspect_llvm().values()
    asked = re.findall(r"call void @llvm.prefetch[^(]*\(\S+ [^,]+, i32 (\d), i32 (\d)", code)
    to_read, second_level = "0", "2"
    assert set(asked) == {(to_read, second_level)}


def test_any_number_of_threads_gives_the_same_bits(on_ranks):
    found = on_ranks(
        1, PROGRAMS / "solver" / "steps_by_threads.py", env={"NUMBA_NUM_THREADS": 3}
    )
    for key, bits in found.items():
        alone = found[key.rpartition(" ")[0] + " 1"]
        np.testing.assert_array_equal(
            bits, alone, err_msg=f"shape, dt, whether tissue varies, threads: {key}"
        )
    assert len(found) == 60
