"""A model of a run: memory of a rank, time of a step, and so where scaling ends.

Each node has R ranks of T threads. The box is cut along x into slabs of whole planes, one for each
rank. A step takes

    max(traffic / memory bandwidth, compute)    the sweeps through the thickest slab
    + planes / message bandwidth + latencies    ghost planes, and the interfaces between slabs
    + exchange                                  currents to their voxels, concentrations back
    + NEURON                                    its own step, for a rank's share of the segments

after the roofline of Williams, Waterman and Patterson (2009, CACM 52:65) and the postal model of
messages. Every term is a count of `Workload` and `Layout` times a cost of `Machine`; calibration.py
finds the costs in measurements.

Cells are assumed to lie anywhere in the box, or in a part of it along x, where slabs are thinner
then. Each rank may exchange messages with all others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ecsmpi.benchmarks.problem import BYTES_A_VOXEL
from ecsmpi.description.decomposition import COST_OF_REQUEST, Slabs, plane_weights
from ecsmpi.description.grid import Box, finite
from ecsmpi.ranks import caches
from ecsmpi.solver import tridiagonal
from ecsmpi.solver.panel_plans import memory_shapes
from ecsmpi.solver.panels import Panels
from ecsmpi.solver.sizes import SHORT

# Resident in each rank before there is a box: Python, NEURON, the compiled kernels.
PROGRAM_BYTES = 200e6
# NEURON's segment with a channel or two, and its place in the exchange.
SEGMENT_BYTES = 2500


@dataclass(frozen=True)
class Workload:
    """What a step works on.

    Attributes
    ----------
    shape
        Voxels of the box along x, y and z.
    species
        Species in the box.
    segments
        Segments of all cells together.
    r
        D dt/dx2 along x.
    within
        The part of the box along x, in its middle, that holds the segments; 1 is all of it.
    """

    shape: tuple[int, int, int]
    species: int = 1
    segments: int = 0
    r: float = 0.0
    within: float = 1.0

    def __post_init__(self):
        Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), self.shape)  # checks the shape
        for name, least in (("species", 1), ("segments", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if finite("r = D dt/dx2", self.r) < 0:
            raise ValueError(f"r = D dt/dx2 must be >= 0, got {self.r}")
        if not 0 < self.within <= 1:
            raise ValueError(
                "the part of the box with segments must be above 0 and at most 1, "
                f"got {self.within}"
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
    """Ranks and threads, the same on each node; the ranks of a node own neighbouring slabs.

    Attributes
    ----------
    nodes
        Number of nodes.
    ranks_per_node
        Ranks of each node.
    threads
        Threads of each rank.
    """

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
    """Costs of a machine; the defaults are guesses for a node of today.

    Attributes
    ----------
    cores
        Cores of a node.
    domains
        Parts of a node's cores with memory of their own (NUMA).
    memory
        Bytes of a node; 0 where they are not known.
    core_bandwidth, node_bandwidth
        Bytes a second that one core, and all cores of a node, copy in memory.
    traffic
        Bytes a voxel that the sweeps really move.
    compute
        Seconds a voxel of a core whose sweeps are not bound by memory.
    message, plane_byte
        Seconds of each message, and of each of its bytes, of planes between ranks of a node.
    coupling_step, coupling_message, entry
        Seconds of the exchange with segments: each step, each message inside a node, each segment
        and species.
    neuron_step, neuron_segment
        Seconds of NEURON: each step, each segment.
    network_latency
        Seconds of each message between nodes.
    network_bandwidth
        Bytes a second of a node to other nodes.
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


def requested_voxels(work: Workload, ranks: int) -> np.ndarray:
    """(planes,) voxels in which ranks have segments, counted once for each rank.

    Segments are placed at random: k segments hit 1 - exp(-k/n) of n voxels.
    """
    planes = work.shape[0]
    with_segments = max(1, round(work.within * planes))
    first = (planes - with_segments) // 2
    voxels = with_segments * work.plane
    found = np.zeros(planes)
    hit = -np.expm1(-work.segments / ranks / voxels)
    found[first : first + with_segments] = ranks * work.plane * hit
    return found


