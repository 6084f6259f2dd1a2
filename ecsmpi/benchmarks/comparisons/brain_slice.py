"""The slice of scripts/models with NEURON and with ecsmpi, in processes of their own, in turn.

The time of a step is split into cells, reactions and grid; memory is measured too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from ecsmpi.benchmarks.comparisons import launches
from ecsmpi.benchmarks.comparisons.targets import Row, ratio
from ecsmpi.benchmarks.records import provenance
from ecsmpi.benchmarks.repetition import median_interval

MODEL = launches.CHECKOUT / "scripts" / "models"
BACKENDS = ("NEURON", "ecsmpi")
COARSE, FINE = 25, 10  # um, edges of voxels
AT_LEAST = {COARSE: 1, FINE: 5}  # how many times as fast as NEURON, in all
DT = 0.1  # ms, as published


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how often.

    With the published density NEURON would initialise for minutes: its time grows as the square of
    the number of cells.

    Attributes
    ----------
    size
        Size of the slice in x and y, by the name that its script has for it.
    thickness
        Thickness of the slice, um.
    density
        Neurons in a cubic millimetre.
    ranks
        Numbers of processes.
    rounds
        Runs of each process, in turn.
    repetitions
        Steps timed in a run.
    launcher
        Command that starts ranks.
    """

    size: str = "small"
    thickness: float = 200
    density: float = 30_000
    ranks: tuple[int, ...] = (1, 2)
    rounds: int = 1
    repetitions: int = 60
    launcher: str = "mpirun"

    def options(self, dx: int) -> list[str]:
        """Options of the slice's script for voxels of dx (um)."""
        options = {
            "--size": self.size,
            "--thickness": self.thickness,
            "--density": self.density,
            "--dx": dx,
            "--dt": DT,
        }
        words = []
        for name, value in options.items():
            words += [name, str(value)]
        return words


@dataclass(frozen=True)
class Run:
    """One process to measure: backend, ranks, edge of voxels (um), and whether it has cells."""

    backend: str
    ranks: int
    dx: int
    cells: bool

    def __str__(self):
        return f"{self.backend} {self.ranks} {self.dx} {self.cells}"


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
    FileNotFoundError
        The slice's script is not there: the package is not in a checkout.
    LaunchFailed
        A process could not be started or failed.
    """
    if not MODEL.is_dir():
        raise FileNotFoundError(
            f"no model at {MODEL}: `ecsmpi bench model` needs a checkout of ecsmpi"
        )
    results = defaultdict(list)
    for round_ in range(1, comparison.rounds + 1):
        for run in _runs(comparison):
            what = "all" if run.cells else "without cells"
            say(
                f"round {round_} of {comparison.rounds}: "
                f"{run.backend}, {_processes(run.ranks)}, {run.dx} um, {what}"
            )
            results[run].append(measure(comparison, run))
    steps = []
    for result in results[Run("ecsmpi", comparison.ranks[0], COARSE, True)]:
        steps += result["step_seconds"]["all"]
    rows = []
    for ranks in comparison.ranks:
        for dx in (COARSE, FINE):
            rows += [row.entry() for row in _rows(results, ranks, dx)]
    return {
        "kind": "slice",
        "ranks": comparison.ranks[0],
        "threads": 1,
        "nodes": 1,
        "shape": [],
        "dt": DT,
        "model": comparison.options(COARSE),
        "step_seconds": median(steps),
        "step_seconds_interval": list(median_interval(steps)),
        "repetitions": len(steps),
        "step_times": steps,
        "phases": {},
        "phases_max": {},
        "rounds": comparison.rounds,
        "rows": rows,
        "left_out": [],
        "runs": {str(run): found for run, found in results.items()},
        "provenance": provenance(),
    }


def _runs(comparison: Comparison) -> Iterator[Run]:
    """What to run in each round."""
    for ranks in comparison.ranks:
        for dx in (COARSE, FINE):
            for cells in (True, False):
                for backend in BACKENDS:
                    yield Run(backend, ranks, dx, cells)


def measure(comparison: Comparison, run: Run) -> dict:
    """Run scripts/slice.py and return its result. Raises LaunchFailed."""
    settings = {
        "options": comparison.options(run.dx),
        "cells": run.cells,
        "repetitions": comparison.repetitions,
    }
    arguments = [run.backend.lower(), str(MODEL), json.dumps(settings)]
    return launches.run_script(
        "slice.py", arguments, run.ranks, comparison.launcher, NUMBA_NUM_THREADS=1
    )


def _rows(results: dict, ranks: int, dx: int) -> Iterator[Row]:
    """Rows of one number of ranks and one edge of voxels: each part of a step, and memory."""
    where = f"{dx} um, {_processes(ranks)}"
    neuron, ecsmpi = (_parts(results, backend, ranks, dx) for backend in BACKENDS)
    for part in ("cells", "reactions", "grid", "in all"):
        goal = 1 if dx == COARSE else None
        if part == "in all":
            goal = AT_LEAST[dx]
        yield ratio(f"{where}: {part}", "s a simulated s", neuron[part], ecsmpi[part], goal)
    yield ratio(
        f"{where}: memory of all ranks",
        "MB",
        *(_megabytes(results[Run(backend, ranks, dx, True)]) for backend in BACKENDS),
    )


def _megabytes(found: list[dict]) -> float:
    return median(result["bytes"] for result in found) / 1e6


def _parts(results: dict, backend: str, ranks: int, dx: int) -> dict[str, float]:
    """Seconds for a simulated second of each part, as the difference that the part makes.

    The cells' part holds what couples them to their voxels; reactions and grid are outside cells.
    """

    def seconds(what: str) -> float:
        found = results[Run(backend, ranks, dx, what == "all")]
        return 1000 / DT * median(median(result["step_seconds"][what]) for result in found)

    grid = seconds("grid")
    with_reactions = seconds("reactions")
    everything = seconds("all")
    return {
        "cells": everything - with_reactions,
        "reactions": with_reactions - grid,
        "grid": grid,
        "in all": everything,
    }


def _processes(ranks: int) -> str:
    return f"{ranks} process{'es' * (ranks > 1)}"
