"""A recording in parts goes on on other ranks: `parts_go_on.py FOLDER`, on 3 ranks.

It does so again and again.

Each turn is: how many ranks, frames that are kept of the whole box, and the time from which it goes
on. In ends.npz is nothing: every value says where it comes from.
"""

from pathlib import Path
import sys

from ecsmpi.files.cells_group import Cells  # noqa: E402
from ecsmpi.files.items import Encoding, Mean, Slice  # noqa: E402
from ecsmpi.files.output import GridFile  # noqa: E402
from ecsmpi.files.recording import load  # noqa: E402
from ecsmpi.files.table import Column, Table  # noqa: E402
from mpi4py import MPI
import numpy as np

from support.frames import BOX, UNEVEN, coded  # noqa: E402

world, folder = MPI.COMM_WORLD, Path(sys.argv[1])
SELECTIONS = {
    "layer": (Slice("k", x=-4.5).selection(BOX), {"k": Encoding("float32")}),
    "mean": (Mean("k", axis="x").selection(BOX), {"k": Encoding("float64", 4)}),
}
CELLS = Cells(
    np.arange(15.0).reshape(5, 3),
    np.ones(5),
    np.array([0, 2, 5]),
    np.array([4, -1]),
    ("a", "b"),
)
TABLES = {
    "k": Table(
        {"max": Column("mM", "greatest"), "means": Column("mM", "means", "radius")},
        {"radius": np.arange(3.0)},
    )
}
NAMES = ("na", "k")


def turn(path, ranks, kept, times, storage="parts"):
    """Write frames of these times by the first ranks of the world.

    They come after so many that are kept, or into a new file (None).
    """
    comm = world.Split(0 if world.rank < ranks else MPI.UNDEFINED, world.rank)
    if comm != MPI.COMM_NULL:
        lo, hi = UNEVEN[ranks][comm.rank]
        going = (
            None
            if kept is None
            else ({"": kept, "layer": kept, "mean": -(-kept // 2)}, kept - 1.0)
        )
        file = GridFile(
            path,
            BOX,
            list(NAMES),
            (lo, hi),
            comm,
            {"seed": 7},
            storage,
            SELECTIONS,
            TABLES,
            going,
            CELLS if comm.rank == 0 else None,
        )
        for t in times:
            k = coded("k", t)[lo:hi]
            file.append(float(t), {"na": coded("na", t)[lo:hi], "k": k})
            file.append(float(t), {"k": k}, "layer")
            if t % 2 == 0:
                file.append(float(t), {"k": k}, "mean")
            file.append_row(
                "k", {"time": float(t), "max": 10.0 * t, "means": np.full(3, float(t))}
            )
        file.close()
        comm.Free()
    world.Barrier()


def check(path, count):
    """The file holds frames of 0, 1, 2, ..., and each value of them."""
    times = np.arange(float(count))
    whole = {name: np.stack([coded(name, t) for t in times]) for name in NAMES}
    found = load(path)
    assert np.array_equal(found.time, times), found.time
    for name in NAMES:
        assert np.array_equal(found[name], whole[name]), name
        assert np.array_equal(found.series(name, (-4.5, 9.5, 112.5)), whole[name][:, 2, 1, 2])
    assert np.array_equal(found.section("k", -1, "x", at=2.5), whole["k"][-1, 6])
    assert np.array_equal(found.selections["layer"]["k"], whole["k"][:, 2:3].astype(np.float32))
    assert np.allclose(
        found.selections["mean"]["k"], whole["k"][::2].mean(axis=1, keepdims=True), rtol=1e-14
    )
    assert np.array_equal(found.diagnostics["k"]["time"], times)
    assert np.array_equal(found.diagnostics["k"]["max"], 10 * times)
    assert np.array_equal(found.diagnostics["k"]["means"][:, 2], times)
    assert found.attributes["seed"] == 7
    assert np.array_equal(found.cells.points, CELLS.points)
    assert found.cells.names == CELLS.names
    world.Barrier()


path = folder / "k.h5"
turn(path, 3, None, range(3))
check(path, 3)
turn(path, 3, 2, range(2, 5))  # the same ranks: in the same parts
assert not list(folder.glob("*.again*"))
check(path, 5)
turn(path, 2, 4, range(4, 6))
check(path, 6)
assert len(list(folder.glob("k.again1.rank*"))) == 2
turn(path, 2, 5, range(5, 9))  # in the same parts again
check(path, 9)
assert not list(folder.glob("k.again2.*"))
turn(path, 1, 7, range(7, 10), "auto")  # a file in parts stays one
check(path, 10)
turn(path, 3, 3, range(3, 8))  # from before any of the other restarts
check(path, 8)
turn(path, 2, 8, ())
check(path, 8)
turn(folder / "one.h5", 1, None, range(4), "single")  # from one file to parts
turn(folder / "one.h5", 3, 3, range(3, 6))
check(folder / "one.h5", 6)
assert (folder / "one.before1.h5").is_file()
turn(folder / "one.h5", 2, 5, range(5, 7))
check(folder / "one.h5", 7)
if world.rank == 0:
    assert not [one.name for one in folder.iterdir() if one.name.startswith(".")]
    print("all as it should be")
