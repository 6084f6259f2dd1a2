"""Areas and centres of segments from the 3-D points of their sections, of all sections at once.

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
    nseg : (sections,) number of segments
    length : (sections,) um
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

    def __post_init__(self) -> None:
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

    def interpolate(self, values: np.ndarray, section: np.ndarray, arc: np.ndarray) -> np.ndarray:
        """Interpolate values along the arc; constant past the ends of a section.

        Parameters
        ----------
        values : (points,) or (points, 3)
        section : (q,) number of the section
        arc : (q,) um, where in the section
        """
        known = _ordered(self.section, self.arc)
        after_all = np.searchsorted(known, _ordered(section, arc), side="right")
        before = np.maximum(after_all - 1, self.first[section])
        after = np.minimum(before + 1, self.first[section + 1] - 1)
        span = self.arc[after] - self.arc[before]
        between = (span > 0) & (arc > self.arc[before])
        span = np.where(between, span, 1.0)
        offset = np.where(between, arc - self.arc[before], 0.0)
        if values.ndim == 2:
            span = span[:, None]
            offset = offset[:, None]
        return (values[after] - values[before]) / span * offset + values[before]

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
        section = np.concatenate([section, self.section])
        arc = np.concatenate([end, inner])
        order = np.lexsort((arc, section))
        section = section[order]
        arc = arc[order]
        # Each section has one end more than it has segments; its ends come before points at the
        # same arc.
        segment = np.cumsum(order < len(end)) - 1 - section
        area = _frusta(arc, self.interpolate(self.diam, section, arc))
        piece = (section[1:] == section[:-1]) & (arc[1:] > arc[:-1])
        return np.bincount(segment[:-1][piece], weights=area[piece], minlength=int(self.nseg.sum()))


def _frusta(arc: np.ndarray, diam: np.ndarray) -> np.ndarray:
    """(q - 1,) um2, lateral areas between consecutive cuts at arc (q,) um with diam (q,) um."""
    slant = np.sqrt(0.25 * (diam[:-1] - diam[1:]) ** 2 + np.diff(arc) ** 2)
    return np.pi * 0.5 * (diam[:-1] + diam[1:]) * slant


def _counted(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Owner, and number within the owner, of counts.sum() things.

    Counts (3, 2) give (0, 0, 0, 1, 1) and (0, 1, 2, 0, 1).
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _ordered(section: np.ndarray, arc: np.ndarray) -> np.ndarray:
    """Keys ordered by section, then by arc: numpy orders complex numbers by the real part first."""
    key = np.empty(len(arc), dtype=np.complex128)
    key.real = section
    key.imag = arc
    return key