@cache
def slabs_of(work: Workload, ranks: int) -> Slabs:
    """How a run cuts the box."""
    return Slabs.weighed(plane_weights(work.plane, requested_voxels(work, ranks)), ranks)


@cache
def _is_reduced(work: Workload, ranks: int) -> bool:
    """Whether slabs are too thin for neighbours to settle their interface.

    Then all ranks meet in a reduced system. The thinnest of the slabs between two others decides.
    """
    slabs = slabs_of(work, ranks)
    if slabs.owners < 3:
        return False
    thicknesses = slabs.thicknesses()
    thinnest = min(range(1, slabs.owners - 1), key=lambda rank: thicknesses[rank])
    line = tridiagonal.TridiagonalRows.of_line(work.shape[0], work.r, held=False)
    block = tridiagonal.Block.of(line.planes(*slabs.planes(thinnest)))
    return not tridiagonal.Chain((block,) * 3).neighbours_suffice


def memory(work: Workload, layout: Layout, frames: bool = True) -> dict[str, float]:
    """Bytes of the rank with the thickest slab.

    Parameters
    ----------
    work
        What a step works on.
    layout
        Ranks and threads.
    frames
        Whether the run writes whole frames: of each species there is then a copy in the order of
        the file.

    Returns
    -------
    dict
        Bytes of the grid, of output, of the segments and of the program itself.
    """
    thick = max(slabs_of(work, layout.ranks).thicknesses())
    planes = work.species * (thick + 2)  # u with its ghost planes
    panels, working = panels_of(work, layout.ranks), 0.0
    if panels:
        sides = min(2, layout.ranks - 1)  # where a species keeps, sends and gets a plane
        planes += work.species * (3 * sides + 2 * (sides > 0))
        shapes = memory_shapes((thick, *work.shape[1:]), panels, layout.threads)
        working = 8.0 * sum(map(math.prod, shapes.values()))
    else:
        planes += thick + 3  # d, and what meets at interfaces
        if work.is_reduced(layout.ranks):
            planes += 4
    return {
        "grid": 8.0 * planes * work.plane + working,
        "output": 8.0 * thick * work.plane * work.species if frames else 0.0,
        "segments": SEGMENT_BYTES * math.ceil(work.segments / layout.ranks),
        "program": PROGRAM_BYTES,
    }


def panels_of(work: Workload, ranks: int) -> Panels | None:
    """How one pass cuts the thickest slab; None where a step takes two passes."""
    if work.shape[2] < SHORT or work.is_reduced(ranks):
        return None
    thick = max(slabs_of(work, ranks).thicknesses())
    return Panels.of((thick, *work.shape[1:]), np.full(3, work.r), caches.working_bytes())


def floor(work: Workload, layout: Layout, machine: Machine) -> float:
    """Seconds that a step's least traffic through memory takes: no step is faster."""
    return BYTES_A_VOXEL * node_updates(work, layout) / machine.bandwidth(layout.cores)


def step_parts(work: Workload, layout: Layout, machine: Machine) -> dict[str, float]:
    """Seconds of a step's parts: sweeps, planes, exchange, NEURON."""
    return {
        "sweeps": _sweeps(work, layout, machine),
        "planes": _planes(work, layout, machine),
        "exchange": _exchange(work, layout, machine),
        "NEURON": machine.neuron_step + machine.neuron_segment * work.segments / layout.ranks,
    }


def step_seconds(work: Workload, layout: Layout, machine: Machine) -> float:
    """Seconds of a step."""
    return sum(step_parts(work, layout, machine).values())


def node_updates(work: Workload, layout: Layout) -> int:
    """Voxels times species that a node updates in a step, if all ranks are as busy as the busiest.

    Ranks that own no planes do not count.
    """
    ranks = min(layout.ranks_per_node, work.shape[0])
    planes, _ = _busiest(work, layout.ranks)
    return planes * ranks * work.plane * work.species


