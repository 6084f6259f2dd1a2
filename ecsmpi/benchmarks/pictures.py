"""Scaling as people look at it: speed-up, efficiency, and each phase's part of a step."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ecsmpi.benchmarks.problem import BYTES_A_VOXEL
from ecsmpi.benchmarks.scaling import base_of, cores, throughput
from ecsmpi.solver.timing import PHASES

SCALING = ("strong", "weak")
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
# The grid's phases in blues and greens, what crosses ranks in reds, NEURON's side in greys.
PHASE_COLOURS = {
    "neuron": "#7f7f7f",
    "currents": "#a6a6a6",
    "segments": "#cccccc",
    "observers": "#e3e3e3",
    "deposit": "#e6550d",
    "collect": "#fdae6b",
    "ghosts": "#a50f15",
    "interfaces": "#de2d26",
    "up": "#08519c",
    "down": "#6baed6",
    "factors": "#c6dbef",
    "react": "#31a354",
}
OTHERS = "#756bb1"  # a phase without a colour of its own


def scaling(records: list[dict], path: Path) -> None:
    """Draw a row of panels for each problem. Raises ValueError where no record is of scaling."""
    problems = _problems(records)
    if not problems:
        kinds = ", ".join(sorted({record["kind"] for record in records})) or "no records at all"
        raise ValueError(
            f"nothing to draw: it takes records of `ecsmpi bench strong` or `weak`, got {kinds}"
        )
    figure = _figure(len(problems))
    for row, (key, measured) in zip(
        figure.subplots(len(problems), 3, squeeze=False), problems.items()
    ):
        models = [
            record
            for record in records
            if record["kind"] == "model" and _key(record, key[0]) == key
        ]
        _draw(row, _Scaling(key[0], measured, models))
    figure.savefig(path, dpi=160)


class _Scaling:
    """The measurements of one problem, against their base case."""

    def __init__(self, kind: str, measured: list[dict], models: list[dict]):
        self.kind, self.measured, self.base = kind, measured, base_of(measured)
        self.models = models
        self.by_threads, self.models_by_threads = _by_threads(measured), _by_threads(models)
        counts = sorted({*self.by_threads, *self.models_by_threads})
        self.colours = dict(zip(counts, SERIES * len(counts)))

    def speed_up(self, record: dict, seconds: float | None = None) -> float:
        """Voxels a second, in those of the base."""
        return throughput(record, seconds) / throughput(self.base)

    def bounds(self) -> list[tuple[int, float]]:
        """(cores, speed-up) that the memory's bandwidth allows, where it was measured."""
        found = {}
        for record in self.measured:
            if bandwidth := record.get("copy_bytes_per_second"):
                nx, ny, nz = record["shape"]
                floor = BYTES_A_VOXEL * nx * ny * nz * record.get("species", 1) / bandwidth
                found[cores(record)] = max(
                    found.get(cores(record), 0.0), self.speed_up(record, floor)
                )
        return sorted(found.items())

    @property
    def counts(self) -> list[int]:
        """The numbers of cores."""
        return sorted({cores(record) for record in [*self.measured, *self.models]})

    def title(self) -> str:
        """What was measured."""
        shape = list(self.base["shape"])
        segments = self.base.get("segments", 0)
        if self.kind == "weak":
            shape[0], segments = shape[0] // self.base["ranks"], segments // self.base["ranks"]
        voxels = " × ".join(map(str, shape))
        each = " a rank" if self.kind == "weak" else ""
        return f"{self.kind} scaling\n{voxels} voxels, {segments:,} segments{each}"


def _by_threads(records: list[dict]) -> dict[int, list[dict]]:
    """{threads of a rank: the records with so many, on more and more cores}."""
    found = defaultdict(list)
    for record in sorted(records, key=lambda one: (one["threads"], cores(one))):
        found[record["threads"]].append(record)
    return found


def _problems(records: list[dict]) -> dict:
    """{key of a problem: its measurements, the last of each ranks x threads}."""
    latest = {}
    for record in records:
        if record["kind"] in SCALING:
            latest[_key(record, record["kind"]), record["ranks"], record["threads"]] = record
    found = defaultdict(list)
    for (key, *_), record in latest.items():
        found[key].append(record)
    return found


def _key(record: dict, kind: str) -> tuple:
    """What does not change along a curve: the problem, or each rank's share of it."""
    nx, ny, nz = record["shape"]
    ranks = record["ranks"] if kind == "weak" else 1
    share = (nx / ranks, ny, nz, record.get("species", 1), record.get("segments", 0) / ranks)
    return (kind, *share, record.get("dt"))


