"""The model of `ecsmpi plan`: what it counts, and what it chooses."""

from dataclasses import replace

from ecsmpi.benchmarks.plan import plan_table, step_model
from ecsmpi.benchmarks.plan.step_model import Layout, Machine, Workload
from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.tridiagonal import Chain
import numpy as np
import pytest

from support.known_machine import TRUE

BIG = Workload((512, 256, 256), species=2, segments=100_000, r=0.001)

# For steps that are worked by hand: costs that show in separate digits.
ROUND = Machine(
    cores=8,
    domains=1,
    core_bandwidth=10e9,
    node_bandwidth=40e9,
    traffic=100.0,
    compute=1e-8,
    message=1e-6,
    plane_byte=1e-9,
    coupling_step=1e-5,
    coupling_message=2e-6,
    entry=1e-7,
    neuron_step=3e-5,
    neuron_segment=4e-7,
    network_latency=5e-6,
    network_bandwidth=1e9,
)


# Steps worked by hand


def test_step_on_two_nodes_is_that_worked_by_hand():
    """64 planes of 200 voxels on 8 ranks of 2 threads, 4 ranks to a node; microseconds.

    sweeps    8 planes x 200 voxels x 2 species x 4 ranks = 12,800 updates of a node;
              100 bytes each at 40 GB/s are 32, and 10 ns each on 8 cores would be 16
    planes    to the neighbour on the same node a ghost and an interface plane of each species:
              4 messages and 2 x 2 x 1600 bytes are 4 + 6.4; to the one on the other node
              4 x 5 + 6.4
    exchange  segments of a rank: 125, in voxels of all 8 ranks, 3 others near and 4 far; to each
              a message and back: 10 + 6 x 2 + 8 x 5; 250 entries are 25; half of the 4 x 250
              entries of a node cross over and back, 8 bytes each: 8000 bytes are 8
    NEURON    30 + 125 x 0.4
    """
    work = Workload((64, 10, 20), species=2, segments=1000, r=0.001)
    parts = step_model.step_parts(work, Layout(2, 4, 2), ROUND)
    by_hand = {"sweeps": 32, "planes": 36.8, "exchange": 95, "NEURON": 80}
    assert {name: 1e6 * seconds for name, seconds in parts.items()} == pytest.approx(by_hand)


def test_sweeps_are_bound_by_the_cores_or_by_memory():
    """16 planes of 100 voxels on one rank, so 1600 updates; microseconds.

    On one core 10 ns and 100 bytes at 10 GB/s are the same 16; twice the compute is 32. On eight
    cores 20 ns are 4, and 100 bytes at 40 GB/s are 4 too; twice the traffic is 8.
    """
    work = Workload((16, 10, 10))
    for threads, machine, by_hand in (
        (1, ROUND, 16),
        (1, replace(ROUND, compute=2e-8), 32),
        (8, replace(ROUND, compute=2e-8), 4),
        (8, replace(ROUND, compute=2e-8, traffic=200.0), 8),
        (1, replace(ROUND, traffic=1.0, compute=1e-12), 2.56),  # 16 bytes at least
    ):
        parts = step_model.step_parts(work, Layout(1, 1, threads), machine)
        assert 1e6 * parts["sweeps"] == pytest.approx(by_hand)


def test_messages_of_the_reduced_system_are_those_worked_by_hand():
    """8 ranks on 2 nodes, planes of 1600 bytes.

    To the neighbour on either side a ghost plane; then four times to each of 3 ranks near and of 4
    ranks far, an eighth of a plane each.
    """
    thin = Workload((64, 10, 20), r=10.0)
    near, near_bytes, far, far_bytes = step_model.plane_messages(thin, Layout(2, 4, 1))
    assert (near, near_bytes) == (1 + 4 * 3, 1600 + 4 * 3 * 200)
    assert (far, far_bytes) == (1 + 4 * 4, 1600 + 4 * 4 * 4 * 200)


def test_one_pass_sends_a_neighbour_two_messages_of_a_plane():
    work = Workload((64, 40, 40), species=3, r=0.001)
    near, near_bytes, far, far_bytes = step_model.plane_messages(work, Layout(2, 4, 1))
    assert (near, near_bytes, far, far_bytes) == (6, 2 * 3 * 12800, 6, 2 * 3 * 12800)


