"""Follows a file that a run is writing: new frames appear on the page."""

from __future__ import annotations

import asyncio

from ecsmpi.view.viewer import Viewer

EVERY = 1.0  # s between two looks at a file


def look_at_files(viewer: Viewer) -> bool:
    """Look at the files of a viewer again, and let it draw what is new.

    Returns whether anything has changed on the page. A file that cannot be read now keeps what was
    read of it, and the page says why.
    """
    changed = False
    for number, file in enumerate(viewer.files):
        is_shown = number == int(viewer.state["file_number"])
        try:
            found = file.look_again()
            changed |= is_shown and _show(viewer, number, found)
        except (ValueError, OSError, MemoryError) as error:
            changed |= is_shown and _tell(viewer, str(error))
    return changed


def _show(viewer: Viewer, number: int, found: str) -> bool:
    """Show what was found in the file that is looked at; whether that changes the page."""
    if found == "replaced":
        viewer.open_file(number)
        viewer.state["notes"] = [
            *viewer.state["notes"],
            f"{viewer.file.path} was written anew by another run: this is that one",
        ]
    elif found == "grown":
        viewer.grow()
    elif viewer.state["problem"] and viewer.state["lost"]:
        viewer.draw()  # the file is there again
    else:
        return False
    viewer.state["lost"] = False
    return True


def _tell(viewer: Viewer, message: str) -> bool:
    """Show why a file cannot be read; whether that is new."""
    viewer.state["lost"] = True
    text = f"{message}; what has been read of it stays here"
    if viewer.state["problem"] == text:
        return False
    viewer.state["problem"] = text
    return True


async def follow(viewer: Viewer, state) -> None:
    """Look at the files again and again."""
    while True:
        await asyncio.sleep(EVERY)
        with state:
            look_at_files(viewer)
