"""The chart of concentrations through time at points, as SVG for the page."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np

from ecsmpi.view.ticks import round_ticks
from ecsmpi.view.value_range import Span, with_width

WIDTH, HEIGHT = 380, 210
LEFT, RIGHT, TOP, BOTTOM = 58, 22, 26, 40  # pixels around the lines
MOST_POINTS = 800  # of a line: of more, the least and the greatest of each group


class Trace(NamedTuple):
    """Concentrations in one voxel through time."""

    colour: str
    values: np.ndarray  # (frames,) mM


def chart(time: np.ndarray, traces: list[Trace], now: float, name: str) -> str:
    """Return the SVG.

    Parameters
    ----------
    time : ndarray
        (frames,) in ms.
    traces : list of Trace
        The lines.
    now : float
        The time (ms) of the frame that is looked at: a vertical line.
    name : str
        The species.
    """
    place = _Place(time, traces)
    parts = [
        f'<svg class="trace-chart" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" '
        'font-size="12" fill="currentColor" role="img">',
        *_axes(place, name),
        *_now(place, now),
    ]
    for trace in traces:
        for piece in _pieces(time, trace.values):
            points = " ".join(f"{place.x(t):.1f},{place.y(v):.1f}" for t, v in piece)
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{trace.colour}" '
                'stroke-width="2" stroke-linejoin="round"/>'
            )
            if len(piece) == 1:
                t, v = piece[0]
                parts.append(
                    f'<circle cx="{place.x(t):.1f}" cy="{place.y(v):.1f}" r="3" '
                    f'fill="{trace.colour}"/>'
                )
    return "".join([*parts, "</svg>"])


class _Place:
    """Where times and concentrations are in the chart."""

    def __init__(self, time: np.ndarray, traces: list[Trace]):
        finite = np.concatenate([one.values[np.isfinite(one.values)] for one in traces] or [[]])
        span = Span(0.0, 1.0)
        if finite.size:
            span = with_width(Span(float(finite.min()), float(finite.max())))
        margin = 0.04 * (span.hi - span.lo)
        self.values = Span(span.lo - margin, span.hi + margin)
        self.times = Span(0.0, 1.0)
        if len(time):
            self.times = with_width(Span(float(time[0]), float(time[-1])))

    def x(self, t: float) -> float:
        along = (t - self.times.lo) / (self.times.hi - self.times.lo)
        return LEFT + along * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        along = (value - self.values.lo) / (self.values.hi - self.values.lo)
        return HEIGHT - BOTTOM - along * (HEIGHT - TOP - BOTTOM)


def _axes(place: _Place, name: str) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<text x="{LEFT - 50}" y="16" font-weight="500">{escape(name)} (mM)</text>',
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">time (ms)</text>',
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.5"/>',
    ]
    for t in round_ticks(*place.times, 5):
        x = place.x(t)
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{t:g}</text>'
            f'<path d="M{x:.1f} {bottom}v4" stroke="currentColor" stroke-opacity="0.5"/>'
        )
    for value in round_ticks(*place.values, 5):
        y = place.y(value)
        parts.append(
            f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:.6g}</text>'
            f'<path d="M{LEFT} {y:.1f}H{right}" stroke="currentColor" stroke-opacity="0.12"/>'
        )
    return parts


def _now(place: _Place, now: float) -> list[str]:
    x = place.x(now)
    return [
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" '
        'stroke-opacity="0.7" stroke-dasharray="3 3"/>'
    ]


def _pieces(time: np.ndarray, values: np.ndarray) -> list[list[tuple[float, float]]]:
    """The line in pieces between values that are not finite."""
    time, values = thinned(time, values)
    pieces: list[list[tuple[float, float]]] = [[]]
    for t, value in zip(time, values):
        if np.isfinite(value):
            pieces[-1].append((float(t), float(value)))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def thinned(time: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a line of at most MOST_POINTS points that has every peak of a longer one."""
    count = len(values)
    if count <= MOST_POINTS:
        return time, values
    kept = {0, count - 1}
    edges = np.linspace(0, count, MOST_POINTS // 2).astype(int)
    for begin, end in zip(edges[:-1], edges[1:]):
        group = values[begin:end]
        if np.isfinite(group).any():
            kept.add(begin + int(np.nanargmin(group)))
            kept.add(begin + int(np.nanargmax(group)))
        else:
            kept.add(begin)
    numbers = sorted(kept)
    return time[numbers], values[numbers]
