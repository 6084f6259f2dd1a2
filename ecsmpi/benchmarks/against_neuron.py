"""The same scripts with NEURON and with ecsmpi, in processes of their own, in turn, and what was
aimed at.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks import launches
from ecsmpi.benchmarks.in_turn import in_turn
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import of_problem, provenance
from ecsmpi.benchmarks.repetition import median_interval
from ecsmpi.solver.short_lines import SHORT

SCRIPTS = Path(__file__).parent / "scripts"
TUTORIAL = Path(__file__).resolve().parents[2] / "scripts" / "ca1_potassium.py"
MECHANISM = TUTORIAL.parents[1] / "mod"
TUTORIAL_STEPS, TUTORIAL_TURNS = 50, 40
TWO_RANKS = "box, ecsmpi on 2 ranks"
# voxels along an edge at most, of boxes with reactions or varying tissue: NEURON needs minutes else
RICHER_EDGE = 128
RICHER = ("tissue", "buffer")


@dataclass(frozen=True)
class Comparison:
    """Voxels along the edges of the boxes, runs of each process, steps in a run, what starts ranks,
    the tutorial's cell if another.
    """

    edge: int = 256
    initial_edge: int = 200
    rounds: int = 3
    repetitions: int = 10
    launcher: str = "mpirun"
    dx: float = 5.0
    dt: float = 0.025
    morphology: Path | None = None

    @property
    def richer_edge(self) -> int:
        """Voxels along the edges of the boxes with reactions, or with varying tissue."""
        return min(self.edge, RICHER_EDGE)

    @property
    def problem(self) -> Problem:
        """The box that is stepped."""
        return Problem((self.edge,) * 3, dt=self.dt, dx=self.dx)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``value`` is what the goal and the aim are for, greater (at_least) or
    less.
    """

    what: str
    unit: str
    neuron: float | None
    ecsmpi: float
    value: float
    goal: float | None
    aim: float | None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def compare(comparison: Comparison, say) -> dict:
    """The record of a comparison; say(text) tells what runs. Raises launches.LaunchFailed."""
    runs = _runs(comparison)
    results = defaultdict(list)
    for round_ in range(1, comparison.rounds + 1):
        for name, run in runs.items():
            say(f"round {round_} of {comparison.rounds}: {name}")
            results[name].append(run())
    steps = [seconds for run in results["box, ecsmpi"] for seconds in run["step_seconds"]["1"]]
    return {
        "kind": "neuron",
        "ranks": 1,
        "threads": 1,
        "nodes": 1,
        **of_problem(comparison.problem),
        "step_seconds": median(steps),
        "step_seconds_interval": list(median_interval(steps)),
        "repetitions": len(steps),
        "phases": {},
        "phases_max": {},
        "copy_bytes_per_second": median(run["copy"] for run in results["all cores"]),
        "rounds": comparison.rounds,
        "rows": [asdict(row) | {"met": row.met} for row in _rows(comparison, results)],
        "left_out": _left_out(results),
        "runs": dict(results),
        "provenance": provenance(),
    }


def _left_out(results: dict) -> list[str]:
    """Which rows there are none of, and why."""
    reasons = {
        TWO_RANKS: "two threads and two ranks: this process may use one core only",
        "tutorial": "the tutorial: it needs a checkout with steady_k compiled, see scripts/setup",
    }
    return [reason for run, reason in reasons.items() if run not in results]


def _two_cores() -> bool:
    return len(os.sched_getaffinity(0)) > 1


def _has_tutorial() -> bool:
    return TUTORIAL.exists() and any(MECHANISM.glob("*/libnrnmech*"))


def _runs(comparison: Comparison) -> dict:
    """What to run in each round: {name: a function that returns its result}."""
    if _two_cores():
        launches.launcher_words(comparison.launcher)
    threads = [1, 2] if _two_cores() else [1]
    edge, initial = comparison.edge, comparison.initial_edge
    runs = {f"box, {name}": _box(comparison, name, edge, threads) for name in ("NEURON", "ecsmpi")}
    if _two_cores():
        runs[TWO_RANKS] = _box(comparison, "ecsmpi", edge, [1], ranks=2)
    runs |= {
        f"{model}, {name}": _box(comparison, name, comparison.richer_edge, [1], model=model)
        for model in RICHER
        for name in ("NEURON", "ecsmpi")
    }
    runs |= {
        f"initialisation, {name}": _box(comparison, name, initial, [])
        for name in ("NEURON", "ecsmpi")
    }
    if _has_tutorial():
        runs["tutorial"] = lambda: _tutorial(comparison.morphology)
    runs["all cores"] = lambda: _all_cores(comparison)
    runs["first start"] = lambda: _first_start(comparison)
    return runs


def _box(
    comparison: Comparison,
    name: str,
    edge: int,
    threads: list[int],
    ranks: int | None = None,
    model: str = "potassium",
    **environment,
):
    settings = {
        "shape": [edge] * 3,
        "dx": comparison.dx,
        "dt": comparison.dt,
        "threads": threads,
        "repetitions": comparison.repetitions,
        "model": model,
    }
    environment["NUMBA_NUM_THREADS"] = max(threads, default=1)
    return _script(
        "box.py", [name.lower(), json.dumps(settings)], ranks, comparison.launcher, environment
    )


def _tutorial(morphology: Path | None) -> dict:
    """The tutorial with NEURON's space, with ecsmpi's and without, a few steps of each in turn:
    differences of steps are wanted.
    """
    arguments = json.dumps([] if morphology is None else ["--morphology", str(morphology)])
    words = {
        name: [str(SCRIPTS / "tutorial.py"), name.lower(), str(TUTORIAL), arguments]
        for name in ("NEURON", "ecsmpi", "none")
    }
    return in_turn(words, TUTORIAL_TURNS, str(TUTORIAL_STEPS), NUMBA_NUM_THREADS=1)


