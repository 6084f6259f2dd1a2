"""The same scripts with NEURON and with ecsmpi, in processes of their own, in turn."""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks.comparisons import launches
from ecsmpi.benchmarks.comparisons.in_turn import in_turn
from ecsmpi.benchmarks.comparisons.targets import Row, at_most, ratio
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import of_problem, provenance
from ecsmpi.benchmarks.repetition import median_interval
from ecsmpi.solver.sizes import SHORT

TUTORIAL = launches.CHECKOUT / "scripts" / "ca1_potassium.py"
MECHANISM = launches.CHECKOUT / "mod"
TUTORIAL_STEPS = 50
TUTORIAL_TURNS = 40
BACKENDS = ("NEURON", "ecsmpi")
TWO_RANKS = "box, ecsmpi on 2 ranks"
RICHER = ("tissue", "buffer")  # models of scripts/box.py with more than diffusion
RICHER_EDGE = 128  # voxels along an edge of their boxes at most: NEURON would need minutes


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how often.

    Attributes
    ----------
    edge
        Voxels along each edge of the box that is stepped.
    initial_edge
        Voxels along each edge of the box that is only initialised.
    rounds
        Runs of each process, in turn.
    repetitions
        Steps timed in a run.
    launcher
        Command that starts ranks.
    dx
        Edge of a voxel, um.
    dt
        Time step, ms.
    morphology
        An .swc file for the tutorial; None for its own cell.
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
        """Voxels along each edge of the boxes with a reaction, or with varying tissue."""
        return min(self.edge, RICHER_EDGE)

    @property
    def problem(self) -> Problem:
        """The box that is stepped."""
        return Problem((self.edge,) * 3, dt=self.dt, dx=self.dx)


def compare(comparison: Comparison, say: Callable[[str], None]) -> dict:
    """Run all processes of a comparison and return its record.

    Parameters
    ----------
    comparison
        What is compared.
    say
        Called with a line of text before each process.

    Raises
    ------
    LaunchFailed
        A process could not be started or failed.
    """
    runs = _runs(comparison)
    results = defaultdict(list)
    for round_ in range(1, comparison.rounds + 1):
        for name, run in runs.items():
            say(f"round {round_} of {comparison.rounds}: {name}")
            results[name].append(run())
    steps = []
    for result in results["box, ecsmpi"]:
        steps += result["step_seconds"]["1"]
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
        "rows": [row.entry() for row in _Table(comparison, results).rows()],
        "left_out": _left_out(results),
        "runs": dict(results),
        "provenance": provenance(),
    }


def _left_out(results: dict) -> list[str]:
    """Rows that could not be measured, and why."""
    reasons = {
        TWO_RANKS: "two threads and two ranks: this process may use one core only",
        "tutorial": "the tutorial: it needs a checkout with steady_k compiled, see scripts/setup",
    }
    return [reason for run, reason in reasons.items() if run not in results]


def _runs(comparison: Comparison) -> dict[str, Callable[[], dict]]:
    """What to run in each round: {name: a function that returns its result}."""
    two_cores = len(os.sched_getaffinity(0)) > 1
    threads = [1]
    if two_cores:
        launches.launcher_words(comparison.launcher)  # fail before anything is measured
        threads = [1, 2]
    runs = {}
    for backend in BACKENDS:
        runs[f"box, {backend}"] = _box(comparison, backend, comparison.edge, threads)
    if two_cores:
        runs[TWO_RANKS] = _box(comparison, "ecsmpi", comparison.edge, [1], ranks=2)
    for model in RICHER:
        for backend in BACKENDS:
            runs[f"{model}, {backend}"] = _box(
                comparison, backend, comparison.richer_edge, [1], model=model
            )
    for backend in BACKENDS:
        runs[f"initialisation, {backend}"] = _box(comparison, backend, comparison.initial_edge, [])
    if TUTORIAL.exists() and any(MECHANISM.glob("*/libnrnmech*")):
        runs["tutorial"] = lambda: _tutorial(comparison.morphology)
    runs["all cores"] = lambda: _all_cores(comparison)
    runs["first start"] = lambda: _first_start(comparison)
    return runs


def _box(
    comparison: Comparison,
    backend: str,
    edge: int,
    threads: list[int],
    ranks: int | None = None,
    model: str = "potassium",
    **environment,
) -> Callable[[], dict]:
    """A function that runs scripts/box.py and returns its result."""
    settings = {
        "shape": [edge] * 3,
        "dx": comparison.dx,
        "dt": comparison.dt,
        "threads": threads,
        "repetitions": comparison.repetitions,
        "model": model,
    }
    arguments = [backend.lower(), json.dumps(settings)]
    environment["NUMBA_NUM_THREADS"] = max(threads, default=1)
    return lambda: launches.run_script(
        "box.py", arguments, ranks, comparison.launcher, **environment
    )


def _tutorial(morphology: Path | None) -> dict:
    """Step the tutorial with NEURON's space, with ecsmpi's and without one, a few steps in turn.

    The differences between their steps are small, so that a drift of the machine would hide them.
    """
    model_arguments = []
    if morphology is not None:
        model_arguments = ["--morphology", str(morphology)]
    processes = {}
    for name in (*BACKENDS, "none"):
        processes[name] = [
            str(launches.SCRIPTS / "tutorial.py"),
            name.lower(),
            str(TUTORIAL),
            json.dumps(model_arguments),
        ]
    return in_turn(processes, TUTORIAL_TURNS, str(TUTORIAL_STEPS), NUMBA_NUM_THREADS=1)


