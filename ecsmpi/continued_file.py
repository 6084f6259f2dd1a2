"""A file of frames that goes on after a restart: is it the one, and is it whole?"""

from __future__ import annotations

from pathlib import Path

import h5py

from ecsmpi.file_layout import FORMAT, Track

ELSE = "put that file back, or give another for the frames from here on"


def opened_to_continue(path) -> h5py.File:
    """A file for reading and writing. Raises ValueError where it is not there, OSError where it is damaged."""
    if not Path(path).is_file():
        raise ValueError(f"there is no {path}, whose frames the checkpoint goes on with: {ELSE}")
    try:
        return h5py.File(path, "r+", locking=False)
    except OSError as error:
        raise OSError(
            f"{path} is damaged, its writer was ended inside a write ({error}): keep it for what can be read of it, and "
            "give another file for the frames from here on"
        ) from error


def check_continues(path, tracks: list[Track], in_parts: bool) -> None:
    """Raise ValueError where the frames of these tracks would not go on in a file."""
    with opened_to_continue(path) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError(f"{path} is not a file of frames: {ELSE}")
        for track in tracks:
            nx, ny, nz = track.selection.grid.shape
            for name in track.encodings:
                data = file.get(f"{track.data_group}/{name}")
                if data is None or data.shape[1:] != (nz, ny, nx):
                    raise ValueError(f"{path} holds no frames of {nx} x {ny} x {nz} voxels of {name}: {ELSE}")
                if data.is_virtual != in_parts:
                    raise ValueError(f"{path} is of other ranks than these: give another file for the frames from here on")
