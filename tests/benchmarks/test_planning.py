"""The model of `ecsmpi plan`: what it counts, and what it chooses."""

from dataclasses import replace

import numpy as np
import pytest

from ecsmpi.benchmarks.plan import plan_table, step_model
from ecsmpi.benchmarks.plan.step_model import Layout, Machine, Workload
from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.tridiagonal import Chain
from support.known_machine import TRUE

BIG = Workload((512, 256, 256), species=2, segments=100_000, r=0.001)


# The model


@pytest.mark.parametrize("n, r", [(40, 0.001), (40, 0.1), (97, 1.0), (512, 10.0), (24, 0.0)])
def test_reduced_system_is_taken_where_the_solver_takes_it(n, r):
    for ranks in (1, 2, 3, 4, 7, 11, 16, n):
        chain = Chain.of(n, r, False, Slabs(n, ranks))
        assert Workload((n, 1, 1), r=r).is_reduced(ranks) == (not chain.neighbours_suffice), ranks


def test_one_species_takes_16_bytes_a_voxel_and_each_further_8():
    voxels = 400 * 300 * 300
    one = step_model.memory(Workload((400, 300, 300)), Layout(1, 1, 1))["grid"]
    three = step_model.memory(Workload((400, 300, 300), species=3), Layout(1, 1, 1))["grid"]
    assert 16 <= one / voxels < 16.5
    assert (three - one) / voxels == pytest.approx(16, rel=0.01)


def test_memory_of_a_rank_falls_with_the_ranks():
    parts = [step_model.memory(BIG, Layout(nodes, 8, 1)) for nodes in (1, 2, 4, 8, 16, 32)]
    sizes = [sum(part.values()) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert (
        parts[0]["grid"] > 10 * parts[-1]["grid"]
        and parts[0]["segments"] > 30 * parts[-1]["segments"]
    )


@pytest.mark.parametrize("machine", [Machine(), TRUE, replace(TRUE, traffic=10.0, compute=1e-12)])
def test_no_step_is_faster_than_its_traffic(machine):
    for nodes in (1, 3, 8, 64):
        for ranks, threads in ((1, 8), (2, 4), (8, 1), (1, 1)):
            layout = Layout(nodes, ranks, threads)
            floor = step_model.floor(BIG, layout, machine)
            assert step_model.step_seconds(BIG, layout, machine) > floor > 0
    assert step_model.floor(BIG, Layout(1, 8, 1), TRUE) == pytest.approx(
        48 * 2 * 512 * 256 * 256 / 60e9
    )


def test_one_rank_sends_no_planes_and_an_inner_rank_four_for_a_species():
    assert step_model.plane_messages(BIG, Layout(1, 1, 8)) == (0, 0, 0, 0)
    messages, size, far, far_size = step_model.plane_messages(BIG, Layout(1, 4, 2))
    assert (messages, size) == (4 * 2, 4 * 2 * 8 * 256 * 256) and (far, far_size) == (0, 0)
    assert step_model.plane_messages(BIG, Layout(4, 1, 8)) == (0, 0, messages, size)


def test_thin_slabs_pay_for_the_reduced_system():
    thin = replace(BIG, r=10.0)
    layout = Layout(32, 1, 8)
    assert thin.is_reduced(32) and not BIG.is_reduced(32)
    slower, faster = (step_model.step_parts(problem, layout, TRUE) for problem in (thin, BIG))
    assert slower["planes"] > 2 * faster["planes"]
    assert {**slower, "planes": 0} == {**faster, "planes": 0}


def test_work_of_a_rank_follows_its_thickest_slab():
    parts = [
        step_model.step_parts(Workload((10, 64, 64)), Layout(1, ranks, 1), TRUE)
        for ranks in (1, 2, 4)
    ]
    sweeps = [part["sweeps"] for part in parts]
    assert sweeps[0] / sweeps[1] == pytest.approx(2)
    assert sweeps[2] * TRUE.bandwidth(4) >= 72 * 3 * 4 * 64 * 64 - 1e-6  # 3 + 3 + 2 + 2 planes


def test_slabs_are_thinner_where_the_segments_are_and_the_step_takes_longer():
    anywhere = Workload((64, 16, 16), segments=100_000)
    middle = replace(anywhere, within=0.25)
    thick = step_model.slabs_of(middle, 8).thicknesses()
    assert step_model.slabs_of(anywhere, 8).thicknesses() == [8] * 8
    assert sum(thick) == 64 and min(thick) in thick[2:5] and min(thick) < 8 < max(thick) == thick[0]
    assert step_model.requested_voxels(anywhere, 8).sum() == pytest.approx(
        8 * 64 * 256 * (1 - np.exp(-100_000 / 8 / (64 * 256)))
    )
    slower, faster = (
        step_model.step_seconds(one, Layout(1, 8, 1), TRUE) for one in (middle, anywhere)
    )
    assert slower > faster


def test_segments_cost_the_exchange_and_neuron_only():
    without = step_model.step_parts(replace(BIG, segments=0), Layout(1, 4, 2), TRUE)
    with_them = step_model.step_parts(BIG, Layout(1, 4, 2), TRUE)
    assert with_them["NEURON"] - without["NEURON"] == pytest.approx(3e-7 * 25_000)
    assert with_them["exchange"] > without["exchange"] + 9e-8 * 2 * 25_000
    assert with_them["sweeps"] == without["sweeps"] and with_them["planes"] == without["planes"]


# The choice


def test_scaling_ends_where_messages_outweigh_the_sweeps():
    problem = Workload((64, 32, 32), r=0.5)
    rows = [plan_table.best_row(problem, nodes, TRUE) for nodes in (1, 2, 4, 8, 16, 32, 64)]
    seconds = [row.seconds for row in rows]
    end = seconds.index(min(seconds))
    assert 0 < end < len(rows) - 1
    assert "Scaling ends at" in "".join(plan_table.advice(rows, 1000))
    best = plan_table.recommended(rows)
    assert best.efficiency(rows[0]) >= plan_table.WORTHWHILE and rows.index(best) <= end


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
