"""The costs of this machine, fitted to records of `ecsmpi bench`, and how well the model fits.

The phases of a record divide its step as the model does, so each cost is fitted to the seconds that
it explains. Costs that the records cannot tell apart keep the proportions of the machine they start
from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ecsmpi.benchmarks import records
from ecsmpi.benchmarks.plan import step_model
from ecsmpi.benchmarks.plan.step_model import Layout, Machine, Workload
from ecsmpi.benchmarks.problem import BYTES_A_VOXEL, Problem
from ecsmpi.solver.timing import PHASES, SWEEPS

KINDS = ("kernel", "strong", "weak")  # of records that measure whole steps
PLANES = ("ghosts", "interfaces")
EXCHANGE = ("currents", "deposit", "collect", "segments")
CORES_OF_DOMAIN = 16
TRUST = 0.01  # noise of a measured step over doubt about a default, both relative


@dataclass(frozen=True)
class Measurement:
    """A measured step, from one record.

    Attributes
    ----------
    work
        What the step worked on.
    layout
        Ranks and threads.
    dt
        Time step, ms.
    seconds
        Seconds of the step.
    phases
        Seconds of each of ecsmpi's phases, the mean over ranks.
    copy
        Bytes a second that the cores in use copied, on a node.
    cores
        Cores of a node.
    domains, memory
        NUMA domains and bytes of a node; 0 in records that do not have them.
    """

    work: Workload
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
        """The measurement in a record of `ecsmpi bench`.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is not such a record.
        """
        if record.get("varies"):
            raise ValueError("plans are for uniform tissue, and here it varies")
        nodes = record["nodes"]
        layout = Layout(nodes, -(-record["ranks"] // nodes), record["threads"])
        shape = tuple(record["shape"])
        species, segments = record["species"], record["segments"]
        problem = Problem(shape, species, segments, record["dt"], record["dx"])
        seconds = float(record["step_seconds"])
        copy = float(record["copy_bytes_per_second"])
        if not (seconds > 0 and copy > 0):
            raise ValueError(
                f"step_seconds and copy_bytes_per_second must be > 0, got {seconds} and {copy}"
            )
        phases = {name: float(record["phases"].get(name, 0.0)) for name in PHASES}
        machine = record["provenance"]
        return cls(
            work=Workload(shape, species, segments, problem.r),
            layout=layout,
            dt=problem.dt,
            seconds=seconds,
            phases=phases,
            copy=copy / nodes,
            # "cores" are the rank's own, and a bound rank sees fewer than the node has
            cores=int(machine.get("node_cores") or machine["cores"]),
            domains=int(machine.get("numa_domains") or 0),
            memory=float(machine.get("memory_bytes") or 0),
        )

    @property
    def is_crowded(self) -> bool:
        """Whether threads shared cores: such a step shows how threads wait, not what work costs."""
        return self.layout.cores > self.cores

    def spent(self, phases: Iterable[str]) -> float:
        """Seconds of a step spent in some phases."""
        return sum(self.phases[name] for name in phases)


def read_measurements(path: Path) -> list[Measurement]:
    """Read the measurements of whole steps in a file of records.

    Raises
    ------
    ValueError
        A record is wrong; the message names it.
    """
    found = []
    for number, record in enumerate(records.read(path), 1):
        if record["kind"] not in KINDS:
            continue
        try:
            found.append(Measurement.from_record(record))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else error
            which = f"{path}, record {number}"
            raise ValueError(f"{which}, was not written by ecsmpi bench: {what}") from None
    return found


def calibrated(measurements: list[Measurement], start: Machine) -> Machine:
    """The machine ``start`` with the costs that the measurements show.

    The network between nodes stays as it was.
    """
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
    one_node = [one for one in measurements if one.layout.nodes == 1]
    several_ranks = [one for one in one_node if one.layout.ranks > 1]
    machine = _fit(
        machine,
        ("message", "plane_byte"),
        several_ranks,
        _plane_counts,
        lambda one: one.spent(PLANES),
    )
    machine = _fit(
        machine,
        ("coupling_step", "coupling_message", "entry"),
        one_node,
        _exchange_counts,
        lambda one: one.spent(EXCHANGE),
    )
    return _fit(
        machine,
        ("neuron_step", "neuron_segment"),
        measurements,
        _neuron_counts,
        lambda one: one.seconds - one.spent(PHASES),
    )


def guessed_domains(cores: int) -> int:
    """A guess of the NUMA domains of a node, from its cores."""
    return max(1, cores // CORES_OF_DOMAIN)


def _domains(measurements: list[Measurement]) -> int:
    measured = max(one.domains for one in measurements)
    return measured or guessed_domains(max(one.cores for one in measurements))


def _plane_counts(one: Measurement) -> Sequence[float]:
    return step_model.plane_messages(one.work, one.layout)[:2]


def _exchange_counts(one: Measurement) -> Sequence[float]:
    entries = one.work.species * one.work.segments / one.layout.ranks
    near, _ = step_model.coupling_messages(one.work, one.layout)
    return 1, near, entries


def _neuron_counts(one: Measurement) -> Sequence[float]:
    return 1, one.work.segments / one.layout.ranks


def _fit(
    machine: Machine,
    names: tuple[str, ...],
    measurements: list[Measurement],
    counts: Callable[[Measurement], Sequence[float]],
    seconds: Callable[[Measurement], float],
) -> Machine:
    """Fit some costs of a machine, so that costs times counts are the seconds of measurements.

    Parameters
    ----------
    machine
        The machine with the costs before.
    names
        The costs to fit.
    measurements
        What they are fitted to.
    counts
        Function of a measurement: how often it pays each of the costs.
    seconds
        Function of a measurement: what it paid for them together.
    """
    prior = np.array([getattr(machine, name) for name in names])
    table = np.zeros((len(measurements), len(names)))
    spent = np.zeros(len(measurements))
    steps = np.zeros(len(measurements))
    for row, one in enumerate(measurements):
        table[row] = counts(one)
        spent[row] = seconds(one)
        steps[row] = one.seconds
    costs = prior * _factors(table * prior / steps[:, None], spent / steps)
    fitted: dict[str, Any] = dict(zip(names, map(float, costs)))
    return replace(machine, **fitted)


def _factors(table: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Factors f >= 0 of the priors: the least of |table f - target|^2 + TRUST^2 |f - 1|^2."""
    factors = np.zeros(table.shape[1])
    free = np.ones(table.shape[1], dtype=bool)
    while free.any():
        rows = np.vstack([table[:, free], TRUST * np.eye(free.sum())])
        values = np.concatenate([target, np.full(free.sum(), TRUST)])
        best = np.linalg.lstsq(rows, values, rcond=None)[0]
        if best.min() >= 0:
            factors[free] = best
            break
        free[np.flatnonzero(free)[best.argmin()]] = False
    return factors


