"""What is asked of a file, checked: species and selections, planes, and whether all ranks write one
file.
"""

from __future__ import annotations

import os

import h5py

from ecsmpi.files.file_layout import RESERVED, Track
from ecsmpi.files.items import Encoding
from ecsmpi.files.selection import Selection

STORAGES = ("auto", "single", "parts")


def tracks_of(box, species, selections, tables):
    """The whole box first, if any of it is written, then the selections."""
    whole = species if isinstance(species, dict) else dict.fromkeys(_different(species), Encoding())
    if not tables:
        _some(whole or selections, "a file")
    _check_names([*whole, *selections])
    tracks = [Track("", Selection.whole(box), whole)] if whole else []
    for group, (selection, encodings) in selections.items():
        _check_names(_some(encodings, f"the selection {group}"))
        tracks.append(Track(group, selection, encodings))
    return tracks


def _different(names):
    names = list(names)
    if len(set(names)) < len(names):
        raise ValueError(f"species of one file must have different names, got {names}")
    return names


def _some(names, what):
    if not names:
        raise ValueError(f"{what} needs at least one species, got no names")
    return list(names)


def _check_names(names):
    for name in _different(names):
        if not isinstance(name, str) or not name or "/" in name or name in RESERVED or name == ".":
            raise ValueError(
                f"a species in a file must have a name without '/' and other than "
                f"{', '.join(RESERVED)}; got {name!r}: rename it"
            )


def checked_planes(owned, nx):
    """The planes of all ranks must be a partition of the x-axis, or frames would have holes."""
    covered = sorted((lo, hi) for lo, hi in owned if hi > lo)
    ends = [0, *(hi for _, hi in covered)]
    if any(lo > hi for lo, hi in owned) or [lo for lo, _ in covered] + [nx] != ends:
        raise ValueError(f"the planes of all ranks must cover 0 to {nx} once, got {owned} by rank")
    return owned


def chosen_storage(storage, ranks):
    """ "single" or "parts": whether all of so many ranks write one file. storage: one of STORAGES."""
    if storage == "auto":
        storage = os.environ.get("ECSMPI_STORAGE", "auto")
    if storage not in STORAGES:
        raise ValueError(
            f"storage (or ECSMPI_STORAGE) must be one of {', '.join(STORAGES)}, got {storage!r}"
        )
    shared = ranks == 1 or h5py.get_config().mpi
    if storage == "single" and not shared:
        raise ValueError(
            "storage='single' with several ranks needs an h5py built with MPI: "
            "install one, or use storage='parts'"
        )
    return ("single" if shared else "parts") if storage == "auto" else storage
