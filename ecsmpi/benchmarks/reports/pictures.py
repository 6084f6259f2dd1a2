"""Scaling, drawn: speed-up, efficiency, and each phase's part of a step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import prod
from pathlib import Path

from ecsmpi.benchmarks.problem import BYTES_A_VOXEL
from ecsmpi.benchmarks.reports.scaling import base_of, cores, throughput
from ecsmpi.extras import need
from ecsmpi.solver.timing import PHASES

SCALING = ("strong", "weak")
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
# The grid's phases are blue and green, what crosses ranks is red, NEURON's side is grey.
PHASE_COLOURS = {
    "neuron": "#7f7f7f",
    "currents": "#a6a6a6",
    "segments": "#cccccc",
    "observers": "#e3e3e3",
    "deposit": "#e6550d",
    "collect": "#fdae6b",
    "ghosts": "#a50f15",
    "interfaces": "#de2d26",
    "pass": "#3182bd",
    "up": "#08519c",
    "down": "#6baed6",
    "factors": "#c6dbef",
    "react": "#31a354",
}
OTHERS = "#756bb1"  # a phase without a colour of its own
LEAST_SHARE = 0.002  # of some step: phases that are always shorter are not drawn


def draw_scaling(records: list[dict], path: Path) -> None:
    """Draw a row of panels for each problem.

    Parameters
    ----------
    records
        Records of any kind; those of strong and weak scaling and of the model are drawn.
    path
        The picture to write.

    Raises
    ------
    ValueError
        No record is of scaling.
    """
    problems = _problems(records)
    if not problems:
        kinds = ", ".join(sorted({record["kind"] for record in records})) or "no records at all"
        raise ValueError(
            f"nothing to draw: it takes records of `ecsmpi bench strong` or `weak`, got {kinds}"
        )
    figure = _figure(len(problems))
    rows = figure.subplots(len(problems), 3, squeeze=False)
    for row, (key, measured) in zip(rows, problems.items()):
        kind = key[0]
        models = []
        for record in records:
            if record["kind"] == "model" and _key(record, kind) == key:
                models.append(record)
        _draw_row(row, Scaling(kind, measured, models))
    figure.savefig(path, dpi=160)


class Scaling:
    """The measurements of one problem on different numbers of cores.

    Parameters
    ----------
    kind
        "strong" or "weak".
    measured
        Records of measurements.
    models
        Records of steps that `ecsmpi plan` predicts.

    Attributes
    ----------
    base
        The measurement that the others are compared with.
    """

    def __init__(self, kind: str, measured: list[dict], models: list[dict]):
        self.kind = kind
        self.measured = measured
        self.models = models
        self.base = base_of(measured)
        self.by_threads = _by_threads(measured)
        self.models_by_threads = _by_threads(models)
        counts = sorted({*self.by_threads, *self.models_by_threads})
        self.colours = dict(zip(counts, SERIES * len(counts)))

    def speed_up(self, record: dict, seconds: float | None = None) -> float:
        """Voxels a second over those of the base.

        seconds: time of a step; None for that of the record.
        """
        return throughput(record, seconds) / throughput(self.base)

    def bounds(self) -> list[tuple[int, float]]:
        """(cores, speed-up) that the memory's bandwidth allows, where it was measured."""
        found: dict[int, float] = defaultdict(float)
        for record in self.measured:
            if bandwidth := record.get("copy_bytes_per_second"):
                values = prod(record["shape"]) * record.get("species", 1)
                speed_up = self.speed_up(record, BYTES_A_VOXEL * values / bandwidth)
                found[cores(record)] = max(found[cores(record)], speed_up)
        return sorted(found.items())

    @property
    def counts(self) -> list[int]:
        """The numbers of cores."""
        return sorted({cores(record) for record in [*self.measured, *self.models]})

    def title(self) -> str:
        """What was measured."""
        shape = list(self.base["shape"])
        segments = self.base.get("segments", 0)
        each = ""
        if self.kind == "weak":
            shape[0] //= self.base["ranks"]
            segments //= self.base["ranks"]
            each = " a rank"
        voxels = " × ".join(map(str, shape))
        return f"{self.kind} scaling\n{voxels} voxels, {segments:,} segments{each}"


def _by_threads(records: list[dict]) -> dict[int, list[dict]]:
    """{threads of a rank: its records, on more and more cores}."""
    found = defaultdict(list)
    for record in sorted(records, key=lambda one: (one["threads"], cores(one))):
        found[record["threads"]].append(record)
    return found


def _problems(records: list[dict]) -> dict[tuple, list[dict]]:
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
    figure_module = need("matplotlib.figure", "plot", "a plot of records")
    figure = figure_module.Figure((15, 4.8 * rows), layout="constrained")
    canvas_module = need("matplotlib.backends.backend_agg", "plot", "a plot of records")
    canvas_module.FigureCanvasAgg(figure)
    return figure


def _draw_row(row, problem: Scaling) -> None:
    """Draw speed-up, efficiency and phases of one problem into three axes."""
    speed_up, efficiency, breakdown = row
    _draw_speed_up(speed_up, problem)
    _draw_efficiency(efficiency, problem)
    for axes in (speed_up, efficiency):
        axes.grid(color="0.92", zorder=0)
        axes.legend(frameon=False, fontsize=9)
    _draw_phases(breakdown, problem)


