"""Which files hold the frames of a recording in parts, and which planes and frames each of them
has.

Without parallel HDF5 each rank writes its planes to a file of its own beside the main one, whose
datasets are virtual:

    k.h5                     points to the parts; has the times
    k.rank00003.h5           the planes of rank 3
    k.again1.rank00000.h5    after a restart on other ranks: their planes of the frames since
    k.before1.h5             after a restart in parts: the frames before, that one file held
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
class Source:
    """A dataset of another file that has planes [lo, hi) of the frames from ``first`` on; frames:
    None for all to come.
    """

    file: str
    dataset: str
    lo: int
    hi: int
    first: int = 0
    frames: int | None = None

    @property
    def end(self) -> int:
        """The frame after the last of those that are limited; 0 where none is."""
        return 0 if self.frames is None else self.first + self.frames

    def cut(self, frames: int) -> Source:
        """With those of the recording's first so many frames alone, which may be none."""
        left = max(0, frames - self.first)
        return replace(self, frames=left if self.frames is None else min(self.frames, left))


def part_path(path, rank: int, generation: int = 0) -> Path:
    """The file with the planes of one rank, beside ``path``.

    generation: how many restarts on other ranks there were.
    """
    path = Path(path)
    stem = path.stem if path.suffix == ".h5" else path.name
    again = f".again{generation}" if generation else ""
    return path.with_name(f"{stem}{again}.rank{rank:05d}.h5")


def before_path(path, generation: int) -> Path:
    """Where the frames go that one file held before the others were written in parts."""
    path = Path(path)
    stem = path.stem if path.suffix == ".h5" else path.name
    return path.with_name(f"{stem}.before{generation}.h5")


def generation_of(name: str) -> int:
    """Of a part, by its name."""
    found = re.search(r"\.(?:again|before)(\d+)\.", name)
    return int(found[1]) if found else 0


def sources_of(data) -> list[Source]:
    """The sources of an open virtual dataset, in its order. Opens none of them."""
    sources = []
    for one in data.virtual_sources():
        start, _, count, block = one.vspace.get_regular_hyperslab()
        endless = count[0] == UNLIMITED
        frames = None if endless else int(count[0] * block[0])
        lo = int(start[3])
        hi = lo + int(count[3] * block[3])
        sources.append(Source(one.file_name, one.dset_name, lo, hi, int(start[0]), frames))
    return sources


def virtual_field(group, name, shape, sources: list[Source], encoding) -> h5py.Dataset:
    """A dataset that is its sources side by side along x and one after another in time; its length
    in time is theirs.
    """
    nx, ny, nz = shape
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dtype = np.dtype(encoding.precision)
    properties.set_fill_value(np.array([np.nan], dtype))
    for one in sources:
        here = _frames(shape, one.lo, one.hi, one.first, one.frames)
        there = _frames((one.hi - one.lo, ny, nz), 0, one.hi - one.lo, 0, one.frames)
        properties.set_virtual(here, one.file.encode(), one.dataset.encode(), there)
    known = max((one.end for one in sources), default=0)
    space = h5py.h5s.create_simple((known, nz, ny, nx), (UNLIMITED, nz, ny, nx))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(dtype), space, dcpl=properties)
    return group[name]


def _frames(shape, lo, hi, first, frames):
    """Planes lo to hi of so many frames from the first on; None: of all there will ever be."""
    nx, ny, nz = shape
    count = UNLIMITED if frames is None else frames
    space = h5py.h5s.create_simple((first + (frames or 1), nz, ny, nx), (UNLIMITED, nz, ny, nx))
    space.select_hyperslab((first, 0, 0, lo), (count, 1, 1, 1), block=(1, nz, ny, hi - lo))
    return space


def keep_under(path: Path, other: Path) -> None:
    """Give a file a second name, so that a new file may take the first one."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:  # a file system without hard links
        os.rename(path, other)
