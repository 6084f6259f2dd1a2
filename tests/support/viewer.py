"""A viewer whose page is a dictionary, and what a page does to it."""

from ecsmpi.view.viewed_file import ViewedFile
from ecsmpi.view.viewer import Viewer


def viewer_of(scene, *paths, following=False):
    files = [ViewedFile(path) for path in paths]
    return Viewer(
        files,
        scene,
        {},
        lambda: None,
        following,
    )


def choose(viewer, **choices):
    viewer.state.update(choices)
    viewer.draw_if_changed()
    return viewer.state


def notes(viewer):
    return " ".join(viewer.state["notes"])
