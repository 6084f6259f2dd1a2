"""The command `ecsmpi bench`: its records and reports on one rank and on two, its refusals."""

from itertools import product
import math

from ecsmpi.benchmarks.plan import step_model
from ecsmpi.benchmarks.problem import Problem
from ecsmpi.benchmarks.records import append, read
from ecsmpi.benchmarks.repetition import Effort
from ecsmpi.cli import main
from ecsmpi.solver.timing import PHASES
import pytest

from support.long_form import long
from support.ranks import mpirun
from support.record_laws import check_record

SMALL = ["--shape", "12", "10", "16"]
QUICK = ["--repetitions", "6", "--seconds", "0.01"]


def bench(tmp_path, ranks, *words, status=0):
    """Run `ecsmpi bench WORDS --json FILE`; its output and the records it wrote."""
    path = tmp_path / "records.jsonl"
    done = mpirun(ranks, ["ecsmpi", "bench", *words, "--json", path], cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, read(path)


# each measurement, on one rank and on two


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_kernel_tells_the_step_its_phases_and_the_floor(ranks, tmp_path):
    words = ["kernel", *SMALL, "--threads", "1", "--reproducible", *QUICK]
    said, (record,) = bench(tmp_path, ranks, *words)
    check_record(record, "kernel", ranks or 1)
    assert record["shape"] == [12, 10, 16] and record["segments"] == 0
    assert record["phases"].keys() == {*PHASES, "neuron"}
    assert record["phases"]["up"] > 0 and record["phases"]["down"] > 0
    ns = 1e9 * record["step_seconds"] / (12 * 10 * 16)
    floor = 16 / record["copy_bytes_per_second"] * 1e9
    assert f"{ns:.3f} ns a voxel" in said
    assert f"{floor:.3f} ns a voxel" in said
    assert f"{floor / ns:.2f}" in said
    assert record["setup_seconds"].keys() == {"start", "compile", "build", "finitialize"}
    assert said.count("traffic floor") == 1
    again = record["reproducible"]
    lo, hi = again["step_seconds_interval"]
    assert 0 < lo <= again["step_seconds"] <= hi
    assert again["step_times"] != record["step_times"]
    assert f"{again['step_seconds'] / record['step_seconds']:.2f} times the step above" in said


def test_kernel_tells_what_phases_move_where_tissue_varies(tmp_path):
    said, (record,) = bench(
        tmp_path, 1, "kernel", *SMALL, "--threads", "1", "--varying", *QUICK
    )
    assert record["varies"] and "in tissue that varies" in said
    for phase, traffic in (("up", 56), ("down", 72)):
        least = 1e9 * traffic / record["copy_bytes_per_second"]
        taken = 1e9 * record["phases"][phase] / (12 * 10 * 16)
        assert f"{least:.3f} ns a voxel  {traffic} bytes" in said
        assert f"the phase takes {taken:.3f} ns" in said


def test_strong_measures_its_own_ranks_with_cells(tmp_path):
    words = ["--segments", "70", "--species", "2", "--threads", "1"]
    _, (record,) = bench(tmp_path, 2, "strong", *SMALL, *words, *QUICK)
    check_record(record, "strong", 2)
    assert record["shape"] == [12, 10, 16]
    assert record["segments"] == 70 and record["species"] == 2
    assert record["phases"]["neuron"] > 0 and record["phases"]["currents"] > 0


def test_weak_problem_grows_with_the_ranks():
    grown = Problem((4, 5, 6), segments=7).times(3)
    assert grown.shape == (12, 5, 6)
    assert grown.segments == 21
    assert grown.traffic == 16 * grown.voxels == 16 * 3 * 120


@pytest.mark.long  # in every run: strong, which measures ranks of its own
def test_weak_grows_with_a_list_of_ranks(tmp_path):
    words = ["--ranks", "1,2", "--threads", "1", *SMALL, "--segments", "60"]
    said, records = bench(tmp_path, None, "weak", *words, *QUICK)
    for ranks, record in zip((1, 2), records, strict=True):
        check_record(record, "weak", ranks)
        assert record["shape"] == [12 * ranks, 10, 16] and record["segments"] == 60 * ranks
    speed_up = 2 * records[0]["step_seconds"] / records[1]["step_seconds"]
    assert f"{speed_up:.2f}" in said and f"{speed_up / 2:.0%}" in said


@pytest.mark.long
def test_strong_over_a_list_of_threads_can_be_drawn_with_a_model(tmp_path):
    words = ["--ranks", "1", "--threads", "1,2", *SMALL]
    said, records = bench(tmp_path, None, "strong", *words, *QUICK)
    for threads, record in zip((1, 2), records, strict=True):
        check_record(record, "strong", 1, threads)
    assert "speed-up" in said and f"{1e3 * records[0]['step_seconds']:.4g} ms a step" in said
    append(tmp_path / "records.jsonl", {**records[0], "kind": "model", "ranks": 4})
    append(tmp_path / "records.jsonl", {**records[0], "kind": "weak"})
    words = ["ecsmpi", "bench", "plot", "records.jsonl", "-o", "scaling.png"]
    done = mpirun(None, words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_exchange_measures_plan_and_step_in_each_layout(ranks, tmp_path):
    said, records = bench(tmp_path, ranks, "exchange", *SMALL, "--segments", "1", "1e3", *QUICK)
    expected = list(product((1, 1000), ("neurites", "spread", "one voxel")))
    assert [(one["segments"], one["layout"]) for one in records] == expected
    for one in records:
        check_record(one, "exchange", ranks or 1)
        assert one["plan_seconds"] > 0 and one["grid_step_seconds"] > 0
        assert set(one["phases"]) == {"deposit", "collect"}
        assert f"whole steps {one['whole_step_ratio'] - 1:+.1%}" in said
    assert said.count("1,000 segments") == 3 and said.count("% of the grid's") == 6


def test_gate_is_measured_in_turn_with_steps_without_it(tmp_path):
    said, (record,) = bench(tmp_path, 2, "gate", "--shape", "12", "12", "12", *QUICK)
    check_record(record, "gate", 2)
    lo, hi = record["ratio_interval"]
    assert record["shape"] == [24, 12, 12] and 0 < lo <= record["ratio"] <= hi
    assert f"with it {record['ratio']:.3f} times as long" in said


@pytest.mark.parametrize("ranks, frames", [long(None, False), (2, True)])
def test_memory_is_what_ecsmpi_plan_says(ranks, frames, tmp_path):
    """About 9 bytes a voxel, and 8 more for whole frames.

    Measured, it is that to the few percent that allocators round up. Each rank has u with 2 ghost
    planes, on two ranks 6 planes of messages, and the rows of one pass that are ahead.
    """
    shape = (192, 128, 128)  # so large that the buffers of MPI libraries count for little
    words = ["memory", "--shape", *map(str, shape)]
    if frames:
        words.append("--frames")
    said, (record,) = bench(tmp_path, ranks, *words)
    check_record(record, "memory", ranks or 1)
    assert f"{record['bytes_a_voxel']:.1f} bytes a voxel" in said
    assert ("whole frames written" in said) == frames
    layout = step_model.Layout(1, ranks or 1, 1)
    planned = step_model.memory(step_model.Workload(shape, r=0.001), layout, frames)
    expected = layout.ranks * (planned["grid"] + planned["output"]) / math.prod(shape)
    of_messages = 6 if layout.ranks == 2 else 0
    in_planes = 8 * (192 + (2 + of_messages) * layout.ranks) / 192 + 8 * frames
    assert in_planes < expected < in_planes + 8 * 0.2
    assert record["bytes_a_voxel"] == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(
    "kind",
    ["kernel", "neuron", "strong", "weak", "exchange", "gate", "memory", "start", "plot", None],
)
def test_help_says_what_is_measured_without_starting_anything(kind, capsys):
    with pytest.raises(SystemExit) as left:
        main(["bench", *filter(None, [kind]), "--help"])
    said = capsys.readouterr().out
    assert left.value.code == 0 and "%%" not in said
    assert len(said.split("options:")[0].split()) > 30


# what goes wrong


@pytest.mark.parametrize(
    "wrong, named",
    [({"repetitions": 5}, "got 5"), ({"seconds": -1.0}, "got -1"), ({"warm_up": 0}, "got 0")],
)
def test_effort_refuses_what_measures_nothing(wrong, named):
    with pytest.raises(ValueError, match=named):
        Effort(**wrong)


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"shape": (4, 4, 0)}, "4, 4, 0"),
        ({"species": 0}, "got 0"),
        ({"segments": -1}, "-1"),
        ({"dt": 0.0}, "dt"),
    ],
)
def test_problem_refuses_what_is_none(wrong, named):
    with pytest.raises(ValueError, match=named):
        Problem(**{"shape": (4, 4, 4), **wrong})


