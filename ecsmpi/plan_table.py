"""The table of `ecsmpi plan`: for each number of nodes the best ranks x threads, and which of them to take."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from ecsmpi.planning import FLOOR_BYTES, Layout, Machine, Problem, memory, step_parts, step_seconds

WORTHWHILE = 0.7  # parallel efficiency below which more nodes are not recommended


@dataclass(frozen=True)
class Row:
    """One number of nodes: its best ranks x threads, and what they cost (bytes, seconds of a step)."""

    layout: Layout
    bytes_per_rank: float
    parts: dict[str, float]
    reduced: bool

    @property
    def seconds(self) -> float:
        """Seconds of a step."""
        return sum(self.parts.values())

    def efficiency(self, base: Row) -> float:
        """Speed-up over ``base`` for each of its nodes."""
        return base.seconds * base.layout.nodes / (self.seconds * self.layout.nodes)


def best_row(problem: Problem, nodes: int, machine: Machine) -> Row:
    """The fastest ranks x threads that fill the cores of ``nodes`` nodes, with a plane for each rank."""
    if nodes > problem.shape[0]:
        raise ValueError(f"{nodes} nodes are more than the box has planes along x, {problem.shape[0]}: use fewer")
    most = problem.shape[0] // nodes
    divisors = [ranks for ranks in range(1, machine.cores + 1) if machine.cores % ranks == 0 and ranks <= most]
    layouts = [Layout(nodes, ranks, machine.cores // ranks) for ranks in divisors]
    best = min(layouts, key=lambda layout: step_seconds(problem, layout, machine))
    size = sum(memory(problem, best).values())
    return Row(best, size, step_parts(problem, best, machine), problem.is_reduced(best.ranks))


def recommended(rows: list[Row]) -> Row:
    """The most nodes that are used well, of rows with ever more nodes."""
    return [row for row in rows if row.efficiency(rows[0]) >= WORTHWHILE][-1]


@dataclass(frozen=True)
class Found:
    """The machine the table is made for, and where its numbers are from."""

    machine: Machine
    measurements: list
    checked: list
    given: set


def describe(found):
    machine, measured = found.machine, found.measurements

    def origin(name=None):
        return "given" if name in found.given else "measured" if measured and name != "network" else "default"

    source = f"fitted to {len(measured)} records" if measured else "defaults; give --bench for this machine's own"
    yield f"the machine ({source})"
    yield f"  cores     {machine.cores} a node ({origin('cores_per_node')})"
    yield (f"  memory    {machine.core_bandwidth / 1e9:.3g} GB/s a core, {machine.node_bandwidth / 1e9:.3g} GB/s a node "
           f"({origin()}){_untested_cores(found)}")  # fmt: skip
    yield (f"  sweeps    {machine.compute * 1e9:.3g} ns a voxel and core, or {machine.traffic:.3g} bytes a voxel "
           f"(at least {FLOOR_BYTES}): the slower ({origin()})")  # fmt: skip
    yield f"  NEURON    {machine.neuron_segment * 1e9:.3g} ns a segment ({_neuron_origin(found)})"
    for name, figure in (("bandwidth", f"{machine.network_bandwidth / 1e9:.3g} GB/s a node"),
                         ("latency", f"{machine.network_latency * 1e6:.3g} us a message")):  # fmt: skip
        how = "given" if f"network_{name}" in found.given else f"default: give --network-{name}"
        yield f"  network   {figure} ({how})"
    yield f"  checked   {_checked(found)}"


def _untested_cores(found):
    """Bandwidth was measured with some cores; a node that has more may have more of it."""
    most = max((one.layout.cores for one in found.measurements), default=found.machine.cores)
    return "" if most == found.machine.cores else f", with {most} of {found.machine.cores} cores"


def _neuron_origin(found):
    if "neuron_ns" in found.given:
        return "given"
    if any(one.problem.segments for one in found.measurements):
        return "measured with the bench's segments: give --neuron-ns for your mechanisms"
    return "default: give --neuron-ns for your mechanisms"


def _checked(found):
    if not found.measurements:
        return "no: there are no records"
    if not found.checked:
        return "no: records of two or more rank counts are needed"
    each = ", ".join(f"{100 * max(one.errors):.0f} % on {one.label}" for one in found.checked)
    every = [error for one in found.checked for error in one.errors]
    return (f"fitted without one, its steps are predicted to {100 * median(every):.0f} % (median), "
            f"{100 * max(every):.0f} % at worst ({each})")  # fmt: skip


def table(rows, steps):
    yield (f"{'':>6}{'ranks x':>10}{'memory':>10}{'':>9}{'us of a step':^36}{'':>10}{'effi-':>8}")
    yield (f"{'nodes':>6}{'threads':>10}{'a rank':>10}{'a step':>9}{'sweeps':>9}{'planes':>9}{'exchange':>9}{'NEURON':>9}"
           f"{'in all':>10}{'ciency':>8}")  # fmt: skip
    for row in rows:
        layout = row.layout
        parts = "".join(f"{_us(seconds):>9}" for seconds in (row.seconds, *row.parts.values()))
        yield (f"{layout.nodes:>6}{f'{layout.ranks_per_node} x {layout.threads}':>10}{_bytes(row.bytes_per_rank):>10}"
               f"{parts}{_duration(row.seconds * steps):>10}{100 * row.efficiency(rows[0]):>6.0f} %"
               + ("  reduced system" if row.reduced else ""))  # fmt: skip
    yield "ranks x threads are those of a node, the fastest that fill its cores"
    if any(row.reduced for row in rows):
        yield "reduced system: slabs so thin that their interfaces are solved by all ranks together, not by neighbours"


def advice(rows, steps):
    best, fastest = recommended(rows), min(rows, key=lambda row: row.seconds)
    layout, base = best.layout, rows[0]
    yield (f"Recommended: {_of(layout.nodes, 'node')} with {_of(layout.ranks_per_node, 'rank')} of "
           f"{_of(layout.threads, 'thread')}: {_duration(best.seconds * steps)} in all, at an efficiency of "
           f"{100 * best.efficiency(base):.0f} % of that of {_of(base.layout.nodes, 'node')}.")  # fmt: skip
    if best is not rows[-1]:
        later = rows[rows.index(best) + 1]
        yield (f"With {_of(later.layout.nodes, 'node')} it would be {100 * later.efficiency(base):.0f} %, less than the "
               f"{100 * WORTHWHILE:.0f} % that are worth the nodes.")  # fmt: skip
    if len(rows) > 1:
        most = max(fastest.parts, key=fastest.parts.get)
        end = "Still faster at" if fastest is rows[-1] else "Scaling ends at"
        yield (f"{end} {_of(fastest.layout.nodes, 'node')}, where a step takes {_us(fastest.seconds)} us, most of it for "
               f"{most}.")  # fmt: skip


def _of(count, what):
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _us(seconds):
    return f"{seconds * 1e6:,.0f}" if seconds > 1e-5 else f"{seconds * 1e6:.2g}"


def _bytes(count):
    return f"{count / 1e9:.1f} GB" if count >= 9.995e8 else f"{count / 1e6:.0f} MB"


def _duration(seconds):
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
