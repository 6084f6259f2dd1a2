"""The model of `ecsmpi plan`: what it counts, how it is fitted and checked, what the command says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ecsmpi.plans import calibration, plan_table, planning
from ecsmpi.cli import main
from ecsmpi.description.decomposition import Slabs
from ecsmpi.plans.planning import Layout, Machine, Problem
from ecsmpi.solver.tridiagonal import Chain

BIG = Problem((512, 256, 256), species=2, segments=100_000, r=0.001)
TRUE = Machine(
    cores=8, core_bandwidth=30e9, node_bandwidth=60e9, traffic=72.0, compute=4e-9, message=5e-6,
    plane_byte=4e-10,
    coupling_step=4e-5, coupling_message=3e-6, entry=9e-8, neuron_step=5e-5, neuron_segment=3e-7,
)  # fmt: skip
SHARES = {"sweeps": ("up", "down"), "planes": ("ghosts", "interfaces"), "exchange": ("deposit", "collect")}


def record(ranks, threads=1, shape=(64, 48, 48), segments=0, species=1, kind="strong", machine=TRUE):
    """What `ecsmpi bench` would write on a machine that is just as the model says."""
    measured = {"shape": list(shape), "species": species, "segments": segments, "dt": 0.025, "dx": 5.0}
    problem = Problem(shape, species, segments, 2.62 / 1.6**2 * 0.025 / 25)
    layout = Layout(1, ranks, threads)
    parts = planning.step_parts(problem, layout, machine)
    phases = {name: parts[part] / 2 for part, names in SHARES.items() for name in names}
    return {
        "kind": kind, "ranks": ranks, "threads": threads, "nodes": 1, **measured,
        "step_seconds": sum(parts.values()), "step_seconds_interval": [0, 1], "repetitions": 20,
        "phases": phases | {"neuron": parts["NEURON"]}, "phases_max": phases,
        "copy_bytes_per_second": machine.bandwidth(ranks * threads), "provenance": {"cores": machine.cores},
    }  # fmt: skip


def records(machine=TRUE):
    sizes = [((64, 48, 48), 0, 1), ((64, 48, 48), 40_000, 1), ((128, 64, 64), 2_000, 1), ((96, 16, 16), 0, 3)]
    return [
        record(ranks, threads, shape, segments, species, machine=machine)
        for ranks, threads in ((1, 1), (2, 1), (1, 2), (4, 1), (2, 4), (8, 1))
        for shape, segments, species in sizes
    ]


def measurements(machine=TRUE):
    return [calibration.Measurement.from_record(one) for one in records(machine)]


@pytest.fixture
def bench(tmp_path):
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records()))
    return path


def command(capsys, *words):
    """Status, standard output and standard error of `ecsmpi plan WORDS`."""
    try:
        status = main(["plan", *map(str, words)])
    except SystemExit as ended:
        status = ended.code
    told = capsys.readouterr()
    return status, told.out, told.err


# The model


@pytest.mark.parametrize("n, r", [(40, 0.001), (40, 0.1), (97, 1.0), (512, 10.0), (24, 0.0)])
def test_reduced_system_is_taken_where_the_solver_takes_it(n, r):
    for ranks in (1, 2, 3, 4, 7, 11, 16, n):
        chain = Chain.of(n, r, False, Slabs(n, ranks))
        assert Problem((n, 1, 1), r=r).is_reduced(ranks) == (not chain.neighbours_suffice), ranks


def test_one_species_takes_16_bytes_a_voxel_and_each_further_8():
    voxels = 400 * 300 * 300
    one = planning.memory(Problem((400, 300, 300)), Layout(1, 1, 1))["grid"]
    three = planning.memory(Problem((400, 300, 300), species=3), Layout(1, 1, 1))["grid"]
    assert 16 <= one / voxels < 16.5
    assert (three - one) / voxels == pytest.approx(16, rel=0.01)


def test_memory_of_a_rank_falls_with_the_ranks():
    parts = [planning.memory(BIG, Layout(nodes, 8, 1)) for nodes in (1, 2, 4, 8, 16, 32)]
    sizes = [sum(part.values()) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert parts[0]["grid"] > 10 * parts[-1]["grid"] and parts[0]["segments"] > 30 * parts[-1]["segments"]


@pytest.mark.parametrize("machine", [Machine(), TRUE, replace(TRUE, traffic=10.0, compute=1e-12)])
def test_no_step_is_faster_than_its_traffic(machine):
    for nodes in (1, 3, 8, 64):
        for ranks, threads in ((1, 8), (2, 4), (8, 1), (1, 1)):
            layout = Layout(nodes, ranks, threads)
            floor = planning.floor(BIG, layout, machine)
            assert planning.step_seconds(BIG, layout, machine) > floor > 0
    assert planning.floor(BIG, Layout(1, 8, 1), TRUE) == pytest.approx(48 * 2 * 512 * 256 * 256 / 60e9)


def test_one_rank_sends_no_planes_and_an_inner_rank_four_for_a_species():
    assert planning.plane_messages(BIG, Layout(1, 1, 8)) == (0, 0, 0, 0)
    messages, size, far, far_size = planning.plane_messages(BIG, Layout(1, 4, 2))
    assert (messages, size) == (4 * 2, 4 * 2 * 8 * 256 * 256) and (far, far_size) == (0, 0)
    assert planning.plane_messages(BIG, Layout(4, 1, 8)) == (0, 0, messages, size)


def test_thin_slabs_pay_for_the_reduced_system():
    thin = replace(BIG, r=10.0)
    layout = Layout(32, 1, 8)
    assert thin.is_reduced(32) and not BIG.is_reduced(32)
    slower, faster = (planning.step_parts(problem, layout, TRUE) for problem in (thin, BIG))
    assert slower["planes"] > 2 * faster["planes"]
    assert {**slower, "planes": 0} == {**faster, "planes": 0}


def test_work_of_a_rank_follows_its_thickest_slab():
    parts = [planning.step_parts(Problem((10, 64, 64)), Layout(1, ranks, 1), TRUE) for ranks in (1, 2, 4)]
    sweeps = [part["sweeps"] for part in parts]
    assert sweeps[0] / sweeps[1] == pytest.approx(2)
    assert sweeps[2] * TRUE.bandwidth(4) >= 72 * 3 * 4 * 64 * 64 - 1e-6  # 3 + 3 + 2 + 2 planes


def test_slabs_are_thinner_where_the_segments_are_and_the_step_takes_longer():
    anywhere = Problem((64, 16, 16), segments=100_000)
    middle = replace(anywhere, within=0.25)
    thick = planning.slabs_of(middle, 8).thicknesses()
    assert planning.slabs_of(anywhere, 8).thicknesses() == [8] * 8
    assert sum(thick) == 64 and min(thick) in thick[2:5] and min(thick) < 8 < max(thick) == thick[0]
    assert planning.asked(anywhere, 8).sum() == pytest.approx(8 * 64 * 256 * (1 - np.exp(-100_000 / 8 / (64 * 256))))
    slower, faster = (planning.step_seconds(one, Layout(1, 8, 1), TRUE) for one in (middle, anywhere))
    assert slower > faster


def test_segments_cost_the_exchange_and_neuron_only():
    without = planning.step_parts(replace(BIG, segments=0), Layout(1, 4, 2), TRUE)
    with_them = planning.step_parts(BIG, Layout(1, 4, 2), TRUE)
    assert with_them["NEURON"] - without["NEURON"] == pytest.approx(3e-7 * 25_000)
    assert with_them["exchange"] > without["exchange"] + 9e-8 * 2 * 25_000
    assert with_them["sweeps"] == without["sweeps"] and with_them["planes"] == without["planes"]


# The fit


def test_records_of_a_known_machine_give_it_back():
    found = calibration.calibrated(measurements(), Machine())
    assert found.cores == 8 and found.core_bandwidth == 30e9 and found.node_bandwidth == 60e9
    for name in ("compute", "traffic", "neuron_segment", "entry"):
        assert getattr(found, name) == pytest.approx(getattr(TRUE, name), rel=0.02), name
    for one in measurements():
        assert calibration.error_of(one, found) < 0.02


def test_fit_leaves_the_network_alone():
    start = replace(Machine(), network_latency=7e-6, network_bandwidth=3e9)
    found = calibration.calibrated(measurements(), start)
    assert (found.network_latency, found.network_bandwidth) == (7e-6, 3e9)


def test_costs_that_no_record_shows_stay_as_they_were():
    found = calibration.calibrated([calibration.Measurement.from_record(record(1))], Machine())
    for name in ("message", "plane_byte", "entry", "neuron_segment"):
        assert getattr(found, name) == pytest.approx(getattr(Machine(), name)), name


def test_no_fitted_cost_is_negative():
    noisy = [replace(one, seconds=one.seconds * (0.5 + k % 3)) for k, one in enumerate(measurements())]
    found = calibration.calibrated(noisy, Machine())
    assert min(vars(found).values()) >= 0


def test_leave_out_finds_no_error_in_records_of_the_model():
    checked = calibration.leave_out(measurements(), Machine())
    assert [one.label for one in checked] == ["1 rank", "2 ranks", "4 ranks", "8 ranks"]
    assert [len(one.errors) for one in checked] == [8, 8, 4, 4]
    assert max(max(one.errors) for one in checked[1:]) < 0.1


def test_leave_out_error_is_that_of_a_step_never_seen():
    """Eight ranks take twice their time: predicted from all others, that is an error of one half."""
    slow = [replace(one, seconds=2 * one.seconds) if one.layout.ranks == 8 else one for one in measurements()]
    honest = calibration.leave_out(measurements(), Machine())[-1].errors
    checked = calibration.leave_out(slow, Machine())[-1]
    assert checked.label == "8 ranks"
    assert checked.errors == pytest.approx([0.5] * 4, abs=max(honest))


def test_threads_are_left_out_where_there_is_one_rank_count():
    found = [calibration.Measurement.from_record(record(1, threads)) for threads in (1, 2, 4)]
    labels = [one.label for one in calibration.leave_out(found, Machine())]
    assert labels == ["1 thread", "2 threads", "4 threads"]
    assert calibration.leave_out(found[:1], Machine()) == []


# The choice


def test_scaling_ends_where_messages_outweigh_the_sweeps():
    problem = Problem((64, 32, 32), r=0.5)
    rows = [plan_table.best_row(problem, nodes, TRUE) for nodes in (1, 2, 4, 8, 16, 32, 64)]
    seconds = [row.seconds for row in rows]
    end = seconds.index(min(seconds))
    assert 0 < end < len(rows) - 1
    assert "Scaling ends at" in "".join(plan_table.advice(rows, 1000))
    best = plan_table.recommended(rows)
    assert best.efficiency(rows[0]) >= plan_table.WORTHWHILE and rows.index(best) <= end


@pytest.mark.parametrize("nodes", [1, 5, 16, 40])
def test_ranks_and_threads_fill_a_node_with_a_plane_for_each_rank(nodes):
    row = plan_table.best_row(Problem((40, 16, 16), segments=10**6), nodes, TRUE)
    assert row.layout.cores == TRUE.cores
    assert row.layout.ranks <= 40
    with pytest.raises(ValueError, match="41 nodes.*40"):
        plan_table.best_row(Problem((40, 16, 16)), 41, TRUE)


def test_many_segments_want_ranks_and_none_want_threads():
    assert plan_table.best_row(replace(BIG, segments=10**6), 1, TRUE).layout.ranks_per_node == 8
    assert plan_table.best_row(replace(BIG, segments=0), 1, TRUE).layout.ranks_per_node == 1


# The command


def test_plan_prints_table_recommendation_and_sbatch_line(capsys):
    words = ("--box", 128, 64, 64, "--segments", "1e4", "--nodes", "1-12", "--tstop", 100)
    status, out, _ = command(capsys, *words)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines if line[-1:] == ["%"]] == ["1", "2", "4", "8", "12"]
    assert "4,000 steps of 0.025 ms" in out and "10,000 segments" in out
    assert "defaults; give --bench" in out and "default: give --network-bandwidth" in out
    assert "Recommended:" in out
    submit = next(line for line in lines if line[:1] == ["sbatch"])
    assert [word.split("=")[0] for word in submit[1:4]] == ["--nodes", "--ntasks-per-node", "--cpus-per-task"]
    ranks, threads = (int(word.split("=")[1]) for word in submit[2:4])
    assert ranks * threads == Machine().cores and submit[4:] == ["slurm/hybrid.sbatch", "SCRIPT"]


def test_box_in_um_is_cut_into_voxels_as_by_the_solver(capsys):
    corners = ("--box", -10, 0, 0, 91, 40, 30, "--dx", 10, 20, 5)
    _, out, _ = command(capsys, *corners, "--nodes", 1, "--d", 2, "--dt", 0.1)
    assert out.startswith("11 x 2 x 6 voxels") and "r = D dt/dx2 = 0.002\n" in out


def test_plan_says_what_was_measured_given_and_checked(bench, capsys):
    words = ("--network-latency", 3, "--neuron-ns", 55, "--cores-per-node", 16)
    status, out, _ = command(capsys, "--box", 128, 64, 64, "--nodes", "1-4", "--bench", bench, *words)
    assert status == 0
    assert "fitted to 24 records" in out
    assert "16 a node (given)" in out
    assert "30 GB/s a core, 60 GB/s a node (measured, with 8 of 16 cores)" in out
    assert "3 us a message (given)" in out and "12 GB/s a node (default" in out
    assert "55 ns a segment (given)" in out
    assert "(median)" in out and "% on 8 ranks" in out


def test_steps_whose_threads_shared_cores_are_not_used(bench, capsys):
    crowded = [record(8, 2), record(16, 1)]
    with bench.open("a") as file:
        file.writelines(json.dumps(one | {"step_seconds": 9.0}) + "\n" for one in crowded)
    _, out, _ = command(capsys, "--box", 128, 64, 64, "--nodes", 1, "--bench", bench)
    assert "fitted to 24 records; 2 not used: more threads than cores" in out
    assert "% on 8 ranks)" in out


def test_nodes_beyond_the_planes_are_left_out_and_named(capsys):
    _, out, _ = command(capsys, "--box", 6, 64, 64, "--nodes", "1-64")
    assert "More than 6 nodes cannot share the box" in out
    assert "\n     4 " in out and "\n     8 " not in out


def test_model_is_appended_as_records_for_the_measured_layouts_and_the_table(bench, capsys):
    before = bench.read_text()
    words = ("--box", 128, 64, 64, "--nodes", "1-4", "--bench", bench, "--model", bench)
    assert command(capsys, *words)[0] == 0
    text = bench.read_text()
    assert text.startswith(before)
    added = [json.loads(line) for line in text[len(before) :].splitlines()]
    assert {one["kind"] for one in added} == {"model"} and len(added) == 24 + 3
    for one, measured in zip(added, records()):
        assert {key: one[key] for key in ("ranks", "threads", "shape", "segments")} == {
            key: measured[key] for key in ("ranks", "threads", "shape", "segments")
        }
        assert one["step_seconds"] == pytest.approx(measured["step_seconds"], rel=0.02)
        assert sum(one["phases"].values()) == pytest.approx(one["step_seconds"])
    assert [one["nodes"] for one in added[24:]] == [1, 2, 4]
    assert command(capsys, *words)[0] == 0  # records of the model are no measurements


GOOD = {"--box": (64, 64, 64), "--nodes": ("1-4",)}


@pytest.mark.parametrize("option, values, told", [
    ("--box", (64, 64), "--box takes three numbers"),
    ("--box", (64, 64, 6.5), "--box NX NY NZ must be whole numbers of voxels, got 64 64 6.5"),
    ("--box", (64, 0, 64), "--box NX NY NZ must be whole"),
    ("--box", (0, 0, 0, 9, 9, 9), "needs --dx"),
    ("--box", ("a", 1, 1), "--box"),
    ("--dx", (0,), "dx must be > 0"),
    ("--dx", (5, 5), "dx must be a number or"),
    ("--species", (0,), "--species: must be a whole number from 1, got 0"),
    ("--segments", (-1,), "--segments: must be a whole number from 0, got -1"),
    ("--segments", ("1e3.5",), "--segments"),
    ("--tstop", (0,), "--tstop: must be a number above 0, got 0"),
    ("--dt", ("nan",), "--dt: must be a number above 0, got nan"),
    ("--d", (-1,), "--d: must be"),
    ("--nodes", ("8-4",), "--nodes: must be a number of nodes or a range such as 1-256, got 8-4"),
    ("--nodes", ("0",), "--nodes: must be"),
    ("--nodes", ("2-",), "--nodes: must be"),
    ("--nodes", ("65-80",), "65 nodes are more than the box has planes along x, 64"),
    ("--cores-per-node", (0,), "--cores-per-node: must be"),
    ("--network-bandwidth", (0,), "--network-bandwidth: must be"),
    ("--network-latency", ("inf",), "--network-latency: must be"),
    ("--neuron-ns", (-4,), "--neuron-ns: must be"),
    ("--bench", ("/nowhere/b.jsonl",), "/nowhere/b.jsonl"),
    ("--model", ("/nowhere/m.jsonl",), "/nowhere"),
])  # fmt: skip
def test_bad_argument_is_named(capsys, option, values, told):
    words = [word for name, given in {**GOOD, option: values}.items() for word in (name, *given)]
    status, out, err = command(capsys, *words)
    assert status == 2 and told in err
    assert "Traceback" not in err and "sbatch" not in out


@pytest.mark.parametrize("spoil, told", [
    (lambda one: one.pop("phases"), "record 2, was not written by ecsmpi bench: it has no 'phases'"),
    (lambda one: one.update(step_seconds=0), "must be > 0, got 0"),
    (lambda one: one.update(threads=0), "threads must be at least 1"),
    (lambda one: one.update(shape=[8, 8]), "record 2"),
    (lambda one: one.update(copy_bytes_per_second=None), "record 2"),
])  # fmt: skip
def test_bad_record_is_named(tmp_path, capsys, spoil, told):
    broken = record(2)
    spoil(broken)
    path = tmp_path / "b.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (record(1), broken)))
    status, _, err = command(capsys, "--box", 64, 64, 64, "--nodes", 1, "--bench", path)
    assert status == 2 and told in err and "b.jsonl" in err


def test_file_without_measured_steps_is_refused(tmp_path, capsys):
    path = tmp_path / "b.jsonl"
    path.write_text(json.dumps(record(1, kind="neuron")))
    status, _, err = command(capsys, "--box", 64, 64, 64, "--nodes", 1, "--bench", path)
    assert status == 2 and "no records of ecsmpi bench kernel, strong, weak" in err
