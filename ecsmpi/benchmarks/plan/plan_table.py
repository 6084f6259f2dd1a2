"""The table of `ecsmpi plan`: the best ranks x threads for each number of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from ecsmpi.benchmarks.plan.calibration import Measurement
from ecsmpi.benchmarks.plan.columns import aligned
from ecsmpi.benchmarks.plan.cross_validation import LeftOut
from ecsmpi.benchmarks.plan.step_model import (
    Layout,
    Machine,
    Workload,
    memory,
    step_parts,
    step_seconds,
)
from ecsmpi.benchmarks.problem import BYTES_A_VOXEL

WORTHWHILE = 0.7  # parallel efficiency below which more nodes are not recommended
ALIKE = 1.1  # times the fastest step: as fast, as far as the model can tell


@dataclass(frozen=True)
class Row:
    """One number of nodes with its best ranks x threads.

    Attributes
    ----------
    layout
        Nodes, ranks and threads.
    bytes_per_rank
        Memory of the rank with the thickest slab, bytes.
    parts
        Seconds of a step's parts.
    reduced
        Whether the slabs meet in a reduced system.
    """

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
        """Whether a node has that much memory; True where its memory is not known."""
        return not machine.memory or self.bytes_per_node <= machine.memory

    def efficiency(self, base: Row) -> float:
        """Parallel efficiency: speed-up over ``base`` for each of its nodes."""
        return base.seconds * base.layout.nodes / (self.seconds * self.layout.nodes)


def best_row(work: Workload, nodes: int, machine: Machine, frames: bool = True) -> Row:
    """The ranks x threads that fill the cores of some nodes best.

    Each rank has a plane at least. Of the fastest, the one with the fewest ranks is taken. Where
    there are planes enough a rank stays in a NUMA domain, so that its threads have its slab in
    memory of their own.

    Parameters
    ----------
    work
        What a step works on.
    nodes
        Number of nodes.
    machine
        What things cost.
    frames
        Whether the run writes whole frames.

    Raises
    ------
    ValueError
        There are more nodes than planes.
    """
    planes = work.shape[0]
    if nodes > planes:
        raise ValueError(
            f"{nodes} nodes are more than the box has planes along x, {planes}: use fewer"
        )
    most = min(machine.cores, planes // nodes)
    divisors = [ranks for ranks in range(1, most + 1) if machine.cores % ranks == 0]
    in_domains = [ranks for ranks in divisors if ranks % machine.domains == 0]
    layouts = []
    seconds = []
    for ranks in in_domains or divisors[-1:]:
        layout = Layout(nodes, ranks, machine.cores // ranks)
        layouts.append(layout)
        seconds.append(step_seconds(work, layout, machine))
    alike = ALIKE * min(seconds)
    best = next(layout for layout, each in zip(layouts, seconds) if each <= alike)
    size = sum(memory(work, best, frames).values())
    return Row(best, size, step_parts(work, best, machine), work.is_reduced(best.ranks))


def recommended(rows: list[Row]) -> Row:
    """The most nodes that are used well, of rows with ever more nodes."""
    return [row for row in rows if row.efficiency(rows[0]) >= WORTHWHILE][-1]


@dataclass(frozen=True)
class Sources:
    """The machine that the table is made for, and where its numbers are from.

    Attributes
    ----------
    machine
        What things cost.
    measurements
        What the costs were fitted to; empty where they are defaults.
    crowded
        How many records were not used, because threads shared cores.
    checked
        The model's errors on steps that it was not fitted to.
    given
        Names of the numbers that the user gave.
    """

    machine: Machine
    measurements: list[Measurement]
    crowded: int
    checked: list[LeftOut]
    given: set[str]

    @property
    def usual(self) -> str:
        """Where a number is from that the user did not give."""
        return "measured" if self.measurements else "default"

    def origin(self, name: str, otherwise: str) -> str:
        """Where a number is from."""
        return "given" if name in self.given else otherwise


def describe(sources: Sources) -> Iterator[str]:
    """Lines: the machine's costs, where each number is from, and how well the model fits."""
    machine = sources.machine
    usual = sources.usual
    source = "defaults; give --bench for its own"
    if sources.measurements:
        source = f"fitted to {_of(len(sources.measurements), 'record')}"
    if sources.crowded:
        source += f"; {sources.crowded} not used: more threads than cores"
    yield f"the machine ({source})"
    origin = sources.origin("cores_per_node", usual)
    yield f"  cores     {machine.cores} a node ({origin})"
    origin = sources.origin("numa_domains", _domains_origin(sources))
    yield f"  NUMA      {_of(machine.domains, 'domain')} a node ({origin})"
    if machine.memory:
        origin = sources.origin("memory_per_node", usual)
        yield f"  memory    {_bytes(machine.memory)} a node ({origin})"
    else:
        yield "  memory    of a node is not known: give --memory-per-node"
    core, node = machine.core_bandwidth / 1e9, machine.node_bandwidth / 1e9
    origin = usual + _untested_cores(sources)
    yield f"  bandwidth {core:.3g} GB/s a core, {node:.3g} GB/s a node ({origin})"
    yield (
        f"  sweeps    {machine.compute * 1e9:.3g} ns a voxel and core, "
        f"or {machine.traffic:.3g} bytes a voxel (at least {BYTES_A_VOXEL}): the slower ({usual})"
    )
    origin = sources.origin("neuron_ns", _neuron_origin(sources))
    yield f"  NEURON    {machine.neuron_segment * 1e9:.3g} ns a segment ({origin})"
    network = {
        "bandwidth": f"{machine.network_bandwidth / 1e9:.3g} GB/s a node",
        "latency": f"{machine.network_latency * 1e6:.3g} us a message",
    }
    for name, figure in network.items():
        origin = sources.origin(f"network_{name}", f"default: give --network-{name}")
        yield f"  network   {figure} ({origin})"
    yield f"  checked   {_checked(sources)}"


