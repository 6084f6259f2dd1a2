"""What the models say when they have run: a table of published and computed values; and voltages of
cells by their distance.
"""

from neuron import n
import numpy as np


def gathered(voltages):
    """(distance (cells,), v (cells, times)) of all ranks on rank 0, from the nearest to the centre
    on. Collective.

    voltages: of this rank's cells, (distance (um), vector).
    """
    everyone = n.ParallelContext().py_gather(
        [(distance, np.array(v)) for distance, v in voltages], 0
    )
    found = sorted((one for some in everyone or () for one in some), key=lambda one: one[0])
    return [np.array(part) for part in zip(*found)] if found else [np.zeros(0), np.zeros((0, 1))]


def print_table(lines):
    """Print {quantity: (published, here)}."""
    rows = {"": ("published", "here"), **lines}
    widths = [2 + max(map(len, column)) for column in (rows, *zip(*rows.values()))]
    for name, (published, here) in rows.items():
        print(f"{name:<{widths[0]}}{published:>{widths[1]}}{here:>{widths[2]}}")