def test_memory_of_a_rank_is_that_worked_by_hand():
    """40 planes of 50 voxels on 4 ranks, 3 species: 10 planes a rank.

    Each species has 10 planes and 2 ghost planes, two passes 10 planes and 3: 49 planes. One pass
    has no increments, but for each species 2 x 3 planes of messages and 2 of scratch: 60 planes;
    and a window of a batch of 6 planes, one ahead and one of zeros.
    """
    work = Workload((40, 5, 10), species=3, segments=10)
    parts = step_model.memory(work, Layout(2, 2, 1))
    assert parts["grid"] == 8 * 49 * 50
    assert parts["output"] == 8 * 3 * 10 * 50
    assert parts["segments"] == 3 * step_model.SEGMENT_BYTES
    assert step_model.memory(work, Layout(2, 2, 1), frames=False)["output"] == 0
    long_lines = Workload((40, 20, 40), species=3, r=1e-20)
    grid = step_model.memory(long_lines, Layout(2, 2, 1))["grid"]
    rows, width = 24, 40  # of the one panel, up to whole tiles
    window = (1 + 6 + 1) * (rows * (width + 8) + 24)
    ahead = 11 * 24  # no rows
    tile, sources, patch = (width + 2) * 8, width * 8, 26 * (width + 16)
    above, corner, before = 7 * (width + 16), 7 * 4 * 16, 10 * width
    scratch = tile + sources + patch + above + corner + before
    assert grid == 8 * (60 * 20 * 40 + window + ahead + scratch)


# The model


@pytest.mark.parametrize("n, r", [(40, 0.001), (40, 0.1), (97, 1.0), (512, 10.0), (24, 0.0)])
def test_reduced_system_is_taken_where_the_solver_takes_it(n, r):
    for ranks in (1, 2, 3, 4, 7, 11, 16, n):
        chain = Chain.of(n, r, False, Slabs(n, ranks))
        assert Workload((n, 1, 1), r=r).is_reduced(ranks) == (not chain.neighbours_suffice), (
            ranks
        )


@pytest.mark.parametrize("r, first", [(0.001, 8), (1.0, 16)], ids=["one pass", "two passes"])
def test_the_first_species_takes_8_or_16_bytes_a_voxel_and_each_further_8(r, first):
    voxels = 400 * 300 * 300
    work = Workload((400, 300, 300), r=r)
    one = step_model.memory(work, Layout(1, 1, 1))["grid"]
    three = step_model.memory(replace(work, species=3), Layout(1, 1, 1))["grid"]
    assert first <= one / voxels < first + 0.6
    assert (three - one) / voxels == pytest.approx(16, rel=0.01)


