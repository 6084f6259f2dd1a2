"""How ecsmpi opens HDF5 files: without locks, and beside any other handle that this process has on
the same file.

HDF5 refuses to open a file twice in one process where the two handles disagree on locks, as those
of xarray and of ecsmpi do. It compares handles of one driver alone. So ecsmpi has a driver of its
own: HDF5's "log" driver without a log, which reads and writes as the default one does. To HDF5 the
two handles are then two files, as in two processes.
"""

from __future__ import annotations

import h5py

DRIVER = "ecsmpi"
CACHE_BYTES = 1 << 20  # of chunks, for each dataset; HDF5 2.0 would hold 8 MiB, two chunks of each


def _without_log(properties, **_) -> None:
    properties.set_fapl_log(b"", 0, 0)


h5py.register_driver(DRIVER, _without_log)


def open_hdf5(path, mode: str) -> h5py.File:
    """Open a file for this process alone. mode: as of h5py.File. Raises OSError as h5py does."""
    return h5py.File(path, mode, driver=DRIVER, locking=False, rdcc_nbytes=CACHE_BYTES)


def open_together(path, comm) -> h5py.File:
    """Open a file for reading and writing on all ranks of ``comm``, with parallel HDF5.

    Collective.
    """
    return h5py.File(path, "r+", driver="mpio", comm=comm)
