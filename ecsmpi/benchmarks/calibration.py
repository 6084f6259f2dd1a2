"""What things cost on this machine, from the records of `ecsmpi bench`, and how far the model is
off.

A record's phases part its step as the model does, so each cost is fitted to the seconds it
explains. Costs that the records cannot tell apart keep the proportions of the machine they start
from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from ecsmpi.benchmarks import planning, records
from ecsmpi.benchmarks import problem as benchmark
from ecsmpi.benchmarks.planning import FLOOR_BYTES, Layout, Machine, Problem
from ecsmpi.solver.timing import PHASES

KINDS = ("kernel", "strong", "weak")  # of records that measure whole steps
SWEEPS, PLANES = ("up", "down"), ("ghosts", "interfaces")
EXCHANGE = ("currents", "deposit", "collect", "segments")
CORES_OF_DOMAIN = 16
TRUST = 0.01  # noise of a measured step over doubt about a default, both relative


@dataclass(frozen=True)
class Measurement:
    """One record: its steps took ``seconds`` each, of which ``phases`` (seconds, mean over ranks)
    in ecsmpi.

    copy: bytes a second that the cores in use copied, on a node. cores: of a node. dt: ms. domains,
    memory: NUMA domains and bytes of a node, 0 in records that do not say.
    """

    problem: Problem
    layout: Layout
    dt: float
    seconds: float
    phases: dict[str, float]
    copy: float
    cores: int
    domains: int = 0
    memory: float = 0.0

    @classmethod
    def from_record(cls, record: dict) -> Measurement:
        """From a record of `ecsmpi bench`. Raises KeyError, TypeError or ValueError where it is
        none.
        """
        nodes = record["nodes"]
        layout = Layout(nodes, -(-record["ranks"] // nodes), record["threads"])
        sizes = tuple(record["shape"]), record["species"], record["segments"]
        measured = benchmark.Problem(*sizes, record["dt"], record["dx"])
        seconds, copy = float(record["step_seconds"]), float(record["copy_bytes_per_second"])
        if not (seconds > 0 and copy > 0):
            raise ValueError(
                f"step_seconds and copy_bytes_per_second must be > 0, got {seconds} and {copy}"
            )
        phases = {name: float(record["phases"].get(name, 0.0)) for name in PHASES}
        seen = record["provenance"]
        cores = int(
            seen.get("node_cores") or seen["cores"]
        )  # a bound rank sees fewer than there are
        node = cores, int(seen.get("numa_domains") or 0), float(seen.get("memory_bytes") or 0)
        return cls(
            Problem(*sizes, measured.r), layout, measured.dt, seconds, phases, copy / nodes, *node
        )

    @property
    def is_crowded(self) -> bool:
        """Whether threads shared cores: such a step says how threads wait, not what work costs."""
        return self.layout.cores > self.cores

    def spent(self, phases) -> float:
        """Seconds of a step spent in some phases."""
        return sum(self.phases[name] for name in phases)


def read_measurements(path: Path) -> list[Measurement]:
    """The measurements of whole steps in a file of records. Raises ValueError naming a wrong one."""
    found = []
    for number, record in enumerate(records.read(path), 1):
        if record["kind"] in KINDS:
            try:
                found.append(Measurement.from_record(record))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                what = f"it has no {error}" if isinstance(error, KeyError) else error
                which = f"{path}, record {number}"
                raise ValueError(f"{which}, was not written by ecsmpi bench: {what}") from None
    return found


def calibrated(measurements: list[Measurement], start: Machine) -> Machine:
    """``start`` with the costs that the measurements show; the network between nodes stays."""
    few = min(one.layout.cores for one in measurements)
    per_core = median(one.copy / few for one in measurements if one.layout.cores == few)
    machine = replace(
        start,
        cores=max(one.cores for one in measurements),
        domains=_domains(measurements),
        memory=min(one.memory for one in measurements),
        core_bandwidth=per_core,
        node_bandwidth=max(one.copy for one in measurements),
    )
    machine = _fit_sweeps(measurements, machine)
    alone = [one for one in measurements if one.layout.nodes == 1]
    several = [one for one in alone if one.layout.ranks > 1]
    machine = _fit(
        machine, ("message", "plane_byte"), several, _plane_counts, lambda one: one.spent(PLANES)
    )
    coupling = ("coupling_step", "coupling_message", "entry")
    machine = _fit(machine, coupling, alone, _exchange_counts, lambda one: one.spent(EXCHANGE))
    own = ("neuron_step", "neuron_segment")
    return _fit(
        machine, own, measurements, _neuron_counts, lambda one: one.seconds - one.spent(PHASES)
    )


def guessed_domains(cores: int) -> int:
    """NUMA domains of a node of so many cores, where nobody says."""
    return max(1, cores // CORES_OF_DOMAIN)


def _domains(measurements: list[Measurement]) -> int:
    return max(one.domains for one in measurements) or guessed_domains(
        max(one.cores for one in measurements)
    )


def _plane_counts(one: Measurement):
    return planning.plane_messages(one.problem, one.layout)[:2]


def _exchange_counts(one: Measurement):
    entries = one.problem.species * one.problem.segments / one.layout.ranks
    return 1, planning.coupling_messages(one.problem, one.layout)[0], entries


def _neuron_counts(one: Measurement):
    return 1, one.problem.segments / one.layout.ranks


def _fit(machine: Machine, names, measurements, counts, seconds) -> Machine:
    """The machine whose costs ``names``, times their counts, are the seconds of the measurements."""
    prior = np.array([getattr(machine, name) for name in names])
    table = np.array([counts(one) for one in measurements], dtype=float).reshape(-1, len(names))
    spent = np.array([seconds(one) for one in measurements])
    steps = np.array([one.seconds for one in measurements])
    costs = prior * _factors(table * prior / steps[:, None], spent / steps)
    return replace(machine, **dict(zip(names, map(float, costs))))


def _factors(table: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Factors f >= 0 of the priors: the least of |table f - target|^2 + TRUST^2 |f - 1|^2."""
    factors = np.zeros(table.shape[1])
    free = np.ones(table.shape[1], dtype=bool)
    while free.any():
        rows = np.vstack([table[:, free], TRUST * np.eye(free.sum())])
        best = np.linalg.lstsq(
            rows, np.concatenate([target, np.full(free.sum(), TRUST)]), rcond=None
        )[0]
        if best.min() >= 0:
            factors[free] = best
            break
        free[np.flatnonzero(free)[best.argmin()]] = False
    return factors


