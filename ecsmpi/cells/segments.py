"""This rank's segments: names, areas, centres, and hashes by which ranks compare their sections.

Nothing here talks to other ranks. Segments are numbered in the order of
`neuron_api.sections.model_sections`, and every array of segments is in that order.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

import numpy as np

from ecsmpi.cells.morphology import Paths
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import model_sections

# Odd numbers without a pattern, by which bits are spread over a hash.
HASH_ODD = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
    ],
    dtype=np.uint64,
)
# um: where any section has come or gone, NEURON moves each branch to its parent again, in single
# precision
DRIFT = 0.01
ADDRESS = re.compile(r" object at 0x[0-9a-f]+")  # in the names of cells that are Python objects


class Segments:
    """All segments of this rank as they are when this object is made.

    It keeps no handle into NEURON, so sections can be deleted. Sections without 3-D points get them
    (``n.define_shape()``). Two objects are equal when the sections' names, nseg and geometry are
    the same, but for round-off in the places of branches.

    Attributes
    ----------
    count : number of segments
    area : (count,) um2, lateral areas of the frusta between the 3-D points, cut at the segments'
        ends
    centre : (count, 3) um, interpolated along the arc
    """

    def __init__(self) -> None:
        n.define_shape()
        self._sections, paths = read_paths()
        self._nseg = paths.nseg
        self.count = int(paths.nseg.sum())
        self.area = paths.segment_areas()
        self.centre = paths.segment_centres()
        self._end = np.cumsum(paths.nseg)

    def name(self, i: int) -> str:
        """Name of segment `i` for messages, such as ``soma(0.5)``."""
        if not 0 <= i < self.count:
            raise IndexError(f"segment {i} of {self.count}")
        section = int(np.searchsorted(self._end, i, side="right"))
        nseg = self._nseg[section]
        x = (i - (self._end[section] - nseg) + 0.5) / nseg
        return f"{self._sections[section]}({x:g})"

    def section_hashes(self, names: list[str]) -> np.ndarray:
        """(sections,) uint64 hashes of each section's name in ``names``, nseg, areas and centres.

        The same section has the same hash on every rank. names: one for each section.
        """
        words = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
        hashes = np.frombuffer(b"".join(words), dtype=np.uint64) * HASH_ODD[4]
        if not len(names):
            return hashes
        numbers = np.column_stack([self.area, self.centre]) + 0.0  # -0.0 is 0.0
        bits = numbers.view(np.uint64) * HASH_ODD[:4]
        begin = self._end - self._nseg
        within = np.arange(self.count) - np.repeat(begin, self._nseg)
        odd = (2 * within + 1).astype(np.uint64)
        mixed = (bits ^ (bits >> np.uint64(29))).sum(axis=1, dtype=np.uint64) * odd
        mixed ^= mixed >> np.uint64(32)
        return hashes + np.add.reduceat(mixed * HASH_ODD[0], begin)

    def sections_of(self, segments: np.ndarray) -> np.ndarray:
        """(sections,) whether a section has any of the segments, given by number."""
        found = np.zeros(self._nseg.size, dtype=bool)
        found[np.searchsorted(self._end, segments, side="right")] = True
        return found

    def require(self) -> None:
        """Raise RuntimeError where this rank now has another number of segments."""
        present = sum(sec.nseg for sec in model_sections())
        if present != self.count:
            raise RuntimeError(
                f"{self.count} segments have become {present} during n.finitialize(): change "
                "sections before it, or in an FInitializeHandler made before ecsmpi is imported"
            )

    def fingerprint(self) -> bytes:
        """Digest of the sections' names, nseg, areas and centres."""
        digest = hashlib.blake2b("\n".join(self._sections).encode())
        for numbers in (self._nseg, self.area, self.centre):
            digest.update(numbers.tobytes())
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segments) and not self.changes_to(other)

    def changes_to(self, now: Segments) -> list[str]:
        """Sentences on what has changed where these segments have become others; [] if nothing."""
        before = Counter(self._sections)
        after = Counter(now._sections)
        if before != after:
            gone = [f"{name} has gone" for name in before - after]
            return gone + [f"{name} has come" for name in after - before]
        if self._sections != now._sections:
            return ["sections are in another order"]
        if not np.array_equal(self._nseg, now._nseg):
            found = []
            for name, old, new in zip(self._sections, self._nseg, now._nseg):
                if old != new:
                    found.append(f"{name} has nseg {new}, which was {old}")
            return found
        is_same = np.isclose(self.centre, now.centre, rtol=0, atol=DRIFT, equal_nan=True).all(1)
        is_same &= np.isclose(self.area, now.area, rtol=0, atol=0, equal_nan=True)
        changed = self.sections_of(np.flatnonzero(~is_same))
        return [f"{self._sections[i]} has another shape" for i in np.flatnonzero(changed)]

    __hash__ = None  # type: ignore[assignment]


def first_segments() -> dict[Any, int]:
    """{section: number of its first segment}."""
    found = {}
    count = 0
    for sec in model_sections():
        found[sec] = count
        count += sec.nseg
    return found


def node_indices() -> np.ndarray:
    """(segments,) the row of each segment in NEURON's equations of the voltages."""
    return np.array([seg.node_index() for sec in model_sections() for seg in sec], dtype=np.int64)


def segment_areas() -> np.ndarray:
    """(segments,) um2, the areas by which NEURON scales currents."""
    return np.array([seg.area() for sec in model_sections() for seg in sec], dtype=float)


def without_address(name: str) -> str:
    """Return the name of a section without what differs between processes."""
    return ADDRESS.sub("", name)


def read_paths() -> tuple[list[str], Paths]:
    """Names of this rank's sections, and their `Paths`."""
    names = []
    nseg = []
    first = [0]
    length: list[float] = []
    arc: list[float] = []
    diam: list[float] = []
    xyz: list[tuple[float, float, float]] = []
    for sec in model_sections():
        points = range(sec.n3d())
        names.append(sec.name())
        nseg.append(sec.nseg)
        length.append(sec.L)
        arc.extend(map(sec.arc3d, points))
        diam.extend(map(sec.diam3d, points))
        xyz.extend(zip(map(sec.x3d, points), map(sec.y3d, points), map(sec.z3d, points)))
        first.append(len(arc))
    paths = Paths(
        nseg=np.array(nseg, dtype=int),
        length=np.array(length, dtype=float),
        first=np.array(first),
        arc=np.array(arc, dtype=float),
        diam=np.array(diam, dtype=float),
        xyz=np.array(xyz, dtype=float).reshape(-1, 3),
    )
    return names, paths
