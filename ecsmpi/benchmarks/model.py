"""The slice of scripts/models with NEURON and with ecsmpi, in processes of their own, in turn:
cells, reactions, grid, memory.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks import launches
from ecsmpi.benchmarks.against_neuron import SCRIPTS, Row, printed_object
from ecsmpi.benchmarks.records import provenance
from ecsmpi.benchmarks.repetition import median_interval

MODEL = Path(__file__).resolve().parents[2] / "scripts" / "models"
BACKENDS = ("NEURON", "ecsmpi")
COARSE, FINE = 25, 10  # um, edges of voxels
AT_LEAST = {COARSE: 1, FINE: 5}  # times as fast in all
DT = 0.1  # ms, as published


@dataclass(frozen=True)
class Comparison:
    """Size of the slice, thickness (um), neurons a mm3, ranks, runs of each process, steps timed in
    a run, what starts ranks.

    The published density would leave NEURON initialising for minutes: its time grows as the square
    of the number of cells.
    """

    size: str = "small"
    thickness: float = 200
    density: float = 30_000
    ranks: tuple[int, ...] = (1, 2)
    rounds: int = 1
    repetitions: int = 60
    launcher: str = "mpirun"

    def options(self, dx: float) -> list[str]:
        """Of the model."""
        words = {
            "--size": self.size,
            "--thickness": self.thickness,
            "--density": self.density,
            "--dx": dx,
            "--dt": DT,
        }
        return [str(word) for option in words.items() for word in option]


def compare(comparison: Comparison, say) -> dict:
    """The record of a comparison; say(text) tells what runs. Raises launches.LaunchFailed."""
    if not MODEL.is_dir():
        raise FileNotFoundError(
            f"no model at {MODEL}: `ecsmpi bench model` needs a checkout of ecsmpi"
        )
    results = defaultdict(list)
    for round_ in range(1, comparison.rounds + 1):
        for (backend, ranks, dx, cells), run in _runs(comparison).items():
            what = "all" if cells else "without cells"
            say(
                f"round {round_} of {comparison.rounds}: {backend}, {_processes(ranks)}, {dx} um, {what}"
            )
            results[backend, ranks, dx, cells].append(run())
    steps = [
        second
        for run in results["ecsmpi", comparison.ranks[0], COARSE, True]
        for second in run["step_seconds"]["all"]
    ]
    rows = [
        row
        for ranks in comparison.ranks
        for dx in (COARSE, FINE)
        for row in _rows(results, ranks, dx)
    ]
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
        "rows": [asdict(row) | {"met": row.met} for row in rows],
        "left_out": [],
        "runs": {" ".join(map(str, key)): found for key, found in results.items()},
        "provenance": provenance(),
    }


def _runs(comparison: Comparison) -> dict:
    """{(backend, ranks, dx, whether with cells): a function that returns its result}."""
    return {
        (backend, ranks, dx, cells): _run(comparison, backend, ranks, dx, cells)
        for ranks in comparison.ranks
        for dx in (COARSE, FINE)
        for cells in (True, False)
        for backend in BACKENDS
    }


def _run(comparison: Comparison, backend: str, ranks: int, dx: float, cells: bool):
    settings = {
        "options": comparison.options(dx),
        "cells": cells,
        "repetitions": comparison.repetitions,
    }
    arguments = [str(SCRIPTS / "slice.py"), backend.lower(), str(MODEL), json.dumps(settings)]
    return lambda: printed_object(
        launches.run(ranks, arguments, comparison.launcher, NUMBA_NUM_THREADS=1)
    )


def _rows(results: dict, ranks: int, dx: float):
    """Of one number of ranks and one edge of voxels: what each part takes, and all of it."""
    where, parts = (
        f"{dx} um, {_processes(ranks)}",
        [_parts(results, backend, ranks, dx) for backend in BACKENDS],
    )
    for part in ("cells", "reactions", "grid", "in all"):
        neuron, ecsmpi = (found[part] for found in parts)
        goal = AT_LEAST[dx] if part == "in all" else 1 if dx == COARSE else None
        yield Row(
            f"{where}: {part}", "s a simulated s", neuron, ecsmpi, neuron / ecsmpi, goal, None
        )
    neuron, ecsmpi = (
        median(run["bytes"] for run in results[backend, ranks, dx, True]) / 1e6
        for backend in BACKENDS
    )
    yield Row(f"{where}: memory of all ranks", "MB", neuron, ecsmpi, neuron / ecsmpi, None, None)


def _parts(results: dict, backend: str, ranks: int, dx: float) -> dict[str, float]:
    """Seconds for a simulated second: cells with what couples them, reactions outside, diffusion
    outside; each the difference it makes.
    """

    def of(what: str) -> float:
        runs = results[backend, ranks, dx, what == "all"]
        return 1000 / DT * median(median(run["step_seconds"][what]) for run in runs)

    grid, reacting, everything = of("grid"), of("reactions"), of("all")
    return {
        "cells": everything - reacting,
        "reactions": reacting - grid,
        "grid": grid,
        "in all": everything,
    }


def _processes(ranks: int) -> str:
    return f"{ranks} process{'es' * (ranks > 1)}"