def _fit_sweeps(measurements: list[Measurement], machine: Machine) -> Machine:
    """traffic and compute of the sweeps, by the split into steps bound by either that explains them
    best.

    More cores on the same memory are bound by memory sooner, so the measurements are split in that
    order.
    """
    order = sorted(
        measurements, key=lambda one: one.layout.cores / machine.bandwidth(one.layout.cores)
    )
    order = [one for one in order if one.spent(SWEEPS) > 0]
    if not order:
        return machine
    updates = np.array([planning.node_updates(one.problem, one.layout) for one in order])
    per_update = np.array([one.spent(SWEEPS) for one in order]) / updates
    cores = np.array([planning.busy_cores(one.problem, one.layout) for one in order])
    bandwidth = np.array([machine.bandwidth(one.layout.cores) for one in order])
    splits = range(len(order), -1, -1)  # where both explain the same, compute bounds
    fits = [
        _two_bounds(per_update * cores, per_update * bandwidth, split, machine) for split in splits
    ]

    def misfit(fit):
        return float(
            np.sum(np.log(np.maximum(fit[0] / cores, fit[1] / bandwidth) / per_update) ** 2)
        )

    compute, traffic = min(fits, key=lambda fit: round(misfit(fit), 12))
    return replace(machine, compute=float(compute), traffic=float(traffic))


def _two_bounds(core_seconds, bytes_moved, split, machine):
    """compute of the first ``split`` measurements and traffic of the rest; what none shows is below
    all.
    """
    compute = _typical(core_seconds[:split], min(machine.compute, core_seconds.min()))
    traffic = _typical(bytes_moved[split:], min(machine.traffic, bytes_moved.min()))
    return compute, max(traffic, FLOOR_BYTES)


def _typical(values, otherwise):
    """The geometric mean, if there are values."""
    return np.exp(np.log(values).mean()) if values.size else otherwise


@dataclass(frozen=True)
class LeftOut:
    """|predicted / measured - 1| of the steps on some ranks (or threads), predicted from all
    others.
    """

    label: str
    errors: tuple[float, ...]


def leave_out(measurements: list[Measurement], start: Machine) -> list[LeftOut]:
    """The model checked on each rank count after a fit to the others; on threads if there is one
    rank count.

    Empty if there is one thread count too: nothing can be left out.
    """
    for name, key in (
        ("ranks", lambda one: one.layout.ranks),
        ("threads", lambda one: one.layout.threads),
    ):
        values = sorted({key(one) for one in measurements})
        if len(values) > 1:
            break
    else:
        return []
    found = []
    for value in values:
        machine = calibrated([one for one in measurements if key(one) != value], start)
        errors = tuple(error_of(one, machine) for one in measurements if key(one) == value)
        found.append(LeftOut(f"{value} {name if value > 1 else name[:-1]}", errors))
    return found


def error_of(one: Measurement, machine: Machine) -> float:
    """|predicted / measured - 1| of a step."""
    return abs(planning.step_seconds(one.problem, one.layout, machine) / one.seconds - 1)


def model_record(problem: Problem, layout: Layout, dt: float, machine: Machine) -> dict:
    """A step of the model as a record of kind "model"; its phases are the model's parts."""
    parts = planning.step_parts(problem, layout, machine)
    seconds = sum(parts.values())
    return {
        "kind": "model",
        "ranks": layout.ranks,
        "threads": layout.threads,
        "nodes": layout.nodes,
        "shape": list(problem.shape),
        "species": problem.species,
        "segments": problem.segments,
        "dt": dt,
        "r": problem.r,
        "step_seconds": seconds,
        "step_seconds_interval": [seconds, seconds],
        "repetitions": 0,
        "phases": parts,
        "phases_max": parts,
        "copy_bytes_per_second": layout.nodes * machine.bandwidth(layout.cores),
    }
