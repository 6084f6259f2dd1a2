"""Plays the frames one after the other, as fast as they can be drawn but no faster than asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ecsmpi.view.choices import FASTEST
from ecsmpi.view.viewer import Viewer

LEAST = 0.01  # s between two frames in which the server answers the page
REST = 0.1  # s between two looks whether there is something to play


class Player:
    """Moves a viewer from frame to frame while its choice `playing` is on.

    Parameters
    ----------
    viewer : Viewer
        What is played.
    state
        The page's state: told of each frame.
    """

    def __init__(self, viewer: Viewer, state):
        self._viewer = viewer
        self._state = state

    def step(self, by: int) -> None:
        """Go some frames on or back, and stay there."""
        self._state["playing"] = False
        self._go(int(self._state["frame_number"]) + by)

    def go_to_end(self, last: bool) -> None:
        """Go to the first or to the last frame."""
        self._state["playing"] = False
        self._go(int(self._state["frame_count"]) - 1 if last else 0)

    def toggle(self) -> None:
        """Play or pause; from the last frame it begins anew."""
        state = self._state
        state["playing"] = not state["playing"] and state["frame_count"] > 1
        if state["playing"] and state["frame_number"] >= state["frame_count"] - 1:
            self._go(0)

    def advance(self) -> None:
        """Go to the next frame of a play: from the last to the first, or it ends there."""
        state = self._state
        following = int(state["frame_number"]) + 1
        if following < state["frame_count"]:
            self._go(following)
        elif state["repeating"]:
            self._go(0)
        else:
            state["playing"] = False

    def _go(self, number: int) -> None:
        last = max(0, int(self._state["frame_count"]) - 1)
        self._state["frame_number"] = min(max(number, 0), last)
        self._viewer.draw()

    async def run(self, is_seen: Callable[[], bool]) -> None:
        """Play for ever, while `playing` is on and the page is seen.

        Parameters
        ----------
        is_seen
            Whether a browser shows the page.
        """
        while True:
            begun = time.monotonic()
            if is_seen() and self._state["playing"]:
                with self._state:
                    self.advance()
                fps = min(max(float(self._state["fps"]), 0.1), FASTEST)
                await asyncio.sleep(max(LEAST, begun + 1 / fps - time.monotonic()))
            else:
                await asyncio.sleep(REST)
