"""What the models report when they have run: a table, and voltages of cells by their distance."""

from neuron import n
import numpy as np


def gathered(voltages):
    """The voltages of all ranks' cells on rank 0, from the nearest cell to the centre on.

    Collective. voltages: (distance (um), vector) of each of this rank's cells. Returns distance
    (cells,) and v (cells, times).
    """
    own = [(distance, np.array(v)) for distance, v in voltages]
    everyone = n.ParallelContext().py_gather(own, 0)
    found = []
    for cells in everyone or ():
        found += cells
    if not found:
        return [np.zeros(0), np.zeros((0, 1))]
    found.sort(key=lambda cell: cell[0])
    return [np.array(part) for part in zip(*found)]


def print_table(lines):
    """Print {quantity: (published, here)}."""
    rows = {"": ("published", "here"), **lines}
    widths = [2 + max(map(len, column)) for column in (rows, *zip(*rows.values()))]
    for name, (published, here) in rows.items():
        print(f"{name:<{widths[0]}}{published:>{widths[1]}}{here:>{widths[2]}}")