def _figure(rows: int):
    """A figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((15, 4.8 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw(row, problem: _Scaling) -> None:
    speed_up, efficiency, breakdown = row
    _draw_curves(speed_up, problem, lambda record, value: value)
    _draw_line(speed_up, problem.bounds(), color="0.55", ls="-.", label="bound by memory bandwidth")
    counts = problem.counts
    ideal = [count / cores(problem.base) for count in counts]
    speed_up.plot(counts, ideal, color="black", lw=1, ls=":", label="ideal", zorder=1)
    speed_up.set(
        title=problem.title(), ylabel="speed-up" if problem.kind == "strong" else "scaled speed-up"
    )
    _logarithmic(speed_up, counts)
    _draw_curves(
        efficiency, problem, lambda record, value: value * cores(problem.base) / cores(record)
    )
    efficiency.axhline(1, color="black", lw=1, ls=":", label="ideal", zorder=1)
    efficiency.set(
        title=_absolute(problem.base),
        ylabel="efficiency",
        ylim=(0, max(1.1, 1.05 * efficiency.get_ylim()[1])),
    )
    _core_axis(efficiency, counts)
    for axes in (speed_up, efficiency):
        axes.grid(color="0.92", zorder=0)
        axes.legend(frameon=False, fontsize=9)
    _draw_phases(breakdown, problem)


def _absolute(base: dict) -> str:
    threads = f"{base['threads']} thread{'s' * (base['threads'] > 1)}"
    ranks = f"{base['ranks']} rank{'s' * (base['ranks'] > 1)}"
    return f"1 is {ranks} × {threads}: {1e3 * base['step_seconds']:.3g} ms a step"


def _draw_curves(axes, problem: _Scaling, scaled) -> None:
    """Measured points with their intervals, and the model, a line of either for each number of
    threads.

    scaled(record, speed-up) is what is drawn.
    """
    for threads, found in problem.by_threads.items():
        values, low, high = (
            [scaled(one, problem.speed_up(one, seconds(one))) for one in found]
            for seconds in (_median, lambda one: _interval(one)[1], lambda one: _interval(one)[0])
        )
        errors = [[v - lo for v, lo in zip(values, low)], [hi - v for v, hi in zip(values, high)]]
        axes.errorbar(
            [cores(one) for one in found],
            values,
            errors,
            color=problem.colours[threads],
            marker="o",
            capsize=3,
            label=_threads(threads),
            zorder=3,
        )
    for threads, found in problem.models_by_threads.items():
        modelled = [(cores(one), scaled(one, problem.speed_up(one))) for one in found]
        _draw_line(
            axes,
            modelled,
            color=problem.colours[threads],
            ls="--",
            label=f"model, {_threads(threads)}",
        )


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' * (threads > 1)} a rank"


def _draw_line(axes, points, **style) -> None:
    if points:
        counts, values = zip(*points)
        axes.plot(
            counts, values, lw=1.3, marker="." if len(points) == 1 else None, zorder=2, **style
        )


def _median(record: dict) -> float:
    return record["step_seconds"]


def _interval(record: dict) -> tuple[float, float]:
    return record.get("step_seconds_interval", [record["step_seconds"]] * 2)


def _logarithmic(axes, counts) -> None:
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    _core_axis(axes, counts)


def _core_axis(axes, counts) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("cores (ranks × threads)")


def _draw_phases(axes, problem: _Scaling) -> None:
    """Stacked bars, a bar for each ranks x threads; the step's median is a mark.

    A step times its cores over its voxels is as high on any number of cores where nothing is lost.
    """
    found = sorted(problem.measured, key=lambda record: (cores(record), record["threads"]))
    places, bottom = range(len(found)), [0.0] * len(found)
    nanoseconds = [
        1e9 * cores(record) / (throughput(record) * record["step_seconds"]) for record in found
    ]
    for name in _phase_names(found):
        parts = [
            scale * record.get("phases", {}).get(name, 0.0)
            for scale, record in zip(nanoseconds, found)
        ]
        axes.bar(
            places,
            parts,
            0.65,
            bottom,
            color=PHASE_COLOURS.get(name, OTHERS),
            edgecolor="white",
            lw=0.4,
            label=name,
        )
        bottom = [below + part for below, part in zip(bottom, parts)]
    steps = [scale * record["step_seconds"] for scale, record in zip(nanoseconds, found)]
    axes.plot(places, steps, ls="", marker="_", ms=18, color="black", label="step")
    axes.set(
        title="parts of a step, mean over ranks\nlevel bars: ideal",
        ylabel="core-ns a voxel",
        xlabel="ranks × threads",
    )
    axes.set_xticks(
        places,
        [f"{record['ranks']}×{record['threads']}" for record in found],
        rotation=90 if len(found) > 6 else 0,
    )
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        labels[::-1],
        frameon=False,
        fontsize=9,
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )


def _phase_names(found: list[dict]) -> list[str]:
    """Phases of at least a five-hundredth of some step, in the order of a step, NEURON's own last."""
    seen = {
        name
        for record in found
        for name, seconds in record.get("phases", {}).items()
        if seconds > 0.002 * record["step_seconds"]
    }
    order = [*PHASES, *sorted(seen - set(PHASES))]
    return [name for name in order if name in seen]
