"""The table of `ecsmpi plan`: for each number of nodes the best ranks x threads, and which to take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from ecsmpi.benchmarks.calibration import LeftOut, Measurement
from ecsmpi.benchmarks.planning import (
    FLOOR_BYTES,
    Layout,
    Machine,
    Problem,
    memory,
    step_parts,
    step_seconds,
)

WORTHWHILE = 0.7  # parallel efficiency below which more nodes are not recommended
ALIKE = 1.1  # times the fastest step: as fast, as far as the model can tell


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

    @property
    def bytes_per_node(self) -> float:
        """Bytes of all ranks of a node."""
        return self.bytes_per_rank * self.layout.ranks_per_node

    def fits(self, machine: Machine) -> bool:
        """Whether a node has that much memory; True where it is not known how much it has."""
        return not machine.memory or self.bytes_per_node <= machine.memory

    def efficiency(self, base: Row) -> float:
        """Speed-up over ``base`` for each of its nodes."""
        return base.seconds * base.layout.nodes / (self.seconds * self.layout.nodes)


def best_row(problem: Problem, nodes: int, machine: Machine, frames: bool = True) -> Row:
    """The ranks x threads that fill the cores of ``nodes`` nodes, with a plane for each rank: of
    the fastest the fewest ranks.

    A rank stays in a NUMA domain where there are planes enough: its threads then have its slab in
    memory of their own.
    frames: whether the run writes whole frames.
    """
    if nodes > problem.shape[0]:
        planes = problem.shape[0]
        raise ValueError(
            f"{nodes} nodes are more than the box has planes along x, {planes}: use fewer"
        )
    most = min(machine.cores, problem.shape[0] // nodes)
    divisors = [ranks for ranks in range(1, most + 1) if machine.cores % ranks == 0]
    inside = [ranks for ranks in divisors if ranks % machine.domains == 0]
    layouts = [Layout(nodes, ranks, machine.cores // ranks) for ranks in inside or divisors[-1:]]
    seconds = [step_seconds(problem, layout, machine) for layout in layouts]
    best = next(layout for layout, each in zip(layouts, seconds) if each <= ALIKE * min(seconds))
    size = sum(memory(problem, best, frames).values())
    return Row(best, size, step_parts(problem, best, machine), problem.is_reduced(best.ranks))


def recommended(rows: list[Row]) -> Row:
    """The most nodes that are used well, of rows with ever more nodes."""
    return [row for row in rows if row.efficiency(rows[0]) >= WORTHWHILE][-1]


@dataclass(frozen=True)
class Found:
    """The machine the table is made for, and where its numbers are from.

    crowded: records not used, because threads shared cores. given: names of what the user gave.
    """

    machine: Machine
    measurements: list[Measurement]
    crowded: int
    checked: list[LeftOut]
    given: set[str]


def describe(found: Found) -> Iterator[str]:
    """Lines: what the machine costs, where each number is from, and how well the model is known to
    fit.
    """
    machine, measured = found.machine, found.measurements
    origin = "measured" if measured else "default"
    source = (
        f"fitted to {_of(len(measured), 'record')}"
        if measured
        else "defaults; give --bench for its own"
    )
    left = f"; {found.crowded} not used: more threads than cores" if found.crowded else ""
    yield f"the machine ({source}{left})"
    yield f"  cores     {machine.cores} a node ({_given(found, 'cores_per_node', origin)})"
    yield f"  NUMA      {_of(machine.domains, 'domain')} a node ({_given(found, 'numa_domains', _domains_origin(found))})"
    if machine.memory:
        yield f"  memory    {_bytes(machine.memory)} a node ({_given(found, 'memory_per_node', origin)})"
    else:
        yield "  memory    of a node is not known: give --memory-per-node"
    core, node = machine.core_bandwidth / 1e9, machine.node_bandwidth / 1e9
    yield f"  bandwidth {core:.3g} GB/s a core, {node:.3g} GB/s a node ({origin}{_untested_cores(found)})"
    yield (
        f"  sweeps    {machine.compute * 1e9:.3g} ns a voxel and core, or {machine.traffic:.3g} bytes "
        f"a voxel (at least {FLOOR_BYTES}): the slower ({origin})"
    )
    neuron = _given(found, "neuron_ns", _neuron_origin(found))
    yield f"  NEURON    {machine.neuron_segment * 1e9:.3g} ns a segment ({neuron})"
    network = {
        "bandwidth": f"{machine.network_bandwidth / 1e9:.3g} GB/s a node",
        "latency": f"{machine.network_latency * 1e6:.3g} us a message",
    }
    for name, figure in network.items():
        yield f"  network   {figure} ({_given(found, f'network_{name}', f'default: give --network-{name}')})"
    yield f"  checked   {_checked(found)}"


def _given(found, name, otherwise):
    return "given" if name in found.given else otherwise


def _untested_cores(found):
    """Bandwidth was measured with some cores; a node that has more may have more of it."""
    most = max((one.layout.cores for one in found.measurements), default=found.machine.cores)
    return "" if most == found.machine.cores else f", with {most} of {found.machine.cores} cores"


def _domains_origin(found):
    return (
        "measured"
        if any(one.domains for one in found.measurements)
        else "a guess: give --numa-domains, as lscpu says"
    )


def _neuron_origin(found):
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
    return (
        f"fitted without one, its steps are predicted to {100 * median(every):.0f} % (median), "
        f"{100 * max(every):.0f} % at worst ({each})"
    )


def table(rows: list[Row], steps: int) -> Iterator[str]:
    """Lines: a head, one for each row, what they mean."""
    yield f"{'':>6}{'ranks x':>10}{'memory':>10}{'':>9}{'us of a step':^36}{'':>10}{'effi-':>8}"
    names = "".join(f"{name:>9}" for name in ("a step", *rows[0].parts))
    yield f"{'nodes':>6}{'threads':>10}{'a rank':>10}{names}{'in all':>10}{'ciency':>8}"
    for row in rows:
        shape = f"{row.layout.ranks_per_node} x {row.layout.threads}"
        parts = "".join(f"{_us(seconds):>9}" for seconds in (row.seconds, *row.parts.values()))
        whole, efficiency = _duration(row.seconds * steps), 100 * row.efficiency(rows[0])
        note = "  reduced system" if row.reduced else ""
        yield (
            f"{row.layout.nodes:>6}{shape:>10}{_bytes(row.bytes_per_rank):>10}{parts}{whole:>10}"
            f"{efficiency:>6.0f} %{note}"
        )
    yield "ranks x threads are those of a node that fill its cores, each rank in one NUMA domain: of the fastest the fewest ranks"
    if any(row.reduced for row in rows):
        yield "reduced system: slabs too thin for neighbours to settle their interface; all ranks do together"


def too_large(rows: list[Row], machine: Machine) -> Iterator[str]:
    """Lines: which numbers of nodes have too little memory."""
    large = [row for row in rows if not row.fits(machine)]
    if large:
        nodes = ", ".join(str(row.layout.nodes) for row in large)
        most = large[-1]
        yield (
            f"Too little memory on {nodes} {'node' if nodes == '1' else 'nodes'}: each would need {_bytes(most.bytes_per_node)}"
            f"{' or more' if len(large) > 1 else ''} and has {_bytes(machine.memory)}."
        )


def advice(rows: list[Row], steps: int) -> Iterator[str]:
    """Lines: what to take and why, and where scaling ends."""
    best, fastest, base = recommended(rows), min(rows, key=lambda row: row.seconds), rows[0]
    layout, first = best.layout, _of(base.layout.nodes, "node")
    ranks, threads = _of(layout.ranks_per_node, "rank"), _of(layout.threads, "thread")
    whole = _duration(best.seconds * steps)
    yield f"Recommended: {_of(layout.nodes, 'node')} with {ranks} of {threads}: {whole} in all."
    if best is not base:
        yield f"Their efficiency is {100 * best.efficiency(base):.0f} % of that of {first}."
    if best is not rows[-1]:
        later = rows[rows.index(best) + 1]
        nodes, efficiency = _of(later.layout.nodes, "node"), 100 * later.efficiency(base)
        least = 100 * WORTHWHILE
        yield f"That of {nodes} would be {efficiency:.0f} %, less than the {least:.0f} % worth having."
    if len(rows) > 1:
        end = "It is still faster on" if fastest is rows[-1] else "Scaling ends at"
        nodes, most = _of(fastest.layout.nodes, "node"), max(fastest.parts, key=fastest.parts.get)
        yield f"{end} {nodes}, where a step takes {_us(fastest.seconds)} us, most of it for {most}."


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
