"""What a run costs before it is submitted: memory of a rank, time of a step, where scaling ends.

Each node has R ranks of T threads; rank by rank the box is cut into slabs of planes along x. A step
takes

    max(traffic / memory bandwidth, compute)      the sweeps through the thickest slab
    + planes / message bandwidth + latencies      ghost planes, and the interfaces between slabs
    + exchange                                    segments' currents to their voxels, concentrations back
    + NEURON                                      its own step, for a rank's share of the segments

(after the roofline of Williams, Waterman and Patterson 2009, CACM 52:65, and the postal model of
messages). Everything is a count of `Problem` and `Layout` times a cost of `Machine`; calibration.py
finds the costs in measurements. Cells are taken to lie anywhere in the box, or in a part of it
along x, where slabs are thinner then; each rank may have partners on all others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ecsmpi.description.decomposition import COST_OF_REQUEST, Slabs, plane_weights
from ecsmpi.description.grid import Box, finite
from ecsmpi.solver import tridiagonal

FLOOR_BYTES = (
    48  # a voxel, species and step: two passes over u and d, and the lines fetched to be written
)
PROGRAM_BYTES = (
    200e6  # resident in each rank before there is a box: Python, NEURON, the compiled kernels
)
SEGMENT_BYTES = 2500  # NEURON's segment with a channel or two, and its place in the exchange


@dataclass(frozen=True)
class Problem:
    """A box of ``shape`` voxels, its species, the segments in it, r = D dt/dx2 along x, and the
    part of the box along x with segments.
    """

    shape: tuple[int, int, int]
    species: int = 1
    segments: int = 0
    r: float = 0.0
    within: float = 1.0

    def __post_init__(self):
        Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), self.shape)
        for name, least in (("species", 1), ("segments", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if finite("r = D dt/dx2", self.r) < 0:
            raise ValueError(f"r = D dt/dx2 must be >= 0, got {self.r}")
        if not 0 < self.within <= 1:
            raise ValueError(
                f"the part of the box with segments must be above 0 and at most 1, got {self.within}"
            )

    @property
    def plane(self) -> int:
        """Voxels of a plane."""
        return self.shape[1] * self.shape[2]

    def is_reduced(self, ranks: int) -> bool:
        """Whether the slabs of this many ranks meet in a reduced system, not in pairs."""
        return _is_reduced(self, ranks)


@dataclass(frozen=True)
class Layout:
    """Ranks and threads: the same on each of ``nodes`` nodes, ranks of a node being neighbours."""

    nodes: int
    ranks_per_node: int
    threads: int

    def __post_init__(self):
        if min(self.nodes, self.ranks_per_node, self.threads) < 1:
            raise ValueError(f"nodes, ranks and threads must be at least 1, got {self}")

    @property
    def ranks(self) -> int:
        """Ranks on all nodes together."""
        return self.nodes * self.ranks_per_node

    @property
    def cores(self) -> int:
        """Cores in use on a node."""
        return self.ranks_per_node * self.threads


@dataclass(frozen=True)
class Machine:
    """What things cost, in seconds and bytes a second; the defaults are guesses for a node of
    today.

    core_bandwidth, node_bandwidth: copying in memory, one core and all of a node.
    traffic: bytes that the sweeps really move, a voxel. compute: of a core, a voxel, if memory is
    no bound.
    message, plane_byte: planes between ranks of a node, each message and each byte.
    coupling_step, coupling_message, entry: the exchange with segments: each step, each message
    inside a node, each segment and species. neuron_step, neuron_segment: NEURON: each step, each
    segment.
    network_latency, network_bandwidth: between nodes, each message (s), and a node's bytes a
    second.
    domains: parts of a node's cores with memory of their own (NUMA). memory: bytes of a node, 0
    where it is not known.
    """

    cores: int = 32
    domains: int = 2
    memory: float = 0.0
    core_bandwidth: float = 20e9
    node_bandwidth: float = 150e9
    traffic: float = 64.0
    compute: float = 3e-9
    message: float = 2e-6
    plane_byte: float = 2e-10
    coupling_step: float = 2e-5
    coupling_message: float = 1e-6
    entry: float = 5e-8
    neuron_step: float = 2e-5
    neuron_segment: float = 1e-7
    network_latency: float = 2e-6
    network_bandwidth: float = 12e9

    def bandwidth(self, cores: int) -> float:
        """Bytes a second that this many cores of a node copy together."""
        return min(cores * self.core_bandwidth, self.node_bandwidth)


def asked(problem: Problem, ranks: int) -> np.ndarray:
    """(planes,) voxels with segments, once for each rank of these: as many as are hit at random."""
    held = max(1, round(problem.within * problem.shape[0]))
    first, voxels = (problem.shape[0] - held) // 2, held * problem.plane
    found = np.zeros(problem.shape[0])
    found[first : first + held] = (
        -ranks * problem.plane * np.expm1(-problem.segments / ranks / voxels)
    )
    return found


@cache
def slabs_of(problem: Problem, ranks: int) -> Slabs:
    """How a run cuts the box."""
    return Slabs.weighed(plane_weights(problem.plane, asked(problem, ranks)), ranks)


@cache
def _is_reduced(problem: Problem, ranks: int) -> bool:
    """Whether slabs are too thin for neighbours to settle their interface: all meet in a reduced
    system.

    The thinnest of the slabs between two others decides.
    """
    slabs = slabs_of(problem, ranks)
    if slabs.owners < 3:
        return False
    between = range(1, slabs.owners - 1)
    thinnest = min(between, key=lambda rank: slabs.thicknesses()[rank])
    rows = tridiagonal.TridiagonalRows.of_line(problem.shape[0], problem.r, held=False).planes(
        *slabs.planes(thinnest)
    )
    return not tridiagonal.Chain((tridiagonal.Block.of(rows),) * 3).neighbours_suffice


def memory(problem: Problem, layout: Layout, frames: bool = True) -> dict[str, float]:
    """Bytes of the rank with the thickest slab: the grid, output, the segments, the program itself.

    frames: whether the run writes whole frames, of which each species has a copy in the order of
    the file.
    """
    thick = max(slabs_of(problem, layout.ranks).thicknesses())
    planes = problem.species * (thick + 2) + thick + 3  # u with ghosts; d; what meets at interfaces
    if problem.is_reduced(layout.ranks):
        planes += 4
    return {
        "grid": 8.0 * planes * problem.plane,
        "output": 8.0 * thick * problem.plane * problem.species if frames else 0.0,
        "segments": SEGMENT_BYTES * math.ceil(problem.segments / layout.ranks),
        "program": PROGRAM_BYTES,
    }


def floor(problem: Problem, layout: Layout, machine: Machine) -> float:
    """Seconds that a step's least traffic through memory takes: no step is faster."""
    return FLOOR_BYTES * node_updates(problem, layout) / machine.bandwidth(layout.cores)


