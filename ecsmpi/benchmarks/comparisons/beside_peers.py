"""A step of ecsmpi beside steps of other solvers, each in processes of its own, in turn."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks import peers
from ecsmpi.benchmarks.comparisons import limited
from ecsmpi.benchmarks.peers.catalogue import NAMES, PEERS, Peer
from ecsmpi.benchmarks.peers.cosine_modes import half_waves
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import of_problem, provenance
from ecsmpi.benchmarks.repetition import median_interval

SCRIPT = Path(peers.__file__).parent / "measure.py"
ACCURACY_EDGE = 32  # voxels along an edge of the box in which the order is measured
OURS = PEERS[0]
ENVIRONMENT = {"DEVITO_LOGGING": "ERROR", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how often.

    Attributes
    ----------
    edges
        Voxels along each edge of the boxes.
    rs
        Values of D dt / h**2.
    names
        Names of the solvers, as `catalogue.PEERS` has them.
    wavelength
        Length of the wave whose error is measured, voxels.
    rounds
        Runs of each process, in turn.
    repetitions
        Repetitions in a run.
    seconds
        How long a repetition lasts, about.
    limit
        Seconds that a process may take.
    interpreters
        Further Python interpreters, for solvers that this one lacks.
    """

    edges: tuple[int, ...] = (64, 128)
    rs: tuple[float, ...] = (0.1, 0.01)
    names: tuple[str, ...] = NAMES
    wavelength: float = 8
    rounds: int = 3
    repetitions: int = 5
    seconds: float = 0.4
    limit: float = 600
    interpreters: tuple[str, ...] = ()

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The solvers; ecsmpi is always the first."""
        return tuple(peer for peer in PEERS if peer is OURS or peer.name in self.names)


@dataclass(frozen=True)
class Row:
    """What was measured of one solver in one box; None where it was not.

    Attributes
    ----------
    name, method, version
        The solver, its scheme and its version.
    nanoseconds
        Processor time of a step and voxel: median of the rounds.
    nanoseconds_range
        Least and largest median of a round.
    times_ours
        How many times as long as ecsmpi's step: median over the rounds.
    step_error
        Of one step of the wave, against the exact decay in time.
    order
        The order in time as it was observed; None where the errors are round-off.
    order_of_scheme
        The order that the scheme has; None where a step is exact in time.
    end_errors
        Errors at the same end time, with the time step and with half of it.
    space_error
        What the differences in space add to the error of a step.
    from_scheme
        How far a step is from that of the solver's scheme.
    bytes
        Resident memory of the process, with all that it has imported and compiled.
    processors
        Processors that the steps kept busy; less than 1 where other processes had some of it.
    right
        Whether a step is the one of the solver's scheme.
    note
        Why something was not measured.
    """

    name: str
    method: str
    version: str = ""
    nanoseconds: float | None = None
    nanoseconds_range: tuple[float, float] | None = None
    times_ours: float | None = None
    step_error: float | None = None
    order: float | None = None
    order_of_scheme: int | None = None
    end_errors: tuple[float, float] | None = None
    space_error: float | None = None
    from_scheme: float | None = None
    bytes: float | None = None
    processors: float | None = None
    right: bool | None = None
    note: str = ""


def compare(comparison: Comparison, say: Callable[[str], None]) -> Iterator[dict]:
    """Run all processes of a comparison; a record for each box and r, once it is there.

    Parameters
    ----------
    comparison
        What is compared.
    say
        Called with a line of text before each process.
    """
    for r in comparison.rs:
        accuracy = _Accuracy(comparison, r, say)
        for edge in comparison.edges:
            yield _record(comparison, accuracy, edge, say)


class _Accuracy:
    """Errors of all solvers for one r, and by which interpreter each of them runs."""

    def __init__(self, comparison: Comparison, r: float, say: Callable[[str], None]):
        self.r = r
        self.notes: dict[str, str] = {}  # {name: why it is not measured}
        self.found: dict[str, dict] = {}
        self.interpreters: dict[str, str] = {}
        for peer in comparison.peers:
            if r > peer.largest_r:
                self.notes[peer.name] = f"not stable above r = {peer.largest_r:.3g}"
                continue
            say(f"r = {r:g}, accuracy: {peer.name}")
            self._measure(comparison, peer)

    def _measure(self, comparison: Comparison, peer: Peer) -> None:
        told = ""
        for interpreter in (sys.executable, *comparison.interpreters):
            found = _run(comparison, interpreter, "accuracy", peer, ACCURACY_EDGE, self.r)
            told = told or found.get("missing", "")
            if "missing" not in found:
                break
        if "missing" in found:
            self.notes[peer.name] = told or f"not installed: {peer.install}"
        elif "failed" in found:
            self.notes[peer.name] = found["failed"]
        else:
            self.found[peer.name] = found
            self.interpreters[peer.name] = interpreter


def _record(
    comparison: Comparison, accuracy: _Accuracy, edge: int, say: Callable[[str], None]
) -> dict:
    """Time all solvers in one box, in turn, and make the record."""
    notes = dict(accuracy.notes)
    runs = defaultdict(list)
    for round_ in range(1, comparison.rounds + 1):
        for peer in comparison.peers:
            if peer.name in notes:
                continue
            say(
                f"{edge}^3 voxels, r = {accuracy.r:g}, "
                f"round {round_} of {comparison.rounds}: {peer.name}"
            )
            interpreter = accuracy.interpreters[peer.name]
            found = _run(comparison, interpreter, "time", peer, edge, accuracy.r)
            if "failed" in found:
                notes[peer.name] = found["failed"]
            else:
                runs[peer.name].append(found)
    rows = []
    for peer in comparison.peers:
        rows.append(_row(peer, edge, accuracy.found.get(peer.name), runs, notes))
    problem = Problem((edge,) * 3, dt=accuracy.r, dx=1.0)
    return {
        "kind": "peers",
        "ranks": 1,
        "threads": 1,
        "nodes": 1,
        **of_problem(problem),
        **_of_our_steps(runs[OURS.name]),
        "r": accuracy.r,
        "wavelength": comparison.wavelength,
        "rounds": comparison.rounds,
        "rows": [asdict(row) for row in rows],
        "runs": dict(runs),
        "provenance": provenance(),
    }


def _of_our_steps(runs: list[dict]) -> dict:
    """Entries that each record has: of ecsmpi's step."""
    steps = []
    for run in runs:
        steps += run["step_seconds"]
    entries = {"repetitions": len(steps), "step_times": steps, "phases": {}, "phases_max": {}}
    if not steps:
        return entries | {"step_seconds": None, "step_seconds_interval": None}
    interval = list(median_interval(steps))
    return entries | {"step_seconds": median(steps), "step_seconds_interval": interval}


