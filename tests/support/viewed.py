"""Files for the tests of `ecsmpi view`: fields whose values say where and when they are."""

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import Cells
from ecsmpi.files.items import Encoding, Mean, Slice, Subvolume
from ecsmpi.files.output import GridFile
import numpy as np

from support.frames import Alone

BOX = Box(
    (-60.0, -40.0, 0.0),
    (10.0, 8.0, 12.0),
    (12, 10, 6),
)
FLAT = Box(
    (-60.0, -40.0, 0.0),
    (10.0, 8.0, 12.0),
    (12, 10, 1),
)
TIMES = (0.0, 5.0, 10.0, 15.0, 20.0)


def ball(t, box=BOX, base=3.0, height=10.0):
    """(x, y, z) mM: a bell in the middle of the box that grows with time from nothing."""
    squares = []
    for a in range(3):
        centres = np.arange(box.shape[a]) + 0.5
        squares.append(((centres / box.shape[a] - 0.5) / 0.2) ** 2)
    bell = np.exp(-np.add.outer(np.add.outer(squares[0], squares[1]), squares[2]) / 2)
    return base + height * bell * t / TIMES[-1]


FIELDS = {"k": ball, "na": lambda t, box=BOX: 145.0 - ball(t, box, base=0.0)}


def cell():
    """A soma of 12 um, and a dendrite that gets thinner from 4 to 2 um."""
    points = np.array([[-6.0, 0, 36], [6, 0, 36], [6, 0, 36], [30, 10, 40], [50, 30, 60]])
    return Cells(
        points, np.array([12.0, 12, 4, 3, 2]), np.array([0, 2, 5]), np.array([7, 7]), ("a", "b")
    )


def begin(path, box=BOX, names=("k", "na"), cells=None, selections=None):
    """Return an open file without frames."""
    planes = (0, box.shape[0])
    return GridFile(
        path,
        box,
        list(names),
        planes,
        Alone(),
        cells=cells,
        selections=selections,
    )


def write(path, box=BOX, times=TIMES, names=("k", "na"), cells=None, fields=None):
    """Write frames of `fields`, functions of (t, box), and close the file."""
    file = begin(path, box, names, cells)
    for t in times:
        file.append(t, {name: (fields or FIELDS)[name](t, box) for name in names})
    file.close()
    return path


def write_selections(path):
    """Write a slice, a mean and every second voxel of k, and nothing in whole."""
    items = {
        "layer": Slice("k", z=30.0),
        "mean": Mean("k", axis="z"),
        "coarse": Subvolume("k", stride=2),
    }
    selections = {
        name: (item.selection(BOX), {"k": Encoding()}) for name, item in items.items()
    }
    file = begin(
        path,
        names=(),
        selections=selections,
    )
    for t in TIMES:
        for name in items:
            file.append(t, {"k": ball(t)}, name)
    file.close()
    return path
