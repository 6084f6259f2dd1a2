"""Files of frames for tests of writing and reading: every value says where it comes from."""

import sys

from ecsmpi.description.grid import Box
from ecsmpi.files.output import GridFile
import h5py
import numpy as np

BOX = Box((-10.0, 5.0, 100.0), (2.0, 3.0, 5.0), (7, 4, 3))
TIMES = (0.0, 0.5, 1.0)
NAMES = ("na", "k")
UNEVEN = {1: [(0, 7)], 2: [(0, 5), (5, 7)], 3: [(4, 7), (4, 4), (0, 4)]}


def storages(ranks):
    """Return the ways to store: several ranks share a file where h5py was built with MPI."""
    return ("single", "parts") if ranks == 1 or h5py.get_config().mpi else ("parts",)


class Alone:
    """The communicator of one rank, for tests that need no MPI."""

    rank, size = 0, 1

    def allgather(self, value):
        return [value]

    gather = allgather

    def bcast(self, value):
        return value

    def allreduce(self, value):
        return value

    def Reduce(self, send, receive, root):
        receive[:] = send


def coded(name, t, box=BOX):
    """(x, y, z) whose digits are the time, the voxel and the species."""
    i, j, k = np.indices(box.shape)
    return 2000.0 * t + 100 * i + 10 * j + k + (0.5 if name == "na" else 0.0)


def expected(name):
    """(time, x, y, z) of a file of `write`."""
    return np.stack([coded(name, t) for t in TIMES])


def write(path, comm=None, storage="single", times=TIMES):
    """Write the coded frames and close the file; the planes are those of UNEVEN."""
    file, frames = opened(path, comm or Alone(), storage)
    for t in times:
        file.append(t, frames(t))
    file.close()


def opened(path, comm, storage):
    """Return an open GridFile on BOX, and t -> this rank's fields as views of strided memory."""
    lo, hi = UNEVEN[comm.size][comm.rank]
    padded = {name: np.zeros((hi - lo, 4, 8)) for name in NAMES}
    file = GridFile(
        path, BOX, list(NAMES), (lo, hi), comm, {"ecsmpi": "1.2.3", "seed": 7}, storage=storage
    )

    def frames(t):
        for name, memory in padded.items():
            memory[:, :, 1:7:2] = coded(name, t)[lo:hi]
        return {name: memory[:, :, 1:7:2] for name, memory in padded.items()}

    return file, frames


if __name__ == "__main__":
    from mpi4py import MPI

    for kind in storages(MPI.COMM_WORLD.size):
        write(f"{sys.argv[1]}/{kind}.h5", MPI.COMM_WORLD, kind)