def _untested_cores(sources: Sources) -> str:
    """Bandwidth was measured with some cores; a node that has more may have more of it."""
    cores = sources.machine.cores
    tested = max((one.layout.cores for one in sources.measurements), default=cores)
    return "" if tested == cores else f", with {tested} of {cores} cores"


def _domains_origin(sources: Sources) -> str:
    if any(one.domains for one in sources.measurements):
        return "measured"
    return "a guess: give --numa-domains, as lscpu says"


def _neuron_origin(sources: Sources) -> str:
    if any(one.work.segments for one in sources.measurements):
        return "measured with the bench's segments: give --neuron-ns for your mechanisms"
    return "default: give --neuron-ns for your mechanisms"


def _checked(sources: Sources) -> str:
    if not sources.measurements:
        return "no: there are no records"
    if not sources.checked:
        return "no: records of two or more rank counts are needed"
    each: list[str] = []
    errors: list[float] = []
    for left_out in sources.checked:
        each.append(f"{100 * max(left_out.errors):.0f} % on {left_out.label}")
        errors += left_out.errors
    return (
        f"fitted without one, its steps are predicted to {100 * median(errors):.0f} % (median), "
        f"{100 * max(errors):.0f} % at worst ({', '.join(each)})"
    )


def table(rows: list[Row], steps: int) -> Iterator[str]:
    """Lines: a head, one for each row, and what they mean.

    steps: time steps of the run.
    """
    names = list(rows[0].parts)
    lines = [
        ["", "ranks x", "memory", "us of", *(["us"] * len(names)), "", "effi-"],
        ["nodes", "threads", "a rank", "a step", *names, "in all", "ciency"],
    ]
    lines += [_cells(row, rows[0], steps) for row in rows]
    least = [6, 10, 10, *([9] * (len(names) + 1)), 10, 8]
    notes = ["", "", *("  reduced system" if row.reduced else "" for row in rows)]
    for line, note in zip(aligned(lines, least), notes, strict=True):
        yield line + note
    yield (
        "ranks x threads are those of a node that fill its cores, each rank in one NUMA domain: "
        "of the fastest the fewest ranks"
    )
    if any(row.reduced for row in rows):
        yield (
            "reduced system: slabs too thin for neighbours to settle their interface; "
            "all ranks do together"
        )


