"""`ecsmpi bench`: the harness measures what it says, and what it writes can be read and drawn."""

import json
from math import comb

import pytest
from conftest import mpirun
from hypothesis import given
from hypothesis import strategies as st

from ecsmpi.bench.problem import Problem
from ecsmpi.bench.records import read
from ecsmpi.bench.repetition import Effort, Times, median_interval
from ecsmpi.bench.scaling import base_of, cores, throughput
from ecsmpi.bench.scripts import tutorial
from ecsmpi.cli import main

SMALL = ["--shape", "12", "10", "16"]
QUICK = ["--repetitions", "6", "--seconds", "0.01"]
KEYS = {
    "kind", "ranks", "threads", "nodes", "shape", "species", "segments", "dt", "step_seconds",
    "step_seconds_interval", "repetitions", "phases", "phases_max", "provenance", "step_times",
}  # fmt: skip
PROVENANCE = {
    "date",
    "cpu",
    "cores",
    "node_cores",
    "memory_bytes",
    "ecsmpi",
    "neuron",
    "numpy",
    "numba",
    "mpi4py",
    "mpi",
    "python",
}


def bench(tmp_path, ranks, *words, status=0):
    """Run `ecsmpi bench WORDS --json FILE`; its output and the records it wrote."""
    path = tmp_path / "records.jsonl"
    done = mpirun(ranks, ["ecsmpi", "bench", *words, "--json", path], cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, read(path)


def check_record(record, kind, ranks, threads=1):
    """The laws of every record."""
    assert KEYS <= record.keys() and PROVENANCE <= record["provenance"].keys()
    assert (record["kind"], record["ranks"], record["threads"], record["nodes"]) == (kind, ranks, threads, 1)
    lo, hi = record["step_seconds_interval"]
    assert 0 < lo <= record["step_seconds"] <= hi
    assert record["repetitions"] == len(record["step_times"])
    assert min(record["step_times"]) <= lo and hi <= max(record["step_times"])
    for name, mean in record["phases"].items():
        assert 0 <= mean <= record["phases_max"][name] * (1 + 1e-12)


# what a median and its interval are


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60))
def test_interval_is_of_measured_values_and_holds_the_median(values):
    lo, hi = median_interval(values)
    assert lo in values and hi in values
    assert lo <= Times(values).median <= hi


@pytest.mark.parametrize("n, k", [(6, 1), (9, 2), (12, 3), (20, 6), (40, 14), (100, 40)])
def test_interval_is_the_narrowest_that_covers_95_percent(n, k):
    """Order statistics of the sign test, as statistical tables have them."""
    assert median_interval(range(1, n + 1)) == (k, n + 1 - k)
    missed = [2 * sum(comb(n, i) for i in range(rank)) / 2**n for rank in (k, k + 1)]
    assert missed[0] <= 0.05 < missed[1]


def test_interval_of_thousands_of_values_is_found():
    lo, hi = median_interval(range(5000))
    assert lo < 2500 < hi and hi - lo < 200


def test_interval_of_few_values_is_their_range():
    assert median_interval([3.0, 1.0, 2.0]) == (1.0, 3.0)
    with pytest.raises(ValueError, match="no values"):
        median_interval([])


