"""A recording in parts: which files have its frames, and which planes and frames each has.

Without parallel HDF5 each rank writes its planes to a file of its own beside the main one, whose
datasets are virtual:

    k.h5                     points to the parts; has the times
    k.rank00003.h5           the planes of rank 3
    k.again1.rank00000.h5    after a restart on other ranks: their planes of the frames since
    k.before1.h5             after a restart in parts: the frames before, that one file had
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

UNLIMITED = h5py.h5s.UNLIMITED


@dataclass(frozen=True)
class PartSource:
    """A dataset of another file that has some planes and some frames of a recording.

    Parameters
    ----------
    file : str
        Name of the file, beside the main one.
    dataset : str
        Path of the dataset in that file.
    lo, hi : int
        The dataset has planes [lo, hi).
    first : int
        Number of its first frame in the recording.
    frames : int, optional
        How many frames it has; None for all that are still to come.
    """

    file: str
    dataset: str
    lo: int
    hi: int
    first: int = 0
    frames: int | None = None

    @property
    def end(self) -> int:
        """The frame after the last one; 0 where the number of frames is not limited."""
        return 0 if self.frames is None else self.first + self.frames

    def cut(self, frames: int) -> PartSource:
        """Return the source without frames after the recording's first ``frames``.

        None may be left.
        """
        left = max(0, frames - self.first)
        return replace(self, frames=left if self.frames is None else min(self.frames, left))


def part_path(path: str | Path, rank: int, generation: int = 0) -> Path:
    """Return the file with the planes of one rank, beside ``path``.

    generation: how many restarts on other ranks there were.
    """
    again = f".again{generation}" if generation else ""
    return _beside(path, f"{again}.rank{rank:05d}.h5")


def before_path(path: str | Path, generation: int) -> Path:
    """Return where the frames of one file go when later frames are written in parts."""
    return _beside(path, f".before{generation}.h5")


def _beside(path: str | Path, ending: str) -> Path:
    path = Path(path)
    stem = path.stem if path.suffix == ".h5" else path.name
    return path.with_name(stem + ending)


def generation_of(name: str) -> int:
    """Return the generation of a part, by its name."""
    found = re.search(r"\.(?:again|before)(\d+)\.", name)
    return int(found[1]) if found else 0


def sources_of(data: h5py.Dataset) -> list[PartSource]:
    """Return the sources of an open virtual dataset, in its order. Opens none of their files."""
    sources = []
    for one in data.virtual_sources():
        start, _, count, block = one.vspace.get_regular_hyperslab()
        frames = None if count[0] == UNLIMITED else int(count[0] * block[0])
        lo = int(start[3])
        hi = lo + int(count[3] * block[3])
        sources.append(PartSource(one.file_name, one.dset_name, lo, hi, int(start[0]), frames))
    return sources


def virtual_field(
    group, name: str, shape: tuple[int, int, int], sources: list[PartSource], encoding
) -> h5py.Dataset:
    """Create a virtual dataset: its sources side by side along x, and one after another in time.

    Its length in time is that of the sources; voxels that no source has are NaN.
    """
    nx, ny, nz = shape
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dtype = np.dtype(encoding.precision)
    properties.set_fill_value(np.array([np.nan], dtype))
    for one in sources:
        in_recording = _frames(shape, one.lo, one.hi, one.first, one.frames)
        in_source = _frames((one.hi - one.lo, ny, nz), 0, one.hi - one.lo, 0, one.frames)
        file = one.file.encode()
        properties.set_virtual(in_recording, file, one.dataset.encode(), in_source)
    known = max((one.end for one in sources), default=0)
    space = h5py.h5s.create_simple((known, nz, ny, nx), (UNLIMITED, nz, ny, nx))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(dtype), space, dcpl=properties)
    return group[name]


def _frames(shape: tuple[int, int, int], lo: int, hi: int, first: int, frames: int | None):
    """Select planes [lo, hi) of ``frames`` frames from the first on; None for all to come."""
    nx, ny, nz = shape
    count = UNLIMITED if frames is None else frames
    space = h5py.h5s.create_simple((first + (frames or 1), nz, ny, nx), (UNLIMITED, nz, ny, nx))
    space.select_hyperslab((first, 0, 0, lo), (count, 1, 1, 1), block=(1, nz, ny, hi - lo))
    return space


def keep_under(path: Path, other: Path) -> None:
    """Give a file a second name, so that a new file can take the first one."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:  # a file system without hard links
        os.rename(path, other)