def _row(peer: Peer, edge: int, accuracy: dict | None, runs: dict, notes: dict) -> Row:
    """The row of one solver, with what could be measured."""
    note = notes.get(peer.name, "")
    if accuracy is None:
        return Row(peer.name, peer.method, note=note)
    entries = {
        "version": accuracy["version"],
        "order": accuracy["order"],
        "order_of_scheme": peer.order,
        "end_errors": tuple(accuracy["end_errors"]),
        "note": note,
    }
    measured = [accuracy, *runs[peer.name]]
    from_scheme = max(found["from_scheme"] for found in measured)
    entries["from_scheme"] = from_scheme
    entries["right"] = from_scheme <= peer.off
    entries["step_error"] = measured[-1]["step_error"]
    entries["space_error"] = measured[-1]["space_error"]
    if runs[peer.name]:
        entries |= _of_times(runs[peer.name], runs[OURS.name], edge)
    return Row(peer.name, peer.method, **entries)


def _of_times(runs: list[dict], ours: list[dict], edge: int) -> dict:
    """Entries of a row from its runs of each round, and ecsmpi's."""
    seconds = [median(run["step_seconds"]) for run in runs]
    ratios = []
    for own, run in zip(ours, seconds):
        ratios.append(run / median(own["step_seconds"]))
    to_nanoseconds = 1e9 / edge**3
    return {
        "nanoseconds": to_nanoseconds * median(seconds),
        "nanoseconds_range": (to_nanoseconds * min(seconds), to_nanoseconds * max(seconds)),
        "times_ours": median(ratios) if ratios else None,
        "bytes": median(run["bytes"] for run in runs),
        "processors": median(run["processors"] for run in runs),
    }


def _run(
    comparison: Comparison,
    interpreter: str,
    task: str,
    peer: Peer,
    edge: int,
    r: float,
) -> dict:
    """Run the script for one solver and return what it printed, or why it failed."""
    settings = {
        "module": peer.module,
        "arguments": peer.arguments,
        "package": peer.package,
        "distribution": peer.distribution,
        "scheme": peer.scheme,
        "edge": edge,
        "r": r,
        "half_waves": half_waves(edge, comparison.wavelength),
        "seconds": comparison.seconds,
        "repetitions": comparison.repetitions,
    }
    words = [str(SCRIPT), task, json.dumps(settings)]
    return limited.run(interpreter, words, comparison.limit, ENVIRONMENT)