@cache
def _busiest(work: Workload, ranks: int) -> tuple[int, float]:
    """The slab that weighs most: its planes, and requested voxels beyond an even share."""
    slabs = slabs_of(work, ranks)
    requested = requested_voxels(work, ranks)
    weights = plane_weights(work.plane, requested)
    all_planes = [slabs.planes(rank) for rank in range(slabs.owners)]
    lo, hi = max(all_planes, key=lambda planes: weights[slice(*planes)].sum())
    beyond = requested[lo:hi].sum() - requested.sum() / slabs.owners
    return hi - lo, max(0.0, beyond)


def busy_cores(work: Workload, layout: Layout) -> int:
    """Cores of a node that sweep: those of ranks that own planes."""
    return min(layout.ranks_per_node, work.shape[0]) * layout.threads


def _sweeps(work: Workload, layout: Layout, machine: Machine) -> float:
    updates = node_updates(work, layout)
    traffic = max(machine.traffic, BYTES_A_VOXEL) * updates / machine.bandwidth(layout.cores)
    return max(traffic, machine.compute * updates / busy_cores(work, layout))


def plane_messages(work: Workload, layout: Layout) -> tuple[float, float, float, float]:
    """Messages with planes in a step.

    Returns
    -------
    tuple
        Messages of a rank inside its node, and their bytes; messages of a rank to other nodes; and
        bytes of a node to other nodes.
    """
    owners = min(layout.ranks, work.shape[0])
    per_node = min(layout.ranks_per_node, work.shape[0])
    plane_bytes = 8 * work.plane * work.species
    far_sides = min(2, layout.nodes - 1)
    near_sides = min(2 - (far_sides > 0), per_node - 1)
    reduced = work.is_reduced(layout.ranks)
    # A neighbour gets a ghost plane and, where the two settle their interface, an interface plane.
    planes = 1 if reduced else 2
    near: float = planes * near_sides * work.species
    near_bytes: float = planes * near_sides * plane_bytes
    far: float = planes * far_sides * work.species
    far_bytes: float = planes * far_sides * plane_bytes
    if reduced:  # four times all ranks send to all: F and L out, left and right back
        near += 4 * (per_node - 1) * work.species
        near_bytes += 4 * plane_bytes * (per_node - 1) / owners
        far += 4 * (owners - per_node) * work.species
        far_bytes += 4 * plane_bytes * per_node * (1 - per_node / owners)
    return near, near_bytes, far, far_bytes


def _planes(work: Workload, layout: Layout, machine: Machine) -> float:
    near, near_bytes, far, far_bytes = plane_messages(work, layout)
    inside = near * machine.message + near_bytes * machine.plane_byte
    return inside + far * machine.network_latency + far_bytes / machine.network_bandwidth


def coupling_messages(work: Workload, layout: Layout) -> tuple[float, float]:
    """Messages of a rank inside its node and to other nodes, for its segments.

    It sends one to each other rank that owns voxels of its segments, and gets one back.
    """
    owners = min(layout.ranks, work.shape[0], math.ceil(work.segments / layout.ranks))
    near = 2 * owners * (1 / layout.nodes - 1 / layout.ranks)
    far = 2 * owners * (1 - 1 / layout.nodes)
    return near, far


def _exchange(work: Workload, layout: Layout, machine: Machine) -> float:
    near, far = coupling_messages(work, layout)
    entries = work.species * work.segments / layout.ranks
    far_bytes = 2 * 8 * entries * layout.ranks_per_node * (1 - 1 / layout.nodes)
    _, beyond = _busiest(work, layout.ranks)
    inside = machine.coupling_step + near * machine.coupling_message + entries * machine.entry
    inside += work.species * COST_OF_REQUEST * machine.compute * beyond
    return inside + far * machine.network_latency + far_bytes / machine.network_bandwidth
