"""Damages a morphology COUNT times and makes a cell of each: `fuzzed_morphologies.py COUNT`.

`loads`, which the test writes, is the example's module up to its arguments.
"""

from pathlib import Path
import sys

from loads import load_cell, n, padded_bounds
import numpy as np

from support.fuzzing import outcomes


def point(i):
    """One line of the file: a point of a branch."""
    parent = i - 1 if i % 9 else 2
    return f"{i} {3 + i % 2} {8 + 3.5 * i} {i % 7} {i % 5} 0.5 {parent}"


def load(path):
    """Return 0 for a cell, 1 for a file that is refused, another number for what must not be."""
    try:
        load_cell(path)
    except SystemExit as error:
        return 1 if "is no morphology" in str(error) else 98
    low, high = padded_bounds()
    return 0 if np.isfinite([low, high]).all() and sum(1 for _ in n.allsec()) else 97


points = ["# a cell", "1 1 0 0 0 6 -1", "2 1 8 0 0 6 1", *map(point, range(3, 60))]
data = "\n".join(points).encode()
whole, refused, odd = outcomes(load, data, Path("cell.swc"), int(sys.argv[1]))
assert not odd and whole and refused, (whole, refused, odd)