def test_memory_of_a_rank_falls_with_the_ranks():
    parts = [step_model.memory(BIG, Layout(nodes, 8, 1)) for nodes in (1, 2, 4, 8, 16, 32)]
    sizes = [sum(part.values()) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert parts[0]["grid"] > 9 * parts[-1]["grid"]  # slabs of 2 planes have 12 at their ends
    assert parts[0]["segments"] > 30 * parts[-1]["segments"]


@pytest.mark.parametrize(
    "machine", [Machine(), TRUE, replace(TRUE, traffic=10.0, compute=1e-12)]
)
def test_no_step_is_faster_than_its_traffic(machine):
    for nodes in (1, 3, 8, 64):
        for ranks, threads in ((1, 8), (2, 4), (8, 1), (1, 1)):
            layout = Layout(nodes, ranks, threads)
            floor = step_model.floor(BIG, layout, machine)
            assert step_model.step_seconds(BIG, layout, machine) > floor > 0
    by_hand = 16 * 2 * 512 * 256 * 256 / 60e9
    assert step_model.floor(BIG, Layout(1, 8, 1), TRUE) == pytest.approx(by_hand)


def test_one_rank_sends_no_planes_and_an_inner_rank_four_in_four_messages_for_a_species():
    assert step_model.plane_messages(BIG, Layout(1, 1, 8)) == (0, 0, 0, 0)
    messages, size, far, far_size = step_model.plane_messages(BIG, Layout(1, 4, 2))
    assert (messages, size) == (4 * 2, 4 * 2 * 8 * 256 * 256)
    assert (far, far_size) == (0, 0)
    assert step_model.plane_messages(BIG, Layout(4, 1, 8)) == (0, 0, messages, size)


def test_thin_slabs_pay_for_the_reduced_system():
    thin = replace(BIG, r=10.0)
    layout = Layout(32, 1, 8)
    assert thin.is_reduced(32) and not BIG.is_reduced(32)
    slower = step_model.step_parts(thin, layout, TRUE)
    faster = step_model.step_parts(BIG, layout, TRUE)
    assert slower["planes"] > 2 * faster["planes"]
    assert {**slower, "planes": 0} == {**faster, "planes": 0}


def test_work_of_a_rank_follows_its_thickest_slab():
    work = Workload((10, 64, 64))
    sweeps = []
    for ranks in (1, 2, 4):
        sweeps.append(step_model.step_parts(work, Layout(1, ranks, 1), TRUE)["sweeps"])
    assert sweeps[0] / sweeps[1] == pytest.approx(2)
    thickest = 3  # of 3 + 3 + 2 + 2 planes
    assert sweeps[2] * TRUE.bandwidth(4) >= 72 * thickest * 4 * 64 * 64 - 1e-6


def test_slabs_are_thinner_where_the_segments_are_and_the_step_takes_longer():
    anywhere = Workload((64, 16, 16), segments=100_000)
    middle = replace(anywhere, within=0.25)
    thick = step_model.slabs_of(middle, 8).thicknesses()
    assert step_model.slabs_of(anywhere, 8).thicknesses() == [8] * 8
    assert sum(thick) == 64
    assert min(thick) in thick[2:5]
    assert min(thick) < 8 < max(thick) == thick[0]
    voxels = 64 * 256
    by_hand = 8 * voxels * (1 - np.exp(-100_000 / 8 / voxels))
    assert step_model.requested_voxels(anywhere, 8).sum() == pytest.approx(by_hand)
    slower = step_model.step_seconds(middle, Layout(1, 8, 1), TRUE)
    faster = step_model.step_seconds(anywhere, Layout(1, 8, 1), TRUE)
    assert slower > faster


def test_segments_cost_the_exchange_and_neuron_only():
    without = step_model.step_parts(replace(BIG, segments=0), Layout(1, 4, 2), TRUE)
    with_them = step_model.step_parts(BIG, Layout(1, 4, 2), TRUE)
    assert with_them["NEURON"] - without["NEURON"] == pytest.approx(3e-7 * 25_000)
    assert with_them["exchange"] > without["exchange"] + 9e-8 * 2 * 25_000
    assert with_them["sweeps"] == without["sweeps"]
    assert with_them["planes"] == without["planes"]


# The choice


def test_scaling_ends_where_messages_outweigh_the_sweeps():
    work = Workload((64, 32, 32), r=0.5)
    rows = [plan_table.best_row(work, nodes, TRUE) for nodes in (1, 2, 4, 8, 16, 32, 64)]
    seconds = [row.seconds for row in rows]
    end = seconds.index(min(seconds))
    assert 0 < end < len(rows) - 1
    assert "Scaling ends at" in "".join(plan_table.advice(rows, 1000))
    best = plan_table.recommended(rows)
    assert best.efficiency(rows[0]) >= plan_table.WORTHWHILE
    assert rows.index(best) <= end


@pytest.mark.parametrize("nodes", [1, 5, 16, 40])
def test_ranks_and_threads_fill_a_node_with_a_plane_for_each_rank(nodes):
    row = plan_table.best_row(Workload((40, 16, 16), segments=10**6), nodes, TRUE)
    assert row.layout.cores == TRUE.cores
    assert row.layout.ranks <= 40
    with pytest.raises(ValueError, match="41 nodes.*40"):
        plan_table.best_row(Workload((40, 16, 16)), 41, TRUE)


def test_many_segments_want_ranks_and_none_want_threads():
    assert plan_table.best_row(replace(BIG, segments=10**6), 1, TRUE).layout.ranks_per_node == 8
    assert plan_table.best_row(replace(BIG, segments=0), 1, TRUE).layout.ranks_per_node == 1