def _all_cores(comparison: Comparison) -> dict:
    """The step with a thread on every core, and the copy bandwidth of the same run."""
    edge = str(comparison.edge)
    cores = str(len(os.sched_getaffinity(0)))
    options = ["--shape", edge, edge, edge, "--threads", cores]
    options += ["--dt", str(comparison.dt), "--dx", str(comparison.dx)]
    record = launches.bench(None, ["kernel", *options], comparison.launcher)
    return {"step": record["step_seconds"], "copy": record["copy_bytes_per_second"]}


def _first_start(comparison: Comparison) -> dict:
    """A start that finds no compiled kernels, in a small box.

    Its z-lines are long, since kernels for short ones compile faster.
    """
    with tempfile.TemporaryDirectory() as empty:
        return _box(comparison, "ecsmpi", SHORT, [], NUMBA_CACHE_DIR=empty)()


class _Table:
    """The rows of a comparison, from the results of its runs."""

    def __init__(self, comparison: Comparison, results: dict):
        self._comparison = comparison
        self._results = results

    def rows(self) -> Iterator[Row]:
        """A row for each target that can be measured on this machine."""
        yield from self._step_rows()
        if TWO_RANKS in self._results:
            yield from self._two_core_rows()
        if "tutorial" in self._results:
            yield from _tutorial_rows(self._results["tutorial"])
        yield from self._initialisation_rows()
        yield from self._memory_rows()
        yield from self._start_rows()

    def _median(self, run: str, pick: Callable[[dict], float]) -> float:
        """Median over rounds of one number of a run's results."""
        return median(pick(result) for result in self._results[run])

    def _step(self, run: str, threads: str = "1") -> float:
        """Seconds of a step."""
        return self._median(run, lambda result: median(result["step_seconds"][threads]))

    def _step_rows(self) -> Iterator[Row]:
        edge = self._comparison.edge
        yield ratio(
            f"step, {edge}^3 voxels, one thread",
            "ms",
            1e3 * self._step("box, NEURON"),
            1e3 * self._step("box, ecsmpi"),
            15,
            30,
        )
        richer = self._comparison.richer_edge
        for model, what, goal, aim in (
            ("tissue", "step, varying volume fraction and tortuosity", 20, 40),
            ("buffer", "step with a reaction of three species", 10, 25),
        ):
            neuron = 1e3 * self._step(f"{model}, NEURON")
            ecsmpi = 1e3 * self._step(f"{model}, ecsmpi")
            yield ratio(f"{what}, {richer}^3, one thread", "ms", neuron, ecsmpi, goal, aim)
        traffic = self._comparison.problem.traffic
        floor = self._median("all cores", lambda result: traffic / result["copy"])
        step = self._median("all cores", lambda result: result["step"])
        what = f"traffic floor over step, {edge}^3, all cores"
        yield Row(what, "ms", None, 1e3 * step, floor / step, 0.5, 0.75)

    def _two_core_rows(self) -> Iterator[Row]:
        one_thread = self._step("box, ecsmpi")
        neuron = 1e3 * self._step("box, NEURON", "2")
        threads = self._step("box, ecsmpi", "2")
        ranks = self._step(TWO_RANKS)
        yield Row(
            "two threads over one", "ms", neuron, 1e3 * threads, one_thread / threads, 1.7, 1.9
        )
        yield Row("two ranks over one", "ms", None, 1e3 * ranks, one_thread / ranks, 1.7, 1.9)

    def _initialisation_rows(self) -> Iterator[Row]:
        neuron, ecsmpi = (
            self._median(f"initialisation, {backend}", lambda result: result["finitialize_seconds"])
            for backend in BACKENDS
        )
        what = f"finitialize, {self._comparison.initial_edge}^3 voxels"
        yield ratio(what, "s", neuron, ecsmpi, 100)

    def _memory_rows(self) -> Iterator[Row]:
        edge = self._comparison.edge

        def bytes_a_voxel(run: str) -> float:
            return self._median(run, lambda result: result["bytes"] / edge**3)

        what = f"memory, {edge}^3 voxels"
        neuron = bytes_a_voxel("box, NEURON")
        yield at_most(what, "B a voxel", neuron, bytes_a_voxel("box, ecsmpi"), 24, 20)
        if TWO_RANKS in self._results:
            both = bytes_a_voxel(TWO_RANKS)
            yield at_most(f"{what}, two ranks", "B a voxel", None, both, 24, 20)

    def _start_rows(self) -> Iterator[Row]:
        neuron, later, first = (
            self._median(run, lambda result: result["start_seconds"])
            for run in ("box, NEURON", "box, ecsmpi", "first start")
        )
        for what, seconds, goal in (
            ("first start, above NEURON's", first, 30),
            ("later starts, above NEURON's", later, 2),
        ):
            yield Row(what, "s", neuron, seconds, seconds - neuron, goal, None, at_least=False)


def _tutorial_rows(rounds: list[dict]) -> Iterator[Row]:
    steps: dict[str, list[float]] = {}
    for name in rounds[0]:
        steps[name] = []
        for round_ in rounds:
            steps[name] += [median(turn["step_seconds"]) for turn in round_[name]["turns"]]
    beyond = {}  # ms that the extracellular space adds to a step
    for backend in BACKENDS:
        pairs = zip(steps[backend], steps["none"])
        beyond[backend] = 1e3 * median(with_space - without for with_space, without in pairs)
    segments = rounds[0]["none"]["segments"]
    what = f"tutorial's step, {segments:,} segments, with minus without the space"
    yield ratio(what, "ms", beyond["NEURON"], beyond["ecsmpi"], 4, 8)
    neuron, ecsmpi = (
        median(round_[backend]["finitialize_seconds"] for round_ in rounds) for backend in BACKENDS
    )
    yield ratio("finitialize of the tutorial", "s", neuron, ecsmpi, 10)
