"""Opens HDF5 files without locks, beside any other handle of this process on the same file.

HDF5 refuses to open a file twice in one process where the two handles disagree on locks, as those
of xarray and of ecsmpi do. HDF5 only compares handles that use the same driver. So ecsmpi has a
driver of its own: HDF5's "log" driver without a log, which reads and writes as the default driver
does. To HDF5 the two handles are then two files, as if two processes had opened them.
"""

from __future__ import annotations

from pathlib import Path

import h5py

DRIVER = "ecsmpi"
CACHE_BYTES = 1 << 20  # of chunks, for each dataset; HDF5 2.0 would hold 8 MiB, two chunks of each


def _without_log(properties, **_) -> None:
    properties.set_fapl_log(b"", 0, 0)


h5py.register_driver(DRIVER, _without_log)


def open_hdf5(path: str | Path, mode: str) -> h5py.File:
    """Open a file for this process alone.

    Parameters
    ----------
    path : path
        The file.
    mode : str
        As in h5py.File: "r", "r+" or "w".

    Raises
    ------
    OSError
        As h5py raises it.
    """
    return h5py.File(path, mode, driver=DRIVER, locking=False, rdcc_nbytes=CACHE_BYTES)


def open_together(path: str | Path, comm) -> h5py.File:
    """Open a file to read and write on all ranks of ``comm``, with parallel HDF5. Collective."""
    return h5py.File(path, "r+", driver="mpio", comm=comm)
