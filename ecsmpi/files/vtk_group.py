"""What marks a group of an HDF5 file as one of VTKHDF's."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

VERSION = (2, 2)


def create_vtk_group(file: h5py.File, name: str, kind: str) -> Any:
    """Create an empty group of a kind, such as "ImageData", and return it."""
    group = file.create_group(name)
    group.attrs["Version"] = np.array(VERSION, dtype=np.int64)
    group.attrs.create("Type", kind.encode(), dtype=h5py.string_dtype("ascii", len(kind)))
    return group