def _draw_speed_up(axes, problem: Scaling) -> None:
    draw_curves(axes, problem, lambda record, speed_up: speed_up)
    _draw_line(axes, problem.bounds(), color="0.55", ls="-.", label="bound by memory bandwidth")
    counts = problem.counts
    ideal = [count / cores(problem.base) for count in counts]
    axes.plot(counts, ideal, color="black", lw=1, ls=":", label="ideal", zorder=1)
    label = "speed-up" if problem.kind == "strong" else "scaled speed-up"
    axes.set(title=problem.title(), ylabel=label)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    _core_axis(axes, counts)


def _draw_efficiency(axes, problem: Scaling) -> None:
    base_cores = cores(problem.base)
    draw_curves(axes, problem, lambda record, speed_up: speed_up * base_cores / cores(record))
    axes.axhline(1, color="black", lw=1, ls=":", label="ideal", zorder=1)
    top = max(1.1, 1.05 * axes.get_ylim()[1])
    axes.set(title=_absolute(problem.base), ylabel="efficiency", ylim=(0, top))
    _core_axis(axes, problem.counts)


def _absolute(base: dict) -> str:
    threads = f"{base['threads']} thread{'s' * (base['threads'] > 1)}"
    ranks = f"{base['ranks']} rank{'s' * (base['ranks'] > 1)}"
    return f"1 is {ranks} × {threads}: {1e3 * base['step_seconds']:.3g} ms a step"


def draw_curves(axes, problem: Scaling, scaled: Callable[[dict, float], float]) -> None:
    """Draw measured points with their intervals and the model, a curve for each number of threads.

    Parameters
    ----------
    axes
        matplotlib's axes to draw into.
    problem
        The measurements.
    scaled
        Function of a record and its speed-up that returns the value to draw.
    """
    for threads, records in problem.by_threads.items():
        values = []
        below = []
        above = []
        for record in records:
            step = record["step_seconds"]
            shortest, longest = record.get("step_seconds_interval", [step, step])
            value = scaled(record, problem.speed_up(record, step))
            values.append(value)
            below.append(value - scaled(record, problem.speed_up(record, longest)))
            above.append(scaled(record, problem.speed_up(record, shortest)) - value)
        axes.errorbar(
            [cores(record) for record in records],
            values,
            [below, above],
            color=problem.colours[threads],
            marker="o",
            capsize=3,
            label=_threads(threads),
            zorder=3,
        )
    for threads, records in problem.models_by_threads.items():
        points = []
        for record in records:
            points.append((cores(record), scaled(record, problem.speed_up(record))))
        label = f"model, {_threads(threads)}"
        _draw_line(axes, points, color=problem.colours[threads], ls="--", label=label)


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' * (threads > 1)} a rank"


def _draw_line(axes, points, **style) -> None:
    if points:
        counts, values = zip(*points)
        marker = "." if len(points) == 1 else None
        axes.plot(counts, values, lw=1.3, marker=marker, zorder=2, **style)


def _core_axis(axes, counts) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("cores (ranks × threads)")


def _draw_phases(axes, problem: Scaling) -> None:
    """Draw a stacked bar of phases for each ranks x threads; the step's median is a mark.

    A step times its cores over its voxels is as high on any number of cores where nothing is lost.
    """
    records = sorted(problem.measured, key=lambda record: (cores(record), record["threads"]))
    places = range(len(records))
    bottom = [0.0] * len(records)
    for name in _phase_names(records):
        heights = []
        for record in records:
            heights.append(_core_nanoseconds(record) * record.get("phases", {}).get(name, 0.0))
        colour = PHASE_COLOURS.get(name, OTHERS)
        axes.bar(places, heights, 0.65, bottom, color=colour, edgecolor="white", lw=0.4, label=name)
        bottom = [below + height for below, height in zip(bottom, heights)]
    steps = [_core_nanoseconds(record) * record["step_seconds"] for record in records]
    axes.plot(places, steps, ls="", marker="_", ms=18, color="black", label="step")
    axes.set(
        title="parts of a step, mean over ranks\nlevel bars: ideal",
        ylabel="core-ns a voxel",
        xlabel="ranks × threads",
    )
    labels = [f"{record['ranks']}×{record['threads']}" for record in records]
    axes.set_xticks(places, labels, rotation=90 if len(records) > 6 else 0)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        labels[::-1],
        frameon=False,
        fontsize=9,
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )


def _core_nanoseconds(record: dict) -> float:
    """Core-nanoseconds a voxel for each second of a step."""
    return 1e9 * cores(record) / prod(record["shape"])


def _phase_names(records: list[dict]) -> list[str]:
    """Phases that are a visible part of some step, in the order of a step, NEURON's own last."""
    seen = set()
    for record in records:
        for name, seconds in record.get("phases", {}).items():
            if seconds > LEAST_SHARE * record["step_seconds"]:
                seen.add(name)
    order = [*PHASES, *sorted(seen - set(PHASES))]
    return [name for name in order if name in seen]