def _fit_sweeps(measurements: list[Measurement], machine: Machine) -> Machine:
    """Fit traffic and compute of the sweeps.

    Steps are bound by memory or by the cores. More cores on the same memory are bound by memory
    sooner, so measurements are sorted by that and split in two: the split that explains them best
    is taken.
    """
    sweeping = [one for one in measurements if one.spent(SWEEPS) > 0]
    if not sweeping:
        return machine
    sweeping.sort(key=lambda one: one.layout.cores / machine.bandwidth(one.layout.cores))
    per_update = np.zeros(len(sweeping))
    cores = np.zeros(len(sweeping))
    bandwidth = np.zeros(len(sweeping))
    for row, one in enumerate(sweeping):
        per_update[row] = one.spent(SWEEPS) / step_model.node_updates(one.work, one.layout)
        cores[row] = step_model.busy_cores(one.work, one.layout)
        bandwidth[row] = machine.bandwidth(one.layout.cores)
    best = None
    least = np.inf
    for split in range(len(sweeping), -1, -1):  # where both explain the same, compute bounds
        compute, traffic = _two_bounds(per_update * cores, per_update * bandwidth, split, machine)
        predicted = np.maximum(compute / cores, traffic / bandwidth)
        misfit = round(float(np.sum(np.log(predicted / per_update) ** 2)), 12)
        if best is None or misfit < least:
            best = compute, traffic
            least = misfit
    assert best is not None
    return replace(machine, compute=float(best[0]), traffic=float(best[1]))


def _two_bounds(
    core_seconds: np.ndarray, bytes_moved: np.ndarray, split: int, machine: Machine
) -> tuple[float, float]:
    """Compute of the first ``split`` measurements, and traffic of the rest.

    A bound that no measurement shows is below all of them.
    """
    compute = _typical(core_seconds[:split], min(machine.compute, core_seconds.min()))
    traffic = _typical(bytes_moved[split:], min(machine.traffic, bytes_moved.min()))
    return compute, max(traffic, BYTES_A_VOXEL)


def _typical(values: np.ndarray, otherwise: float) -> float:
    """The geometric mean, if there are values."""
    return np.exp(np.log(values).mean()) if values.size else otherwise


def model_record(work: Workload, layout: Layout, dt: float, machine: Machine) -> dict:
    """A predicted step as a record of kind "model"; its phases are the model's parts."""
    parts = step_model.step_parts(work, layout, machine)
    seconds = sum(parts.values())
    return {
        "kind": "model",
        "ranks": layout.ranks,
        "threads": layout.threads,
        "nodes": layout.nodes,
        "shape": list(work.shape),
        "species": work.species,
        "segments": work.segments,
        "dt": dt,
        "r": work.r,
        "step_seconds": seconds,
        "step_seconds_interval": [seconds, seconds],
        "repetitions": 0,
        "phases": parts,
        "phases_max": parts,
        "copy_bytes_per_second": layout.nodes * machine.bandwidth(layout.cores),
    }
