"""Cells over a section: their projection, in um, as one outline for each section of a cell.

A piece between two 3-D points is drawn as wide as its two diameters, and a disc closes the bend
between two pieces:

        +---------__
        |           --__+          a piece that the viewer sees at an angle ends in an ellipse,
        o---------------o          one along the line of sight is a disc
        |           __--+
        +---------

Everything is in um, so that widths are to scale at any size of the picture. Only the thinnest
branches are drawn wider, as wide as a line must be to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecsmpi.description.grid import AXES
from ecsmpi.plots.drawable import Morphology
from ecsmpi.plots.library import matplotlib

THINNEST = 0.35  # points: the least width of a branch in the picture
THIN = 0.6  # points: the radius of a branch whose bends need no disc
MOST_VECTORS = 50_000  # pieces: more become pixels in SVG and PDF
EDGE = 0.5  # points: the dark line around a cell
INSIDE = "white"
OUTSIDE = "#202020"
CORNERS = 16  # of a disc
FLAT = 0.05  # of the diameter: an ellipse that is narrower is left out


@dataclass(frozen=True)
class Pieces:
    """Frusta between consecutive 3-D points, seen along an axis; all lengths in um.

    Parameters
    ----------
    section : (m,) number of the section
    begin, end : (m, 2) the ends in the plane
    radius : (m, 2) at the ends
    slope : (m,) the part of the length along the line of sight, 0 to 1
    is_first, is_last : (m,) whether the piece begins or ends its section
    """

    section: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    radius: np.ndarray
    slope: np.ndarray
    is_first: np.ndarray
    is_last: np.ndarray

    def thickened(self, least: float) -> Pieces:
        """Return the pieces with radii of at least ``least`` (um)."""
        radius = np.maximum(self.radius, least)
        facts = (self.section, self.begin, self.end, radius, self.slope)
        return Pieces(*facts, self.is_first, self.is_last)


def pieces_of(cells: Morphology, axis: str, between: tuple[float, float]) -> Pieces:
    """Return the pieces of cells that reach between two coordinates (um) along an axis.

    A section of one point is a piece without length.
    """
    a = AXES.index(axis)
    plane = [b for b in range(3) if b != a]
    section = np.repeat(np.arange(len(cells.offsets) - 1), np.diff(cells.offsets))
    first, end = cells.offsets[:-1], cells.offsets[1:]
    alone = first[end - first == 1]
    joined = np.flatnonzero(section[:-1] == section[1:])
    start = np.sort(np.concatenate([joined, alone]))
    stop = np.minimum(start + 1, end[section[start]] - 1)
    radius = np.stack([cells.diameters[start], cells.diameters[stop]], axis=1) / 2
    depth = np.stack([cells.points[start, a], cells.points[stop, a]], axis=1)
    length = np.linalg.norm(cells.points[stop] - cells.points[start], axis=1)
    slope = np.ones(len(start))
    along = np.abs(depth[:, 1] - depth[:, 0])
    np.divide(along, length, out=slope, where=length > 0)
    aside = np.where(length > 0, np.sqrt(np.maximum(0, 1 - slope**2)), 1.0)
    reach = radius * aside[:, None]
    low, high = between
    is_seen = ((depth - reach).min(axis=1) < high) & ((depth + reach).max(axis=1) > low)
    return Pieces(
        section[start][is_seen],
        cells.points[start][is_seen][:, plane],
        cells.points[stop][is_seen][:, plane],
        radius[is_seen],
        slope[is_seen],
        (start == first[section[start]])[is_seen],
        (stop == end[section[start]] - 1)[is_seen],
    )


def outlines(pieces: Pieces, thin: float = 0.0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return closed polygons (um), anticlockwise, of each section that has a piece.

    Parameters
    ----------
    pieces : Pieces
        The pieces.
    thin : float
        Bends of branches with a smaller radius (um) have no disc.

    Returns
    -------
    list of ((frusta, 4, 2), (discs, CORNERS, 2)) arrays
        In the order of the sections.
    """
    sections = np.unique(pieces.section)
    frusta = _by_section(_frusta(pieces), pieces.section, sections)
    discs = _by_section(*_discs(pieces, thin), sections)
    return list(zip(frusta, discs))


