"""Which voxel a click means: on a slice or a surface, or in the volume."""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.view.scene.field import Field


def line_in_box(near, far, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the ends of the part of a line that lies in a box; None where none does.

    Parameters
    ----------
    near, far : array_like
        (3,) in um: the ends of the line, the near one at the eye.
    box : Box
        The box.
    """
    near = np.asarray(near, dtype=float)
    step = np.asarray(far, dtype=float) - near
    first, last = 0.0, 1.0
    for a in range(3):
        if step[a] == 0:
            if not box.lo[a] <= near[a] <= box.hi[a]:
                return None
            continue
        ends = sorted(((box.lo[a] - near[a]) / step[a], (box.hi[a] - near[a]) / step[a]))
        first = max(first, ends[0])
        last = min(last, ends[1])
    if first > last:
        return None
    return near + first * step, near + last * step


def through_slices(near, far, box: Box, slices: dict[int, float]) -> np.ndarray | None:
    """Return the point (um) where a line first meets a slice; None where it meets none.

    Parameters
    ----------
    near, far : array_like
        (3,) in um.
    box : Box
        The box: a slice ends at its faces.
    slices : dict
        Axis (0, 1, 2) -> the coordinate of the slice (um).
    """
    near = np.asarray(near, dtype=float)
    step = np.asarray(far, dtype=float) - near
    met = []
    for axis, coordinate in slices.items():
        if step[axis] == 0:
            continue
        along = (coordinate - near[axis]) / step[axis]
        point = near + along * step
        point[axis] = coordinate
        if 0 <= along <= 1 and _holds(box, point):
            met.append((along, point))
    if not met:
        return None
    return min(met, key=lambda one: one[0])[1]


def _holds(box: Box, point) -> bool:
    return all(lo <= x <= hi for lo, x, hi in zip(box.lo, point, box.hi))


def most_opaque(near, far, field: Field, opacity) -> tuple[int, int, int] | None:
    """Return the voxel that is most opaque along a line: what an eye sees in the volume.

    None where the line passes the box.

    Parameters
    ----------
    near, far : array_like
        (3,) in um.
    field : Field
        The concentrations.
    opacity
        Function of concentrations (n,): their opacities. NaN is clear.
    """
    part = line_in_box(near, far, field.box)
    if part is None:
        return None
    begin, end = part
    length = float(np.linalg.norm(end - begin))
    count = max(2, int(np.ceil(2 * length / min(field.box.spacing))) + 1)
    points = begin + np.linspace(0, 1, count)[:, None] * (end - begin)
    lo, spacing = np.asarray(field.box.lo), np.asarray(field.box.spacing)
    indices = np.floor((points - lo) / spacing).astype(int)
    indices = np.clip(indices, 0, np.asarray(field.box.shape) - 1)
    seen = opacity(field.values[tuple(indices.T)])
    best = indices[int(np.argmax(np.nan_to_num(seen, nan=-1.0)))]
    return int(best[0]), int(best[1]), int(best[2])
