"""Run loops with numba and write a library of them, or load it: `loops.py write|load LIBRARY`.

Prints a digest of what the loops made, and whether numba was imported. After `load` it also gives a
loop arguments of other kinds than the library's.
"""

import hashlib
from pathlib import Path
import sys

from ecsmpi.kernels import library
from ecsmpi.kernels.calls import kernels_of
import numpy as np

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")
interface_kernels = kernels_of("ecsmpi.solver.interface_kernels")
nernst = kernels_of("ecsmpi.cells.nernst").nernst


def made():
    """What loops make of the same numbers."""
    draw = np.random.default_rng(7)
    values, factor = draw.random((2, 1000))
    slot = np.sort(draw.integers(0, 50, 1000)).astype(np.uint32)
    start = np.searchsorted(slot, np.arange(51)).astype(np.uint32)
    alike = draw.random(50) < 0.5
    sums, limbs = np.zeros(50), np.zeros((50, 4), dtype=np.int64)
    entry_kernels.add_in_turn(values, factor, slot, start, alike, 0.025, sums)
    none, ends = np.zeros(0, dtype=np.uint32), np.array([0, 50], dtype=np.uint32)
    entry_kernels.add_limbs_by_voxel(
        values, none, factor, slot, start, ends, ends, 0.025, True, limbs
    )
    potential, inside, outside = np.zeros(9), *draw.random((2, 9))
    nernst(potential, inside, outside, 25.7)
    planes = draw.random((9, 5, 40))
    interface_kernels.join_blocks(*planes)
    return b"".join(each.tobytes() for each in (sums, limbs, potential, planes))


def other_kinds():
    """A loop gets arrays of other types and strides, and what no loop takes."""
    out = np.zeros(6)
    entry_kernels.move(np.arange(3.0), np.arange(3), out[::2], np.arange(3)[::-1])
    entry_kernels.move(np.arange(3.0, dtype=np.float32), np.arange(3), out, np.array([1, 3, 5]))
    assert out.tolist() == [2, 0, 1, 1, 0, 2], out
    from numba.core.errors import TypingError

    try:
        entry_kernels.move("no array", np.arange(3), out, np.arange(3))
    except TypingError:
        return
    raise AssertionError("a loop took a string")


what, path = sys.argv[1:]
if what == "write":
    from ecsmpi.kernels.link import Libraries

    libraries = Libraries()
    libraries.begin()
    contents = made()
    entry_kernels.move(np.ones(1), np.zeros(1, dtype=np.int64), np.ones(1), np.array([0]))
    libraries.write(Path(path))
else:
    assert library.load(Path(path))
    contents = made()
print(hashlib.sha256(contents).hexdigest(), "numba" in sys.modules)
if what == "load":
    other_kinds()
