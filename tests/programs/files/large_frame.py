"""A frame of which rank 0 writes all planes but one: `large_frame.py OUTPUT PLANES SIZE`.

Each voxel holds its number in C order. The planes are SIZE x SIZE voxels.
"""

import sys

from ecsmpi.description.grid import Box
from ecsmpi.files.output import GridFile
from mpi4py import MPI
import numpy as np

comm = MPI.COMM_WORLD
planes, size = map(int, sys.argv[2:])
box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (planes, size, size))
lo, hi = (0, planes - 1) if comm.rank == 0 else (planes - 1, planes)
owned = np.empty((hi - lo, size, size))
numbers = np.arange(box.plane, dtype=float).reshape(size, size)
for x, plane in zip(range(lo, hi), owned):
    np.add(numbers, x * box.plane, out=plane)
file = GridFile(sys.argv[1], box, ["k"], (lo, hi), comm)
file.append(0.0, {"k": owned})
file.close()