@pytest.mark.parametrize(
    "wrong, named", [({"repetitions": 5}, "got 5"), ({"seconds": -1.0}, "got -1"), ({"warm_up": 0}, "got 0")]
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


def test_weak_problem_grows_with_the_ranks():
    grown = Problem((4, 5, 6), segments=7).times(3)
    assert (
        grown.shape == (12, 5, 6)
        and grown.segments == 21
        and grown.traffic == 48 * grown.voxels == 48 * 3 * 120
    )


# each measurement, on one rank and on two


@pytest.mark.parametrize("ranks", [None, 2])
def test_kernel_tells_the_step_its_phases_and_the_floor(ranks, tmp_path):
    said, (record,) = bench(tmp_path, ranks, "kernel", *SMALL, "--threads", "1", "--reproducible", *QUICK)
    check_record(record, "kernel", ranks or 1)
    assert record["shape"] == [12, 10, 16] and record["segments"] == 0
    assert record["copy_bytes_per_second"] > 1e8
    assert sum(record["phases"].values()) == pytest.approx(record["step_seconds"], rel=0.5)
    assert record["phases"]["up"] > 0 and record["phases"]["down"] > 0
    ns = 1e9 * record["step_seconds"] / (12 * 10 * 16)
    floor = 48 / record["copy_bytes_per_second"] * 1e9
    assert (
        f"{ns:.3f} ns a voxel" in said and f"{floor:.3f} ns a voxel" in said and f"{floor / ns:.2f}" in said
    )
    assert {"start", "compile", "build", "finitialize"} == record["setup_seconds"].keys()
    assert said.count("traffic floor") == 1
    again = record["reproducible"]
    lo, hi = again["step_seconds_interval"]
    assert 0 < lo <= again["step_seconds"] <= hi and again["step_times"] != record["step_times"]
    assert f"{again['step_seconds'] / record['step_seconds']:.2f} times the step above" in said


def test_strong_measures_its_own_ranks_with_cells(tmp_path):
    _, (record,) = bench(
        tmp_path, 2, "strong", *SMALL, "--segments", "70", "--species", "2", "--threads", "1", *QUICK
    )
    check_record(record, "strong", 2)
    assert record["shape"] == [12, 10, 16] and record["segments"] == 70 and record["species"] == 2
    assert record["phases"]["neuron"] > 0 and record["phases"]["currents"] > 0


def test_weak_grows_with_a_list_of_ranks(tmp_path):
    said, records = bench(
        tmp_path, None, "weak", "--ranks", "1,2", "--threads", "1", *SMALL, "--segments", "60", *QUICK
    )
    for ranks, record in zip((1, 2), records, strict=True):
        check_record(record, "weak", ranks)
        assert record["shape"] == [12 * ranks, 10, 16] and record["segments"] == 60 * ranks
    speed_up = 2 * records[0]["step_seconds"] / records[1]["step_seconds"]
    assert f"{speed_up:.2f}" in said and f"{speed_up / 2:.0%}" in said


def test_strong_over_a_list_of_threads_can_be_drawn_with_a_model(tmp_path):
    said, records = bench(tmp_path, None, "strong", "--ranks", "1", "--threads", "1,2", *SMALL, *QUICK)
    for threads, record in zip((1, 2), records, strict=True):
        check_record(record, "strong", 1, threads)
    assert "speed-up" in said and f"{1e3 * records[0]['step_seconds']:.4g} ms a step" in said
    modelled = {**records[0], "kind": "model", "ranks": 4}
    with open(tmp_path / "records.jsonl", "a") as file:
        file.write(json.dumps(modelled) + "\n" + json.dumps({**records[0], "kind": "weak"}) + "\n")
    done = mpirun(None, ["ecsmpi", "bench", "plot", "records.jsonl", "-o", "scaling.png"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_model_has_a_line_for_each_number_of_threads():
    from matplotlib.figure import Figure

    from ecsmpi.bench import pictures

    def made(kind, ranks, threads):
        return {"kind": kind, "ranks": ranks, "threads": threads, "shape": [64, 64, 64],
                "step_seconds": 1 / (ranks * threads**0.5)}  # fmt: skip

    models = [made("model", ranks, threads) for ranks in (8, 1, 2) for threads in (2, 1, 4)]
    axes = Figure().subplots()
    problem = pictures._Scaling("strong", [made("strong", 1, 1), made("strong", 2, 2)], models)
    pictures._draw_curves(axes, problem, lambda record, value: value)
    dashed = {line.get_label(): line for line in axes.lines if line.get_linestyle() == "--"}
    assert dashed.keys() == {"model, 1 thread a rank", "model, 2 threads a rank", "model, 4 threads a rank"}
    for threads, line in zip((1, 2, 4), (dashed[label] for label in sorted(dashed))):
        cores, speed_up = line.get_data()
        assert list(cores) == [threads, 2 * threads, 8 * threads]
        assert list(speed_up) == pytest.approx([ranks * threads**0.5 for ranks in (1, 2, 8)])
    measured = {container.get_label(): container[0].get_color() for container in axes.containers}
    assert all(dashed[f"model, {label}"].get_color() == colour for label, colour in measured.items())


@pytest.mark.parametrize("ranks", [None, 2])
def test_exchange_measures_plan_and_step_in_each_layout(ranks, tmp_path):
    said, records = bench(tmp_path, ranks, "exchange", *SMALL, "--segments", "1", "1e3", *QUICK)
    assert [(one["segments"], one["layout"]) for one in records] == [
        (segments, layout) for segments in (1, 1000) for layout in ("neurites", "spread", "one voxel")
    ]
    for one in records:
        check_record(one, "exchange", ranks or 1)
        assert one["plan_seconds"] > 0 and one["grid_step_seconds"] > 0 and set(one["phases"]) == {"deposit", "collect"}
        assert sum(one["phases"].values()) == pytest.approx(one["step_seconds"], rel=0.9)
    assert said.count("1,000 segments") == 3 and said.count("% of the grid's") == 6


@pytest.mark.parametrize("ranks", [None, 2])
def test_memory_tells_bytes_a_voxel(ranks, tmp_path):
    said, (record,) = bench(tmp_path, ranks, "memory", "--shape", "96", "96", "96")
    check_record(record, "memory", ranks or 1)
    assert 12 < record["bytes_a_voxel"] < 40 and f"{record['bytes_a_voxel']:.1f} bytes a voxel" in said


def test_neurons_table_has_its_rows_and_its_status(tmp_path):
    words = ["--edge", "12", "--initial-edge", "10", "--rounds", "1", "--repetitions", "2"]
    path = tmp_path / "records.jsonl"
    done = mpirun(None, ["ecsmpi", "bench", "neuron", *words, "--json", path], cwd=tmp_path)
    (record,) = read(path)
    missed = [row["what"] for row in record["rows"] if row["met"] is False]
    assert done.returncode == int(bool(missed)), done.stdout + done.stderr
    rows = {row["what"]: row for row in record["rows"]}
    step, start = rows["step, 12^3 voxels, one thread"], rows["finitialize, 10^3 voxels"]
    richer = ("step, varying volume fraction and tortuosity", "step with a reaction of three species")
    for row in (step, start, *(rows[f"{what}, 12^3, one thread"] for what in richer)):
        assert (
            row["value"] == pytest.approx(row["neuron"] / row["ecsmpi"])
            and f"{row['value']:.3g}" in done.stdout
        )
    assert rows["first start, above NEURON's"]["ecsmpi"] > rows["later starts, above NEURON's"]["ecsmpi"]
    assert len(rows) >= 6 and len(record["runs"]["box, NEURON"]) == 1
    check_record(record | {"step_times": record["runs"]["box, ecsmpi"][0]["step_seconds"]["1"]}, "neuron", 1)


def test_models_rows_are_the_differences_that_parts_make(monkeypatch):
    from ecsmpi.bench import model

    seconds = {("NEURON", False): [0.02, 0.05], ("NEURON", True): 0.25, ("ecsmpi", False): [0.01, 0.02], ("ecsmpi", True): 0.03}

    def run(comparison, backend, ranks, dx, cells):
        taken = seconds[backend, cells]
        steps = {"all": [taken] * 7} if cells else dict(zip(("grid", "reactions"), ([one] * 7 for one in taken)))
        return lambda: {"step_seconds": steps, "bytes": 2e6 if backend == "NEURON" else 4e6}

    monkeypatch.setattr(model, "_run", run)
    record = model.compare(model.Comparison(ranks=(1, 2)), say=lambda text: None)
    rows = {row["what"]: row for row in record["rows"]}
    for where in ("25 um, 1 process", "10 um, 2 processes"):
        found = {part: rows[f"{where}: {part}"] for part in ("cells", "reactions", "grid", "in all", "memory of all ranks")}
        values = {part: (row["neuron"], row["ecsmpi"]) for part, row in found.items()}
        expected = {"cells": (2000, 100), "reactions": (300, 100), "grid": (200, 100), "in all": (2500, 300), "memory of all ranks": (2, 4)}
        assert values == {part: pytest.approx(pair) for part, pair in expected.items()}
    assert rows["25 um, 1 process: grid"]["met"] and rows["10 um, 1 process: in all"]["met"]
    assert rows["10 um, 1 process: grid"]["met"] is None
    check_record(record | {"shape": [1, 1, 1], "species": 1, "segments": 0, "dx": 25}, "slice", 1)


def test_slice_is_timed_with_and_without_its_cells(tmp_path):
    from ecsmpi.bench import model

    small = model.Comparison(size="mini", thickness=60, density=90_000, repetitions=2)
    for cells, parts in ((True, {"all"}), (False, {"grid", "reactions"})):
        found = model._run(small, "ecsmpi", 2, 25, cells)()
        assert found["step_seconds"].keys() == parts and found["bytes"] > 1e8
        assert all(len(taken) == 2 and min(taken) > 0 for taken in found["step_seconds"].values())


# what goes wrong


@pytest.mark.parametrize(
    "ranks, words, named",
    [
        (2, ["strong", "--threads", "1,2"], "give --ranks too"),
        (2, ["strong", "--ranks", "1,2"], "without mpirun"),
        (2, ["neuron"], "without mpirun"),
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
    assert done.stderr.count("error: ") + done.stderr.count("ecsmpi: ") == 1 and named in done.stderr


@pytest.mark.parametrize(
    "line, named", [("{", "line 2"), ('{"kind": "lunch"}', "one of strong"), ('{"kind": "weak"}', "no ranks")]
)
def test_what_is_no_record_is_named(line, named, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text("\n" + line + "\n")
    with pytest.raises(ValueError, match=named):
        read(path)


def test_nothing_to_draw_is_an_error(tmp_path):
    kernel = {"kind": "kernel", "ranks": 1, "threads": 1, "shape": [4, 4, 4], "step_seconds": 1.0}
    (tmp_path / "kernel.jsonl").write_text(json.dumps(kernel))
    done = mpirun(None, ["ecsmpi", "bench", "plot", "kernel.jsonl", "-o", "none.png"], cwd=tmp_path)
    assert done.returncode == 2 and "got kernel" in done.stderr and not (tmp_path / "none.png").exists()


def test_launch_that_fails_is_said_with_its_words(tmp_path):
    done = mpirun(None, ["ecsmpi", "bench", "strong", "--ranks", "1", "--mpirun", "false"], cwd=tmp_path)
    assert done.returncode == 2 and "ended with status 1" in done.stderr


# how launches compare


def test_speed_up_is_voxels_a_second_over_the_fewest_cores():
    def launch(ranks, threads, nx, seconds):
        return {"ranks": ranks, "threads": threads, "shape": [nx, 4, 4], "step_seconds": seconds}

    strong = [launch(2, 2, 8, 1.0), launch(1, 2, 8, 3.0), launch(2, 1, 8, 2.0)]
    base = base_of(strong)
    assert base is strong[2] and cores(strong[0]) == 4
    assert throughput(strong[0]) / throughput(base) == 2
    assert (
        throughput(launch(2, 1, 16, 2.0)) / throughput(base) == 2
    )  # weak: twice the voxels in the same time


def test_tutorials_script_gets_another_space_or_none():
    source = (
        "import sys\nfrom ecsmpi import rxd\necs = rxd.Extracellular(0)\nk = rxd.Species(ecs)\nn.dt = 20\n"
    )
    assert tutorial.with_space_of("neuron", source) == source.replace("ecsmpi", "neuron")
    assert all(tutorial.with_space_of(none, source) == "import sys\nn.dt = 20\n" for none in ("none", "potentials"))
    with pytest.raises(SystemExit, match="one line each"):
        tutorial.with_space_of("none", source.replace("k = ", "kk = "))


@pytest.mark.parametrize("kind", ["kernel", "neuron", "strong", "weak", "exchange", "memory", "plot", None])
def test_help_says_what_is_measured_without_starting_anything(kind, capsys):
    with pytest.raises(SystemExit) as left:
        main(["bench", *filter(None, [kind]), "--help"])
    said = capsys.readouterr().out
    assert left.value.code == 0 and "%%" not in said
    assert len(said.split("options:")[0].split()) > 30
