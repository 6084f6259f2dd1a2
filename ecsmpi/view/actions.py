"""What buttons, keys and clicks of the page do."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ecsmpi.view.follow import look_at_files
from ecsmpi.view.player import Player
from ecsmpi.view.viewer import Viewer


class Actions:
    """Does to the viewer what the page asks.

    Parameters
    ----------
    viewer : Viewer
        What is shown.
    player : Player
        What plays it.
    """

    def __init__(self, viewer: Viewer, player: Player):
        self._viewer = viewer
        self._player = player
        self._keys: dict[str, Any] = {
            " ": self.toggle,
            "ArrowLeft": lambda: player.step(-1),
            "ArrowRight": lambda: player.step(1),
            "Home": lambda: player.go_to_end(last=False),
            "End": lambda: player.go_to_end(last=True),
            "c": self._toggle_cells,
            "r": self.look_first,
            "x": lambda: self.look_along("x"),
            "y": lambda: self.look_along("y"),
            "z": lambda: self.look_along("z"),
        }

    def open_file(self, number) -> None:
        """Look at another file."""
        self._viewer.open_file(int(number))

    def choose(self, choice) -> None:
        """Look at the whole box or at a selection."""
        self._viewer.choose(choice)

    def choose_species(self, name) -> None:
        """Look at another species."""
        self._viewer.choose_species(name)

    def toggle(self) -> None:
        """Play or pause."""
        self._player.toggle()

    def look_first(self) -> None:
        """Look as at first."""
        self._viewer.look_first()

    def look_along(self, axis) -> None:
        """Look along an axis."""
        self._viewer.look_along(axis)

    def look_again(self) -> None:
        """Look at the file again."""
        if not look_at_files(self._viewer):
            self._viewer.draw()

    def add_point(self, text) -> None:
        """Trace the voxel at a point that is given as text."""
        self._viewer.add_point(text)

    def clear_traces(self) -> None:
        """Trace no voxel."""
        self._viewer.clear_traces()

    def pick(self, across, down) -> None:
        """Trace the voxel that a click means."""
        self._viewer.pick(float(across), float(down))

    def press(self, key) -> None:
        """Do what a key does."""
        if key in self._keys:
            self._keys[key]()

    def picture(self) -> bytes:
        """Return the picture as PNG, twice as fine as on the page."""
        buffer = io.BytesIO()
        Image.fromarray(self._viewer.scene.picture(scale=2)).save(buffer, "png")
        return buffer.getvalue()

    def _toggle_cells(self) -> None:
        state = self._viewer.state
        state["cells_on"] = not state["cells_on"]