@pytest.mark.parametrize(
    "ranks, words, named",
    [
        long(2, ["strong", "--threads", "1,2"], "give --ranks too"),
        (2, ["strong", "--ranks", "1,2"], "without mpirun"),
        long(2, ["neuron"], "without mpirun"),
        (2, ["kernel", "--repetitions", "5"], "needs 6 repetitions"),
        (None, ["kernel", "--shape", "4", "4", "0"], "not a positive whole number"),
        (2, ["kernel", "--json", "nowhere/file"], "nowhere/file"),
        (None, ["strong", "--mpirun", "srun"], "--mpirun needs --ranks"),
        (None, ["strong", "--ranks", "1", "--mpirun", "no-such-launcher"], "no-such-launcher"),
    ],
)
def test_mistakes_are_said_once_before_anything_runs(ranks, words, named, tmp_path):
    done = mpirun(ranks, ["ecsmpi", "bench", *words], cwd=tmp_path, timeout=30)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("error: ") + done.stderr.count("ecsmpi: ") == 1
    assert named in done.stderr


def test_launch_that_fails_is_said_with_its_words(tmp_path):
    words = ["ecsmpi", "bench", "strong", "--ranks", "1", "--mpirun", "false"]
    done = mpirun(None, words, cwd=tmp_path)
    assert done.returncode == 2 and "ended with status 1" in done.stderr
