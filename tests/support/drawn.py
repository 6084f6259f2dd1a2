"""Files whose pictures can be computed by hand, and what is read of them."""

from contextlib import contextmanager

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import Cells
from ecsmpi.files.frame_source import FrameSource
from ecsmpi.files.output import GridFile
from ecsmpi.files.recording import load
from ecsmpi.files.sonata import Mapping, lay_out_report, lay_out_spikes
import h5py
import numpy as np

from support.frames import Alone

BOX = Box((0.0, -40.0, -15.0), (10.0, 10.0, 10.0), (10, 8, 3))
TIMES = (0.0, 100.0, 300.0)


def linear(t, box=BOX):
    """(x, y, z) mM: a field that is linear in x, y, z (um) and in time (ms)."""
    axes = [box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5) for a in range(3)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return 100 + 0.5 * x + 0.25 * y - 0.125 * z + t / 100


def two_cells():
    """A soma of 20 x 20 um along x with a dendrite at a right angle, and a rod along z."""
    points = [
        *[(20, 0, 0), (30, 0, 0), (40, 0, 0)],
        *[(40, 0, 0), (40, 30, 0)],
        *[(70, -20, -15), (70, -20, -6)],
    ]
    diameters = [20.0, 20, 20, 4, 2, 6, 6]
    return Cells(
        np.array(points, float),
        np.array(diameters),
        np.array([0, 3, 5, 7]),
        np.array([0, 0, 1]),
        ("soma", "dend", "rod"),
    )


def write_frames(path, fields, times=TIMES, box=BOX, cells=None, selections=None, **attributes):
    """Write {species: t -> (x, y, z)} at times, and the same fields of selections."""
    whole = [] if selections else list(fields)
    file = GridFile(
        path,
        box,
        whole,
        (0, box.shape[0]),
        Alone(),
        attributes,
        cells=cells,
        selections=selections,
    )
    for t in times:
        frame = {name: field(t) for name, field in fields.items()}
        for group in selections or [""]:
            file.append(t, frame, group)
    file.close()
    return path


@contextmanager
def counted_reads(monkeypatch):
    """Yield a list to which each reading of values adds (dataset, index, number of values)."""
    reads = []
    read = FrameSource.values

    def counting(self, file, place, shape, where):
        values = read(self, file, place, shape, where)
        reads.append((place.rpartition("/")[2], where, values.size))
        return values

    with monkeypatch.context() as patched:
        patched.setattr(FrameSource, "values", counting)
        yield reads


def write_report(path, values, node, element, position, interval=0.5, **attributes):
    """Write a SONATA report of v (mV): values (frames, segments)."""
    mapping = Mapping.of(
        np.array(node, np.uint64),
        np.array(element, np.uint32),
        np.array(position, np.float32),
    )
    frames = len(values)
    about = {"variable": "v", **attributes}
    with h5py.File(path, "w") as file:
        lay_out_report(file, "All", mapping, "mV", max(1, frames), about)
        group = file["report/All"]
        group["data"].resize(frames, axis=0)
        group["data"][:] = values
        group["mapping/time"][:] = 0, frames * interval, interval
    return path


def write_spikes(path, times, gids):
    """Write SONATA spikes: times (ms) and gids."""
    with h5py.File(path, "w") as file:
        lay_out_spikes(file, "All", {})
        for name, values in (("timestamps", times), ("node_ids", gids)):
            file[f"spikes/All/{name}"].resize(len(values), axis=0)
            file[f"spikes/All/{name}"][:] = values
    return path


def saved(folder, times=TIMES, box=BOX, cells=None, **fields):
    """Write species=field, t -> (x, y, z), and return the recording."""
    path = folder / "saved.h5"
    write_frames(path, fields, times, box, cells)
    return load(path)
