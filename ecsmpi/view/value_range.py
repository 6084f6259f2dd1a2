"""The values that a species has over all times: for colours that mean the same in every frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_BYTES = 256 << 20  # that are read of a species; of more, frames evenly spaced in time
SAMPLE = 50_000  # values of a frame that percentiles are taken from
PERCENT = 99.8  # that "most" values are
WIDER = 1.5  # how much wider all values are than most before the colours are for most


class Span(NamedTuple):
    """Concentrations from lo to hi, in mM."""

    lo: float
    hi: float


class _FrameValues(NamedTuple):
    """What one frame has: its ends, samples of it, and how many voxels have no finite value."""

    lo: float
    hi: float
    sample: np.ndarray
    without: int


class ValueRange:
    """The finite values of a species, of all frames or, of a large file, of some.

    Attributes
    ----------
    all : Span
        From the least to the greatest value; (0, 0) where none is finite.
    most : Span
        Of the middle 99.8 % of the values.
    first : float
        The median of the first frame.
    without : int
        Voxels without a finite value, of all frames read.
    frames_read, frames : int
        How many of how many frames were read.
    """

    def __init__(self) -> None:
        self._frames: dict[int, _FrameValues] = {}
        self.all = Span(0.0, 0.0)
        self.most = Span(0.0, 0.0)
        self.first = 0.0
        self.without = 0
        self.frames_read = 0
        self.frames = 0

    def read(self, frames, name: str) -> None:
        """Read the frames of a species that have not been read.

        Parameters
        ----------
        frames : Frames
            The frames of a file; more than at the last time where the file has grown.
        name : str
            The species.
        """
        self.frames = len(frames)
        for number in chosen_frames(len(frames), 8 * frames.box.voxels):
            if number not in self._frames:
                self._frames[number] = _values_of(frames.frame(name, number))
        self._summarise()

    @property
    def is_wide(self) -> bool:
        """Whether a few values reach so far that the colours of most would be much alike."""
        return _width(self.all) > WIDER * _width(self.most) > 0

    @property
    def opaque_end(self) -> str:
        """The end of the values that is further from where they began: "high" or "low"."""
        return "high" if self.all.hi - self.first >= self.first - self.all.lo else "low"

    def _summarise(self) -> None:
        read = [self._frames[number] for number in sorted(self._frames)]
        self.frames_read = len(read)
        self.without = sum(one.without for one in read)
        finite = [one for one in read if len(one.sample)]
        if not finite:
            return
        self.all = Span(min(one.lo for one in finite), max(one.hi for one in finite))
        outside = (100 - PERCENT) / 2
        samples = np.concatenate([one.sample for one in finite])
        lo, hi = np.percentile(samples, [outside, 100 - outside])
        self.most = Span(float(lo), float(hi))
        self.first = float(np.median(finite[0].sample))


def chosen_frames(count: int, frame_bytes: int) -> list[int]:
    """Return the numbers of the frames to read, evenly spaced, with the first and the last."""
    most = max(3, MOST_BYTES // max(frame_bytes, 1))
    if count <= most:
        return list(range(count))
    return sorted(set(np.linspace(0, count - 1, most).round().astype(int).tolist()))


def _values_of(values: np.ndarray) -> _FrameValues:
    values = values.ravel(order="K")  # as they lie in memory
    finite = values[np.isfinite(values)]
    without = values.size - finite.size
    if finite.size == 0:
        return _FrameValues(0.0, 0.0, finite, without)
    sample = finite[:: -(-finite.size // SAMPLE)]
    return _FrameValues(float(finite.min()), float(finite.max()), sample, without)


def _width(span: Span) -> float:
    return span.hi - span.lo


def with_width(span: Span) -> Span:
    """Return a span with a width: values that are alike but for round-off are one colour."""
    least = 1e-6 * max(abs(span.lo), abs(span.hi), 1e-6)
    if _width(span) >= least:
        return span
    middle = (span.lo + span.hi) / 2
    return Span(middle - least, middle + least)
