"""Areas and centres of segments from the 3-D points of their sections: numpy only, all sections at
once.

A section's surface is a chain of frusta between consecutive points. The segments' ends cut that
chain, the diameter being interpolated linearly along the arc:

    point      o-----------o----o------------------o        arc 0 ... L
    segment    |---- 0 ----|---- 1 ----|---- 2 ----|        ends at i * L / nseg

    area = sum over the pieces of  pi (d0 + d1) / 2 * sqrt((d0 - d1)^2 / 4 + (a1 - a0)^2)

Where points repeat at one arc length, the last one's diameter counts, and the ring between the two
diameters is no membrane: both as in NEURON's reaction-diffusion module.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Paths:
    """The 3-D points of several sections, one section after the other.

    Parameters
    ----------
    nseg, length : (sections,) number of segments, and length in um
    first : (sections + 1,) section s has the points first[s] ... first[s + 1] - 1
    arc, diam : (points,) um, arc ascending within each section
    xyz : (points, 3) um

    Raises
    ------
    ValueError where a section has no point or `first` does not fit the points.
    """

    nseg: np.ndarray
    length: np.ndarray
    first: np.ndarray
    arc: np.ndarray
    diam: np.ndarray
    xyz: np.ndarray

    def __post_init__(self):
        points_per_section = np.diff(self.first)
        if len(points_per_section) != len(self.nseg) or self.first[-1] != len(self.arc):
            raise ValueError(
                f"first counts {self.first[-1]} points in {len(points_per_section)} sections, "
                f"but there are {len(self.arc)} points and {len(self.nseg)} sections"
            )
        if (points_per_section < 1).any():
            bare = np.argmin(points_per_section)
            raise ValueError(f"section {bare} has no 3-D points: call n.define_shape()")

    @property
    def section(self) -> np.ndarray:
        """The section of each point, (points,)."""
        return np.repeat(np.arange(len(self.nseg)), np.diff(self.first))

    def interpolate(self, values, section, arc) -> np.ndarray:
        """`values` (points,) or (points, 3) at `arc` (q,) um of `section` (q,); constant past the
        ends.
        """
        known, wanted = _ordered(self.section, self.arc), _ordered(section, arc)
        here = np.maximum(np.searchsorted(known, wanted, side="right") - 1, self.first[section])
        after = np.minimum(here + 1, self.first[section + 1] - 1)
        span = self.arc[after] - self.arc[here]
        between = (span > 0) & (arc > self.arc[here])
        span, offset = np.where(between, span, 1.0), np.where(between, arc - self.arc[here], 0.0)
        if values.ndim == 2:
            span, offset = span[:, None], offset[:, None]
        return (values[after] - values[here]) / span * offset + values[here]

    def segment_centres(self) -> np.ndarray:
        """Centre of each segment, (segments, 3) um: at (i + 1/2) / nseg of the section's length."""
        section, i = _counted(self.nseg)
        middle = (i + 0.5) / self.nseg[section] * self.length[section]
        return self.interpolate(self.xyz, section, middle)

    def segment_areas(self) -> np.ndarray:
        """Lateral area of each segment, (segments,) um2."""
        section, i = _counted(self.nseg + 1)
        step = self.length / self.nseg
        end = i * step[section]
        # A point past the last end, by rounding, would make a segment of its own.
        inner = np.clip(self.arc, 0.0, (self.nseg * step)[self.section])
        section, arc = np.concatenate([section, self.section]), np.concatenate([end, inner])
        order = np.lexsort((arc, section))
        section, arc = section[order], arc[order]
        # Each section has one end more than it has segments; its ends come before points at the
        # same arc.
        segment = np.cumsum(order < len(end)) - 1 - section
        area = _frusta(arc, self.interpolate(self.diam, section, arc))
        piece = (section[1:] == section[:-1]) & (arc[1:] > arc[:-1])
        return np.bincount(segment[:-1][piece], weights=area[piece], minlength=int(self.nseg.sum()))


def _frusta(arc, diam):
    """Lateral areas (q - 1,) um2 between consecutive cuts at `arc` with diameters `diam`, both (q,)
    um.
    """
    slant = np.sqrt(0.25 * (diam[:-1] - diam[1:]) ** 2 + np.diff(arc) ** 2)
    return np.pi * 0.5 * (diam[:-1] + diam[1:]) * slant


def _counted(counts):
    """Owner, and number within the owner, of counts.sum() things: (0, 0, 0, 1, 1), (0, 1, 2, 0, 1)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _ordered(section, arc):
    """Keys ordered by section, then by arc: numpy orders complex numbers by the real part first."""
    key = np.empty(len(arc), dtype=np.complex128)
    key.real, key.imag = section, arc
    return key