def _cells(row: Row, base: Row, steps: int) -> list[str]:
    return [
        f"{row.layout.nodes:,}",
        f"{row.layout.ranks_per_node} x {row.layout.threads}",
        _bytes(row.bytes_per_rank),
        *(_us(seconds) for seconds in (row.seconds, *row.parts.values())),
        _duration(row.seconds * steps),
        f"{100 * row.efficiency(base):.0f} %",
    ]


def beyond_planes(work: Workload, machine: Machine, frames: bool = True) -> Iterator[str]:
    """Lines: how many ranks can share the box, and what one more would cost.

    A rank more owns no plane: it takes the program's memory and its share of the segments, and
    spares the others nothing but theirs. Compared are steps of one rank to a node.

    Parameters
    ----------
    work
        What a step works on.
    machine
        What things cost.
    frames
        Whether the run writes whole frames.
    """
    planes = work.shape[0]
    most, has = _of(planes, "rank"), _of(planes, "plane")
    yield f"More than {most} cannot share the box: it has {has} along x."
    last = Layout(planes, 1, machine.cores)
    more = replace(last, nodes=planes + 1)
    parts = memory(work, more, frames)
    alone = parts["program"] + parts["segments"]
    before, after = (step_seconds(work, layout, machine) for layout in (last, more))
    yield (
        f"Rank {planes + 1:,} would own no voxel and take {_bytes(alone)}: a step, of "
        f"{_us(before)} us on {_of(planes, 'node')} of a rank each, would take {_us(after)} us."
    )


def too_large(rows: list[Row], machine: Machine) -> Iterator[str]:
    """Lines: which numbers of nodes have too little memory."""
    large = [row for row in rows if not row.fits(machine)]
    if large:
        nodes = ", ".join(f"{row.layout.nodes:,}" for row in large)
        what = "node" if nodes == "1" else "nodes"
        or_more = " or more" if len(large) > 1 else ""
        yield (
            f"Too little memory on {nodes} {what}: "
            f"each would need {_bytes(large[-1].bytes_per_node)}{or_more} "
            f"and has {_bytes(machine.memory)}."
        )


def advice(rows: list[Row], steps: int) -> Iterator[str]:
    """Lines: what to take and why, and where scaling ends.

    steps: time steps of the run.
    """
    base = rows[0]
    best = recommended(rows)
    fastest = min(rows, key=lambda row: row.seconds)
    nodes = _of(best.layout.nodes, "node")
    ranks = _of(best.layout.ranks_per_node, "rank")
    threads = _of(best.layout.threads, "thread")
    whole = _duration(best.seconds * steps)
    yield f"Recommended: {nodes} with {ranks} of {threads}: {whole} in all."
    if best is not base:
        first = _of(base.layout.nodes, "node")
        yield f"Their efficiency is {100 * best.efficiency(base):.0f} % of that of {first}."
    if best is not rows[-1]:
        later = rows[rows.index(best) + 1]
        nodes = _of(later.layout.nodes, "node")
        yield (
            f"That of {nodes} would be {100 * later.efficiency(base):.0f} %, "
            f"less than the {100 * WORTHWHILE:.0f} % worth having."
        )
    if len(rows) > 1:
        end = "It is still faster on" if fastest is rows[-1] else "Scaling ends at"
        nodes = _of(fastest.layout.nodes, "node")
        largest = max(fastest.parts, key=lambda name: fastest.parts[name])
        yield (
            f"{end} {nodes}, where a step takes {_us(fastest.seconds)} us, "
            f"most of it for {largest}."
        )


def _of(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}" if seconds > 1e-5 else f"{seconds * 1e6:.2g}"


def _bytes(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 9.995e8 else f"{count / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