def step_parts(problem: Problem, layout: Layout, machine: Machine) -> dict[str, float]:
    """Seconds of a step: sweeps, planes, exchange, NEURON."""
    return {
        "sweeps": _sweeps(problem, layout, machine),
        "planes": _planes(problem, layout, machine),
        "exchange": _exchange(problem, layout, machine),
        "NEURON": machine.neuron_step + machine.neuron_segment * problem.segments / layout.ranks,
    }


def step_seconds(problem: Problem, layout: Layout, machine: Machine) -> float:
    """Seconds of a step."""
    return sum(step_parts(problem, layout, machine).values())


def node_updates(problem: Problem, layout: Layout) -> int:
    """Voxels times species that a node updates in a step whose ranks are as busy as the busiest
    one.
    """
    ranks = min(layout.ranks_per_node, problem.shape[0])
    return _busiest(problem, layout.ranks)[0] * ranks * problem.plane * problem.species


@cache
def _busiest(problem: Problem, ranks: int) -> tuple[int, float]:
    """(planes, voxels that ranks ask for beyond an even share) of the slab that weighs most."""
    slabs, wanted = slabs_of(problem, ranks), asked(problem, ranks)
    weights = plane_weights(problem.plane, wanted)
    lo, hi = max(
        map(slabs.planes, range(slabs.owners)), key=lambda planes: weights[slice(*planes)].sum()
    )
    return hi - lo, max(0.0, wanted[lo:hi].sum() - wanted.sum() / slabs.owners)


def busy_cores(problem: Problem, layout: Layout) -> int:
    """Cores of a node that sweep: those of ranks that own planes."""
    return min(layout.ranks_per_node, problem.shape[0]) * layout.threads


def _sweeps(problem: Problem, layout: Layout, machine: Machine) -> float:
    updates = node_updates(problem, layout)
    traffic = max(machine.traffic, FLOOR_BYTES) * updates / machine.bandwidth(layout.cores)
    return max(traffic, machine.compute * updates / busy_cores(problem, layout))


def plane_messages(problem: Problem, layout: Layout) -> tuple[float, float, float, float]:
    """(messages, bytes) of a rank inside its node, messages of a rank and bytes of a node to other
    nodes.
    """
    owners, per_node = (
        min(layout.ranks, problem.shape[0]),
        min(layout.ranks_per_node, problem.shape[0]),
    )
    plane = 8 * problem.plane * problem.species
    far_sides = min(2, layout.nodes - 1)
    near_sides = min(2 - (far_sides > 0), per_node - 1)
    reduced = problem.is_reduced(layout.ranks)
    each = (
        1 if reduced else 2
    )  # to a neighbour go a ghost plane and, if they settle it, an interface plane
    near, far = each * near_sides, each * far_sides
    counts = [near * problem.species, near * plane, far * problem.species, far * plane]
    if reduced:  # four times all ranks talk to all: F and L out, left and right back
        counts[0] += 4 * (per_node - 1) * problem.species
        counts[1] += 4 * plane * (per_node - 1) / owners
        counts[2] += 4 * (owners - per_node) * problem.species
        counts[3] += 4 * plane * per_node * (1 - per_node / owners)
    return tuple(counts)


def _planes(problem: Problem, layout: Layout, machine: Machine) -> float:
    near, near_bytes, far, far_bytes = plane_messages(problem, layout)
    inside = near * machine.message + near_bytes * machine.plane_byte
    return inside + far * machine.network_latency + far_bytes / machine.network_bandwidth


def coupling_messages(problem: Problem, layout: Layout) -> tuple[float, float]:
    """Messages of a rank inside its node and to others: to and from each other owner of its
    segments' voxels.
    """
    owners = min(layout.ranks, problem.shape[0], math.ceil(problem.segments / layout.ranks))
    return 2 * owners * (1 / layout.nodes - 1 / layout.ranks), 2 * owners * (1 - 1 / layout.nodes)


def _exchange(problem: Problem, layout: Layout, machine: Machine) -> float:
    near, far = coupling_messages(problem, layout)
    entries = problem.species * problem.segments / layout.ranks
    far_bytes = 2 * 8 * entries * layout.ranks_per_node * (1 - 1 / layout.nodes)
    inside = machine.coupling_step + near * machine.coupling_message + entries * machine.entry
    busiest = _busiest(problem, layout.ranks)[1]
    inside += problem.species * COST_OF_REQUEST * machine.compute * busiest
    return inside + far * machine.network_latency + far_bytes / machine.network_bandwidth