def _script(script: str, arguments: list[str], ranks: int | None, launcher: str, environment: dict):
    """A function that runs a script and returns the JSON object that it prints last."""

    return lambda: printed_object(
        launches.run(ranks, [str(SCRIPTS / script), *arguments], launcher, **environment)
    )


def printed_object(printed: str) -> dict:
    """The JSON object that a script printed last: NEURON's own lines come before or after, as
    buffers will have it.
    """
    return json.loads(next(line for line in reversed(printed.splitlines()) if line.startswith("{")))


def _all_cores(comparison: Comparison) -> dict:
    """The step with a thread on every core, and the copy bandwidth of the same run."""
    shape = [str(comparison.edge)] * 3
    cores = str(len(os.sched_getaffinity(0)))
    options = [
        "--shape",
        *shape,
        "--threads",
        cores,
        "--dt",
        str(comparison.dt),
        "--dx",
        str(comparison.dx),
    ]
    record = launches.bench(None, ["kernel", *options], comparison.launcher)
    return {"step": record["step_seconds"], "copy": record["copy_bytes_per_second"]}


def _first_start(comparison: Comparison) -> dict:
    """A start whose compiled kernels nobody has kept, in a small box whose z-lines are long: short
    ones compile faster.
    """
    with tempfile.TemporaryDirectory() as empty:
        return _box(comparison, "ecsmpi", SHORT, [], NUMBA_CACHE_DIR=empty)()


def _rows(comparison: Comparison, results: dict):
    """The table, a Row for each of the targets that can be measured here."""
    edge, initial = comparison.edge, comparison.initial_edge

    def of(run, pick):
        return median(pick(one) for one in results[run])

    def step(run, threads="1"):
        return of(run, lambda one: median(one["step_seconds"][threads]))

    neuron, own = step("box, NEURON"), step("box, ecsmpi")
    yield _ratio(f"step, {edge}^3 voxels, one thread", "ms", 1e3 * neuron, 1e3 * own, 15, 30)
    yield from _richer_rows(comparison.richer_edge, step)
    floor = of("all cores", lambda one: comparison.problem.traffic / one["copy"])
    all_cores = of("all cores", lambda one: one["step"])
    yield Row(
        f"traffic floor over step, {edge}^3, all cores",
        "ms",
        None,
        1e3 * all_cores,
        floor / all_cores,
        0.5,
        0.75,
    )
    if TWO_RANKS in results:
        two = step("box, ecsmpi", "2")
        yield Row(
            "two threads over one",
            "ms",
            1e3 * step("box, NEURON", "2"),
            1e3 * two,
            own / two,
            1.7,
            1.9,
        )
        two = step(TWO_RANKS)
        yield Row("two ranks over one", "ms", None, 1e3 * two, own / two, 1.7, 1.9)
    if "tutorial" in results:
        yield from _tutorial_rows(results["tutorial"])
    finitialize = [
        of(f"initialisation, {name}", lambda one: one["finitialize_seconds"])
        for name in ("NEURON", "ecsmpi")
    ]
    yield _ratio(f"finitialize, {initial}^3 voxels", "s", *finitialize, 100, None)
    memory = [
        of(f"box, {name}", lambda one: one["bytes"] / edge**3) for name in ("NEURON", "ecsmpi")
    ]
    yield Row(f"memory, {edge}^3 voxels", "B a voxel", *memory, memory[1], 24, 20, at_least=False)
    if TWO_RANKS in results:
        both = of(TWO_RANKS, lambda one: one["bytes"] / edge**3)
        yield Row(
            f"memory, {edge}^3 voxels, two ranks",
            "B a voxel",
            None,
            both,
            both,
            24,
            20,
            at_least=False,
        )
    yield from _start_rows(of)


def _richer_rows(edge: int, step):
    for model, what, goal, aim in (
        ("tissue", f"step, varying volume fraction and tortuosity, {edge}^3, one thread", 20, 40),
        ("buffer", f"step with a reaction of three species, {edge}^3, one thread", 10, 25),
    ):
        yield _ratio(
            what,
            "ms",
            *(1e3 * step(f"{model}, {name}") for name in ("NEURON", "ecsmpi")),
            goal,
            aim,
        )


def _tutorial_rows(runs: list[dict]):
    steps = {
        name: [median(turn["step_seconds"]) for run in runs for turn in run[name]["turns"]]
        for name in runs[0]
    }
    pairs = (zip(steps[name], steps["none"]) for name in ("NEURON", "ecsmpi"))
    beyond = [1e3 * median(with_space - none for with_space, none in pair) for pair in pairs]
    what = (
        f"tutorial's step, {runs[0]['none']['segments']:,} segments, with minus without the space"
    )
    yield _ratio(what, "ms", *beyond, 4, 8)
    set_up = [
        median(run[name]["finitialize_seconds"] for run in runs) for name in ("NEURON", "ecsmpi")
    ]
    yield _ratio("finitialize of the tutorial", "s", *set_up, 10, None)


def _start_rows(of):
    start = [
        of(run, lambda one: one["start_seconds"])
        for run in ("box, NEURON", "box, ecsmpi", "first start")
    ]
    for what, seconds, goal in (
        ("first start, above NEURON's", start[2], 30),
        ("later starts, above NEURON's", start[1], 2),
    ):
        yield Row(what, "s", start[0], seconds, seconds - start[0], goal, None, at_least=False)


def _ratio(
    what: str, unit: str, neuron: float, ecsmpi: float, goal: float | None, aim: float | None
) -> Row:
    return Row(what, unit, neuron, ecsmpi, neuron / ecsmpi, goal, aim)
