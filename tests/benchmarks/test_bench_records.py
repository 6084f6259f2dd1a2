"""Records of `ecsmpi bench`: medians and their intervals, how launches compare, what can be read
and drawn.
"""

import json
from math import comb
import subprocess
import sys

from ecsmpi.benchmarks.records import read
from ecsmpi.benchmarks.repetition import Times, median_interval
from ecsmpi.benchmarks.reports.scaling import base_of, cores, throughput
from hypothesis import given
from hypothesis import strategies as st
import pytest

from support.ranks import mpirun

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


# how launches compare


def test_speed_up_is_voxels_a_second_over_the_fewest_cores():
    def launch(ranks, threads, nx, seconds):
        return {
            "ranks": ranks,
            "threads": threads,
            "shape": [nx, 4, 4],
            "step_seconds": seconds,
        }

    strong = [launch(2, 2, 8, 1.0), launch(1, 2, 8, 3.0), launch(2, 1, 8, 2.0)]
    base = base_of(strong)
    assert base is strong[2] and cores(strong[0]) == 4
    assert throughput(strong[0]) / throughput(base) == 2
    assert (
        throughput(launch(2, 1, 16, 2.0)) / throughput(base) == 2
    )  # weak: twice the voxels in the same time


def test_model_has_a_line_for_each_number_of_threads():
    from ecsmpi.benchmarks.reports import pictures
    from matplotlib.figure import Figure

    def made(kind, ranks, threads):
        return {
            "kind": kind,
            "ranks": ranks,
            "threads": threads,
            "shape": [64, 64, 64],
            "step_seconds": 1 / (ranks * threads**0.5),
        }

    models = [made("model", ranks, threads) for ranks in (8, 1, 2) for threads in (2, 1, 4)]
    axes = Figure().subplots()
    problem = pictures.Scaling("strong", [made("strong", 1, 1), made("strong", 2, 2)], models)
    pictures.draw_curves(axes, problem, lambda record, value: value)
    dashed = {line.get_label(): line for line in axes.lines if line.get_linestyle() == "--"}
    assert dashed.keys() == {
        "model, 1 thread a rank",
        "model, 2 threads a rank",
        "model, 4 threads a rank",
    }
    for threads, line in zip((1, 2, 4), (dashed[label] for label in sorted(dashed))):
        cores, speed_up = line.get_data()
        assert list(cores) == [threads, 2 * threads, 8 * threads]
        assert list(speed_up) == pytest.approx([ranks * threads**0.5 for ranks in (1, 2, 8)])
    measured = {
        container.get_label(): container[0].get_color() for container in axes.containers
    }
    assert all(
        dashed[f"model, {label}"].get_color() == colour for label, colour in measured.items()
    )


# what goes wrong


@pytest.mark.parametrize(
    "line, named",
    [("{", "line 2"), ('{"kind": "lunch"}', "one of strong"), ('{"kind": "weak"}', "no ranks")],
)
def test_what_is_no_record_is_named(line, named, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text("\n" + line + "\n")
    with pytest.raises(ValueError, match=named):
        read(path)


def test_nothing_to_draw_is_an_error(tmp_path):
    kernel = {
        "kind": "kernel",
        "ranks": 1,
        "threads": 1,
        "shape": [4, 4, 4],
        "step_seconds": 1.0,
    }
    (tmp_path / "kernel.jsonl").write_text(json.dumps(kernel))
    done = mpirun(
        None, ["ecsmpi", "bench", "plot", "kernel.jsonl", "-o", "none.png"], cwd=tmp_path
    )
    assert (
        done.returncode == 2
        and "got kernel" in done.stderr
        and not (tmp_path / "none.png").exists()
    )


def test_what_it_was_measured_on_is_found_without_loading_mpi():
    source = """
import sys
from ecsmpi.benchmarks.records import provenance
assert any(name in provenance()["mpi"] for name in ("Open MPI", "MPICH")), provenance()
assert "mpi4py.MPI" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", source], check=True)
