"""A file of frames that is looked at while it may grow, vanish or be written anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecsmpi.files.frames import Frames
from ecsmpi.files.recording import Recording, load
from ecsmpi.view.value_range import ValueRange

KEPT_BYTES = 512 << 20  # of frames that have been read
WHOLE = ""  # stands for all voxels where a selection's name could be


class ViewedFile:
    """A file of frames: its voxels to choose from, its frames, and the range of their values.

    Attributes
    ----------
    recording : Recording
        What the file had when it was last looked at.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.recording: Recording = load(path)
        self._kept: dict[tuple[str, str, int], np.ndarray] = {}
        self._ranges: dict[tuple[str, str], ValueRange] = {}
        self._series: dict[tuple, np.ndarray] = {}

    @property
    def choices(self) -> list[tuple[str, str]]:
        """(key, words) of the whole box, where the file has it, and of each selection."""
        found = [(WHOLE, "all voxels")] if self.recording.names else []
        for name, frames in self.recording.selections.items():
            found.append((name, f"{name}: {frames.voxels}"))
        return found

    def frames(self, choice: str) -> Frames:
        """Return the frames of the whole box or of a selection."""
        return self.recording.of(choice or None)

    def values(self, choice: str, name: str, number: int) -> np.ndarray:
        """Return one frame of a species: (x, y, z) in mM."""
        key = (choice, name, number)
        if key not in self._kept:
            values = self.frames(choice).frame(name, number)
            while self._kept and self._kept_bytes() + values.nbytes > KEPT_BYTES:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = values
        return self._kept[key]

    def value_range(self, choice: str, name: str) -> ValueRange:
        """Return the range of a species over all frames that the file has."""
        found = self._ranges.setdefault((choice, name), ValueRange())
        frames = self.frames(choice)
        if found.frames != len(frames):
            found.read(frames, name)
        return found

    def series(self, choice: str, name: str, place: tuple[float, float, float]) -> np.ndarray:
        """Return a species through time in the voxel at a place (um): (frames,) in mM."""
        key = (choice, name, place)
        frames = self.frames(choice)
        if key not in self._series or len(self._series[key]) != len(frames):
            self._series[key] = frames.series(name, place)
        return self._series[key]

    def look_again(self) -> str:
        """Look at the file again: "same", "grown", or "replaced" where another run wrote it.

        Raises OSError or ValueError where it cannot be read now; what was read stays.
        """
        fresh = load(self.path)
        counts = self._counts(fresh)
        if fresh.attributes["run"] != self.recording.attributes["run"]:
            self.recording = fresh
            self._kept.clear()
            self._ranges.clear()
            self._series.clear()
            return "replaced"
        if counts == self._counts(self.recording):
            return "same"
        self.recording = fresh
        return "grown"

    @staticmethod
    def _counts(recording: Recording) -> list[int]:
        return [len(recording), *(len(frames) for frames in recording.selections.values())]

    def _kept_bytes(self) -> int:
        return sum(values.nbytes for values in self._kept.values())
