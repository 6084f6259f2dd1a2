"""What a rank takes above NEURON's own, in memory and at a start: the same scripts, in turn."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from ecsmpi.benchmarks.comparisons import launches
from ecsmpi.benchmarks.comparisons.brain_slice import MODEL
from ecsmpi.benchmarks.comparisons.targets import Row
from ecsmpi.benchmarks.records import provenance
from ecsmpi.ranks.code_folders import CHOSEN

BACKENDS = ("NEURON", "ecsmpi")
LATER, FIRST = 1.0, 15.0  # s that a start may take above NEURON's own


@dataclass(frozen=True)
class Model:
    """A model and how much a rank of it may take.

    Attributes
    ----------
    name
        For the table.
    words
        Arguments of scripts/rank.py.
    megabytes
        What a rank may take above NEURON's own.
    """

    name: str
    words: tuple[str, ...]
    megabytes: float


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how often.

    Attributes
    ----------
    size
        Size of the slice in x and y, by the name that its script has for it.
    ranks
        Number of ranks.
    rounds
        Runs of each process, in turn.
    launcher
        Command that starts ranks.
    threads
        Threads of each rank of ecsmpi, for boxes of any size.
    """

    size: str = "mini"
    ranks: int = 2
    rounds: int = 3
    launcher: str = "mpirun"
    threads: int = 1

    @property
    def models(self) -> tuple[Model, ...]:
        """The models; the slice's script is in a checkout alone."""
        box = Model("small box with a reaction", ("box",), 60)
        if not MODEL.is_dir():
            return (box,)
        words = ("slice", str(MODEL), "--size", self.size)
        return box, Model(f"{self.size} slice", words, 100)


def compare(comparison: Comparison, say: Callable[[str], None]) -> dict:
    """Run all processes of a comparison and return its record.

    The first run of ecsmpi finds no compiled code; the others find what it has left.

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
    rows: list[Row] = []
    found: dict[str, list[dict]] = defaultdict(list)
    for model in comparison.models:
        with tempfile.TemporaryDirectory() as folder:
            say(f"{model.name}, ecsmpi, nothing compiled")
            first = _run(comparison, "ecsmpi", model, folder)
            for round_ in range(1, comparison.rounds + 1):
                for backend in BACKENDS:
                    say(f"{model.name}, {backend}, round {round_} of {comparison.rounds}")
                    result = _run(comparison, backend, model, folder)
                    found[f"{backend} {model.name}"].append(result)
        neuron, ecsmpi = (found[f"{backend} {model.name}"] for backend in BACKENDS)
        rows += _rows(comparison, model, neuron, ecsmpi, first)
        found[f"first {model.name}"] = [first]
    starts = [result["start_seconds"] for result in found[f"ecsmpi {comparison.models[0].name}"]]
    return {
        "kind": "rank",
        "ranks": comparison.ranks,
        "threads": comparison.threads,
        "nodes": 1,
        "shape": [],
        "model": [list(model.words) for model in comparison.models],
        "start_seconds": median(starts),
        "rounds": comparison.rounds,
        "rows": [row.entry() for row in rows],
        "left_out": [] if MODEL.is_dir() else ["the slice: its script is in a checkout alone"],
        "runs": dict(found),
        "provenance": provenance(),
    }


def _run(comparison: Comparison, backend: str, model: Model, folder: str) -> dict:
    """Run scripts/rank.py and return its result. Raises LaunchFailed."""
    environment = {CHOSEN: folder, "NUMBA_NUM_THREADS": comparison.threads}
    if backend == "NEURON":
        environment["NEURON_INIT_MPI"] = 1
    arguments = [backend.lower(), *model.words]
    return launches.run_script(
        "rank.py", arguments, comparison.ranks, comparison.launcher, **environment
    )


def _rows(
    comparison: Comparison, model: Model, neuron: list[dict], ecsmpi: list[dict], first: dict
) -> list[Row]:
    """Rows of one model: memory of each rank, a later start and the first one, above NEURON's."""
    rows = []
    for rank in range(comparison.ranks):
        what = f"{model.name}: memory of rank {rank}"
        own = _median(neuron, "pss", rank) / 1e6
        taken = _median(ecsmpi, "pss", rank) / 1e6
        rows.append(_above(what, "MB", own, taken, model.megabytes))
    own = _median(neuron, "start_seconds")
    later = _median(ecsmpi, "start_seconds")
    rows.append(_above(f"{model.name}: later start", "s", own, later, LATER))
    rows.append(_above(f"{model.name}: first start", "s", own, first["start_seconds"], FIRST))
    return rows


def _median(results: list[dict], name: str, rank: int | None = None) -> float:
    return median(result[name] if rank is None else result[name][rank] for result in results)


def _above(what: str, unit: str, neuron: float, ecsmpi: float, goal: float) -> Row:
    """A row whose result is what ecsmpi takes above NEURON, which shall be small."""
    return Row(what, unit, neuron, ecsmpi, ecsmpi - neuron, goal, None, at_least=False)
