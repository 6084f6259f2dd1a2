"""Compiled loops are vector instructions, and have the same bits from any number of threads."""

import platform
import re

from ecsmpi.solver import entry_kernels, heterogeneous_kernels, plane_kernels, row_kernels
import numba
import numpy as np
import pytest

from support.programs import PROGRAMS

row = numba.types.Array(numba.float64, 1, "C")
places = numba.types.Array(numba.uint32, 1, "C")
number = numba.float64
HOT = {
    "_fluxes": (*[row] * 10, *[number] * 3, *[row] * 3),
    "_up_rows": (row, row, number, row, row, row),
    "_down_rows": (row, number, row, row, row),
    "_times": (row, row, row),
    "_add_product": (row, row, row),
    "_up_tile": (row, row, row, number),
    "_down_tile": (row, row, row, number),
    "second_differences": (number, number, *[row] * 7, number, number, row),
    "up_row": (row, row, number, number),
    "scale_row": (row, number),
    "add_scaled": (row, number, row),
    "carry_row": (row, row, number, number),
    "_sum_of_products": (row, places, row, numba.uint32, numba.uint32),
    "gap_to": (number, row, row),
}
PACKED = {  # arithmetic on several doubles at once
    "x86_64": r"\bv(add|sub|mul|fn?m(add|sub)\d*)pd\s.*%[yz]mm",
    "aarch64": r"\bf(add|sub|mul|mla|mls)\s+(v\d+\.2d|z\d+\.d)",
}


def _kernel(name):
    modules = row_kernels, plane_kernels, heterogeneous_kernels, entry_kernels
    return next(getattr(module, name) for module in modules if hasattr(module, name))


@pytest.mark.parametrize("name", HOT)
def test_hot_loops_are_vector_instructions(name):
    """The kernels are compiled anew with their own options.

    A cached kernel does not show its instructions.
    """
    options = {**_kernel(name).targetoptions, "cache": False}
    compiled = numba.jit(HOT[name], **options)(_kernel(name).py_func)
    (assembly,) = compiled.inspect_asm().values()
    machine = platform.machine()
    if machine not in PACKED:
        pytest.skip(f"what a vector instruction looks like on {machine} is not known here")
    assert re.search(PACKED[machine], assembly), f"{name} takes one double at a time on {machine}"


def test_any_number_of_threads_gives_the_same_bits(on_ranks):
    found = on_ranks(1, PROGRAMS / "solver" / "steps_by_threads.py", env={"NUMBA_NUM_THREADS": 3})
    for key, bits in found.items():
        alone = found[key.rpartition(" ")[0] + " 1"]
        np.testing.assert_array_equal(
            bits, alone, err_msg=f"shape, dt, whether tissue varies, threads: {key}"
        )
    assert len(found) == 48
