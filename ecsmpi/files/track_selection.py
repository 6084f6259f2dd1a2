"""Checks what a file of frames shall have: species, selections, planes, and its storage."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

import h5py

from ecsmpi.description.grid import Box
from ecsmpi.files.file_layout import RESERVED, Track
from ecsmpi.files.items import Encoding
from ecsmpi.files.selection import Selection

STORAGES = ("auto", "single", "parts")


def tracks_of(box: Box, species, selections: dict, tables: dict) -> list[Track]:
    """Return the tracks of a file: the whole box, if any of it is written, and the selections.

    Parameters
    ----------
    box : Box
        The box.
    species
        Species that are written in whole: their names, or name -> Encoding.
    selections : dict
        Group -> (Selection, {species: Encoding}).
    tables : dict
        Tables of the file; with one, a file needs no species.

    Raises
    ------
    ValueError
        Where names are missing, occur twice, or cannot be those of a file.
    """
    if isinstance(species, dict):
        in_whole = species
    else:
        in_whole = dict.fromkeys(_checked_different(species), Encoding())
    if not tables:
        _check_some(in_whole or selections, "a file")
    _check_names([*in_whole, *selections])
    tracks = [Track("", Selection.whole(box), in_whole)] if in_whole else []
    for group, (selection, encodings) in selections.items():
        _check_some(encodings, f"the selection {group}")
        _check_names(encodings)
        tracks.append(Track(group, selection, encodings))
    return tracks


def _checked_different(names: Iterable[str]) -> list[str]:
    names = list(names)
    if len(set(names)) < len(names):
        raise ValueError(f"species of one file must have different names, got {names}")
    return names


def _check_some(names: Collection[str] | Mapping, what: str) -> None:
    if not names:
        raise ValueError(f"{what} needs at least one species, got no names")


def _check_names(names: Iterable[str]) -> None:
    for name in _checked_different(names):
        if not isinstance(name, str) or not name or "/" in name or name in RESERVED or name == ".":
            raise ValueError(
                "a species in a file must have a name without '/' and other than "
                f"{', '.join(RESERVED)}; got {name!r}: rename it"
            )


def checked_planes(owned: list[tuple[int, int]], nx: int) -> list[tuple[int, int]]:
    """Return the planes (lo, hi) of each rank.

    Raises ValueError unless they cover planes 0 to ``nx`` once: frames would have holes.
    """
    covered = sorted((lo, hi) for lo, hi in owned if hi > lo)
    begins = [lo for lo, _ in covered] + [nx]
    ends = [0] + [hi for _, hi in covered]
    if any(lo > hi for lo, hi in owned) or begins != ends:
        raise ValueError(f"the planes of all ranks must cover 0 to {nx} once, got {owned} by rank")
    return owned


def chosen_storage(storage: str, ranks: int) -> str:
    """Return "single", one file that all ranks write, or "parts", a file for each rank.

    Parameters
    ----------
    storage : str
        "single", "parts", or "auto": what the environment variable ECSMPI_STORAGE says, or else
        "single" wherever h5py can.
    ranks : int
        Number of ranks.

    Raises
    ------
    ValueError
        For another value, or where h5py cannot write one file from several ranks.
    """
    if storage == "auto":
        storage = os.environ.get("ECSMPI_STORAGE", "auto")
    if storage not in STORAGES:
        raise ValueError(
            f"storage (or ECSMPI_STORAGE) must be one of {', '.join(STORAGES)}, got {storage!r}"
        )
    can_share = ranks == 1 or h5py.get_config().mpi
    if storage == "single" and not can_share:
        raise ValueError(
            "storage='single' with several ranks needs an h5py built with MPI: "
            "install one, or use storage='parts'"
        )
    if storage == "auto":
        return "single" if can_share else "parts"
    return storage
