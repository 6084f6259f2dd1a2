"""Files of selections for their tests: the frames of `frames`, and what numpy makes of them."""

import sys

from ecsmpi.files.items import Encoding, Mean, Slice, Subvolume
from ecsmpi.files.output import GridFile

from support.frames import BOX, TIMES, coded, storages

PLANES = {
    1: [(0, 7)],
    2: [(0, 5), (5, 7)],
    3: [(4, 7), (4, 4), (0, 4)],
    4: [(0, 1), (1, 1), (1, 4), (4, 7)],
}
SMALL, PACKED = Encoding("float32"), Encoding("float64", 5)

# name of the group: what is selected, how it is stored, and what numpy selects
ITEMS = {
    "slice_x": (Slice("k", x=-4.5), Encoding(), lambda u: u[2:3]),
    "slice_y": (Slice("k", y=17.0), SMALL, lambda u: u[:, 3:]),
    "slice_z": (Slice("k", z=100.0, x=(-7, 1)), PACKED, lambda u: u[1:6, :, :1]),
    "mean_x": (Mean("k", axis="x"), PACKED, lambda u: u.mean(axis=0, keepdims=True)),
    "mean_x_of_some": (
        Mean("k", axis="x", x=slice(2, 6), y=(6, 13)),
        SMALL,
        lambda u: u[2:6, :3].mean(0, keepdims=True),
    ),
    "mean_y": (
        Mean("k", axis="y", stride=(3, 1, 1)),
        Encoding("float32", 9),
        lambda u: u[::3].mean(1, keepdims=True),
    ),
    "mean_z": (Mean("k", axis="z"), Encoding(), lambda u: u.mean(axis=2, keepdims=True)),
    "middle": (
        Subvolume("k", x=slice(3, 5), y=(8, 14), z=(101, 111)),
        PACKED,
        lambda u: u[3:5, 1:3, :2],
    ),
    "coarse": (Subvolume("k", stride=2), Encoding(), lambda u: u[::2, ::2, ::2]),
    "corner": (Subvolume("k", x=(-10, -9), y=5, z=115.0), SMALL, lambda u: u[:1, :1, 2:]),
}
# Every second one has fewer frames.
TIMES_OF = {name: TIMES[:: 1 + number % 2] for number, name in enumerate(ITEMS)}


def write(path, comm, storage, whole=("na",)):
    """Write `na` in whole, if wanted, and all items of `k`."""
    lo, hi = PLANES[comm.size][comm.rank]
    selections = {
        name: (item.selection(BOX), {"k": how}) for name, (item, how, _) in ITEMS.items()
    }
    file = GridFile(
        path, BOX, list(whole), (lo, hi), comm, storage=storage, selections=selections
    )
    for t in TIMES:
        for name in whole:
            file.append(t, {name: coded(name, t)[lo:hi]})
        for name in ITEMS:
            if t in TIMES_OF[name]:
                file.append(t, {"k": coded("k", t)[lo:hi]}, name)
    file.close()


if __name__ == "__main__":
    from mpi4py import MPI

    for kind in storages(MPI.COMM_WORLD.size):
        write(f"{sys.argv[1]}/{kind}.h5", MPI.COMM_WORLD, kind)
