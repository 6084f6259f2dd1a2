"""`ecsmpi bench rank`: what a rank takes above NEURON's own."""

from ecsmpi.benchmarks import records
from ecsmpi.benchmarks.comparisons import launches, rank
import pytest


def test_rows_are_medians_above_neurons_own(monkeypatch, tmp_path):
    runs = {
        "NEURON": [(40e6, 1.0), (44e6, 3.0), (42e6, 2.0)],
        "ecsmpi": [(99e6, 9.0), (60e6, 2.0), (104e6, 4.0), (52e6, 2.5)],
    }

    def run(comparison, backend, model, folder):
        memory, seconds = runs[backend].pop(0)
        return {"pss": [memory, memory + 1e6], "start_seconds": seconds}

    monkeypatch.setattr(rank, "_run", run)
    monkeypatch.setattr(rank, "MODEL", rank.MODEL / "missing")
    found = rank.compare(rank.Comparison(), say=lambda text: None)
    values = {row["what"].split(": ")[1]: (row["value"], row["met"]) for row in found["rows"]}
    assert values == {
        "memory of rank 0": (60 - 42, True),
        "memory of rank 1": (61 - 43, True),
        "later start": (pytest.approx(0.5), True),
        "first start": (9 - 2, True),
    }
    assert found["left_out"]
    records.append(tmp_path / "rank.jsonl", found)
    assert records.read(tmp_path / "rank.jsonl")[0]["rows"] == found["rows"]


@pytest.mark.parametrize("library", ["neuron", "ecsmpi"])
def test_each_rank_tells_its_memory(library):
    environment = {"NEURON_INIT_MPI": 1} if library == "neuron" else {}
    found = launches.run_script("rank.py", [library, "box"], 2, "mpirun", **environment)
    assert len(found["pss"]) == 2
    assert all(15e6 < memory < 300e6 for memory in found["pss"])
    assert found["start_seconds"] > 0
