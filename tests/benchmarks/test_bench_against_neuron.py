"""`ecsmpi bench` against NEURON: rows and status of the comparisons, the slice's parts and the
tutorial's script.
"""

from ecsmpi.benchmarks.records import read
from ecsmpi.benchmarks.scripts import tutorial
import pytest

from support.ranks import mpirun
from support.record_laws import check_record


@pytest.mark.long
def test_neurons_table_has_its_rows_and_its_status(tmp_path):
    words = ["--edge", "12", "--initial-edge", "10", "--rounds", "1", "--repetitions", "2"]
    path = tmp_path / "records.jsonl"
    done = mpirun(
        None, ["ecsmpi", "bench", "neuron", *words, "--json", path], cwd=tmp_path, timeout=240
    )
    (record,) = read(path)
    missed = [row["what"] for row in record["rows"] if row["met"] is False]
    assert done.returncode == int(bool(missed)), done.stdout + done.stderr
    rows = {row["what"]: row for row in record["rows"]}
    step, start = rows["step, 12^3 voxels, one thread"], rows["finitialize, 10^3 voxels"]
    richer = (
        "step, varying volume fraction and tortuosity",
        "step with a reaction of three species",
    )
    for row in (step, start, *(rows[f"{what}, 12^3, one thread"] for what in richer)):
        assert row["value"] == pytest.approx(row["neuron"] / row["ecsmpi"])
        assert f"{row['value']:.3g}" in done.stdout
    starts = {"first start, above NEURON's", "later starts, above NEURON's"}
    assert starts <= rows.keys() and len(rows) >= 6
    assert len(record["runs"]["box, NEURON"]) == 1
    check_record(
        record | {"step_times": record["runs"]["box, ecsmpi"][0]["step_seconds"]["1"]},
        "neuron",
        1,
    )


def test_models_rows_are_the_differences_that_parts_make(monkeypatch):
    from ecsmpi.benchmarks.comparisons import brain_slice

    seconds = {
        ("NEURON", False): [0.02, 0.05],
        ("NEURON", True): 0.25,
        ("ecsmpi", False): [0.01, 0.02],
        ("ecsmpi", True): 0.03,
    }

    def measure(comparison, run):
        taken = seconds[run.backend, run.cells]
        steps = (
            {"all": [taken] * 7}
            if run.cells
            else dict(zip(("grid", "reactions"), ([one] * 7 for one in taken)))
        )
        return {"step_seconds": steps, "bytes": 2e6 if run.backend == "NEURON" else 4e6}

    monkeypatch.setattr(brain_slice, "measure", measure)
    record = brain_slice.compare(brain_slice.Comparison(ranks=(1, 2)), say=lambda text: None)
    rows = {row["what"]: row for row in record["rows"]}
    for where in ("25 um, 1 process", "10 um, 2 processes"):
        found = {
            part: rows[f"{where}: {part}"]
            for part in ("cells", "reactions", "grid", "in all", "memory of all ranks")
        }
        values = {part: (row["neuron"], row["ecsmpi"]) for part, row in found.items()}
        expected = {
            "cells": (2000, 100),
            "reactions": (300, 100),
            "grid": (200, 100),
            "in all": (2500, 300),
            "memory of all ranks": (2, 4),
        }
        assert values == {part: pytest.approx(pair) for part, pair in expected.items()}
    assert rows["25 um, 1 process: grid"]["met"] and rows["10 um, 1 process: in all"]["met"]
    assert rows["10 um, 1 process: grid"]["met"] is None
    check_record(
        record | {"shape": [1, 1, 1], "species": 1, "segments": 0, "dx": 25}, "slice", 1
    )


@pytest.mark.long
def test_slice_is_timed_with_and_without_its_cells(tmp_path):
    from ecsmpi.benchmarks.comparisons import brain_slice

    small = brain_slice.Comparison(size="mini", thickness=60, density=90_000, repetitions=2)
    for cells, parts in ((True, {"all"}), (False, {"grid", "reactions"})):
        found = brain_slice.measure(small, brain_slice.Run("ecsmpi", 2, 25, cells))
        assert found["step_seconds"].keys() == parts and found["bytes"] > 1e8
        assert all(
            len(taken) == 2 and min(taken) > 0 for taken in found["step_seconds"].values()
        )


def test_tutorials_script_gets_another_space_or_none():
    source = (
        "import sys\n"
        "from ecsmpi import rxd\n"
        "ecs = rxd.Extracellular(0)\n"
        "k = rxd.Species(ecs)\n"
        "n.dt = 20\n"
    )
    assert tutorial.with_space_of("neuron", source) == source.replace("ecsmpi", "neuron")
    assert tutorial.with_space_of("none", source) == "import sys\nn.dt = 20\n"
    with pytest.raises(SystemExit, match="one line each"):
        tutorial.with_space_of("none", source.replace("k = ", "kk = "))