def _by_section(polygons: np.ndarray, owners: np.ndarray, sections: np.ndarray) -> list[np.ndarray]:
    """Split polygons (n, corners, 2) by the sections that own them, (n,)."""
    order = np.argsort(owners, kind="stable")
    borders = np.searchsorted(owners[order], sections[1:])
    return np.split(polygons[order], borders) if len(sections) else []


def _along(pieces: Pieces) -> np.ndarray:
    """Unit vectors (m, 2) from begin to end; (1, 0) where they fall together."""
    step = pieces.end - pieces.begin
    length = np.linalg.norm(step, axis=1, keepdims=True)
    along = np.tile([1.0, 0.0], (len(step), 1))
    return np.divide(step, length, out=along, where=length > 0)


def _frusta(pieces: Pieces) -> np.ndarray:
    """Corners of the frusta, (m, 4, 2)."""
    along = _along(pieces)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    begin = across * pieces.radius[:, :1]
    end = across * pieces.radius[:, 1:]
    corners = [
        pieces.begin + begin,
        pieces.begin - begin,
        pieces.end - end,
        pieces.end + end,
    ]
    return np.stack(corners, axis=1)


def _discs(pieces: Pieces, thin: float) -> tuple[np.ndarray, np.ndarray]:
    """Discs at bends and ellipses at the ends of sections, (k, CORNERS, 2), and their sections."""
    along = _along(pieces)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    is_steep = pieces.slope > FLAT
    at_begin = pieces.is_first & is_steep
    at_end = np.where(pieces.is_last, is_steep, pieces.radius[:, 1] > thin)
    flatness = np.where(pieces.is_last, pieces.slope, 1.0)
    found = []
    for chosen, centre, radius, flat in (
        (at_begin, pieces.begin, pieces.radius[:, 0], pieces.slope),
        (at_end, pieces.end, pieces.radius[:, 1], flatness),
    ):
        forth = (flat * radius)[chosen, None, None] * along[chosen, None] * np.cos(angle)[:, None]
        aside = radius[chosen, None, None] * across[chosen, None] * np.sin(angle)[:, None]
        found.append(centre[chosen, None] + forth + aside)
    owners = np.concatenate([pieces.section[at_begin], pieces.section[at_end]])
    return np.concatenate(found), owners


def draw_cells(axes: Any, pieces: Pieces, points_per_um: float) -> None:
    """Draw cells into matplotlib's axes in um: light, with a dark edge, seen on any colour.

    points_per_um: points (1/72 inch) of the picture for each um.
    """
    thickened = pieces.thickened(THINNEST / 2 / points_per_um)
    paths = [_compound(*one) for one in outlines(thickened, THIN / points_per_um)]
    collection = matplotlib("collections").PathCollection
    how = {"transform": axes.transData, "rasterized": len(pieces.section) > MOST_VECTORS}
    edge = {"edgecolors": OUTSIDE, "linewidths": 2 * EDGE, "joinstyle": "round"}
    dark = collection(paths, facecolors=OUTSIDE, zorder=3, **edge, **how)
    light = collection(paths, facecolors=INSIDE, edgecolors="none", zorder=4, **how)
    for one, gid in ((dark, "edges of cells"), (light, "cells")):
        one.set_gid(gid)
        axes.add_collection(one, autolim=False)


def _compound(*shapes: np.ndarray) -> Any:
    """One path of arrays of polygons (n, corners, 2), which together are one shape."""
    path = matplotlib("path").Path
    vertices = []
    codes = []
    for polygons in shapes:
        count, corners, _ = polygons.shape
        closed = np.concatenate([polygons, polygons[:, :1]], axis=1)
        code = np.full((count, corners + 1), path.LINETO, dtype=path.code_type)
        code[:, 0] = path.MOVETO
        code[:, -1] = path.CLOSEPOLY
        vertices.append(closed.reshape(-1, 2))
        codes.append(code.ravel())
    return path(np.concatenate(vertices), np.concatenate(codes))
