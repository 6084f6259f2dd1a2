"""Refuses HDF5 files with strange links.

HDF5 follows links out of a file unasked; a link to a pipe would be waited for without end.
"""

from __future__ import annotations

from pathlib import Path

import h5py


def check_links(path: str | Path, file: h5py.File) -> None:
    """Raise OSError where an open file has a link that no run makes, or one to no plain file."""
    strange = []

    def look(name):
        kind = file.id.links.get_info(name).type
        if kind == h5py.h5l.TYPE_EXTERNAL:
            target = file.id.links.get_val(name)[0].decode(errors="replace")
            if not (Path(path).parent / target).is_file():
                strange.append((name, f"to {target!r}, which is no file"))
        elif kind not in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
            strange.append((name, f"of the kind {kind}"))

    try:
        file.id.links.visit(look)
    except (RuntimeError, KeyError, ValueError) as error:
        raise OSError(
            f"{path} is damaged: its names cannot be read ({error}); run the simulation again"
        ) from error
    if strange:
        name, what = strange[0]
        shown = name.decode(errors="replace") if isinstance(name, bytes) else name
        raise OSError(
            f"{path} has a link, {shown!r}, {what}: no run makes such a link; delete it, or run "
            "the simulation again"
        )
