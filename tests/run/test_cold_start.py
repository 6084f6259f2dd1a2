"""A cold start compiles in a process of its own: see ecsmpi/ranks/compiling.py."""

import re
import shutil

from ecsmpi.benchmarks.comparisons import launches, start
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun

PROGRAM = PROGRAMS / "run" / "cold_start.py"


def started(folder, *words):
    """Start a model; return what the start took.

    (functions compiled, peak of memory in kB, processes left, mean of the concentrations).
    """
    done = mpirun(
        None, ["python", PROGRAM, *words], env={"NUMBA_CACHE_DIR": folder}, timeout=300
    )
    assert done.returncode == 0, done.stderr
    count, peak, left, mean = re.search(
        r"compiled (\d+) .* peak (\d+) left (\d+) mean (\S+)", done.stdout
    ).groups()
    return int(count), int(peak), int(left), mean


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """The folder of a cold start, and what that start printed."""
    folder = tmp_path_factory.mktemp("cold") / "cache"
    return folder, started(folder)


@pytest.mark.long  # in every run: a later process loads what an earlier one compiled
def test_the_run_keeps_none_of_the_compilers_memory(cold):
    folder, (count, peak, left, mean) = cold
    warm = started(folder)
    assert (count, left) == (0, 0)
    assert warm == (0, warm[1], 0, mean)
    assert peak < 1.1 * warm[1]
    assert len(list((folder / "ecsmpi").glob("loops-*.so"))) == 4


@pytest.mark.long  # in every run: what another process has compiled
@pytest.mark.parametrize("fault", ["nowhere", "ends"])
def test_a_run_compiles_by_itself_where_no_other_process_can(cold, tmp_path, fault):
    _, (_, _, _, expected) = cold
    count, _, left, mean = started(tmp_path / "cache", fault)
    assert count > 10 and (left, mean) == (0, expected)
    # The only library is that of the import, before the fault.
    assert len(list((tmp_path / "cache" / "ecsmpi").glob("loops-*"))) == 1


def test_bench_start_measures_a_first_start_and_a_later_one(tmp_path):
    script = tmp_path / "model.py"
    shutil.copy(PROGRAMS / "run" / "starts.py", script)
    found = start.measure([str(script), "--own"], 1)
    (first,), (later,) = found["first"], found["later"]
    assert first.memory > 300e6 > 2 * later.memory
    assert first.processor > later.processor > 0
    assert first.seconds > 0
    assert re.search(
        rf"first .* {first.memory / 1e6:.0f}\n.*later ", start.report(found), re.DOTALL
    )
    script.write_text("raise ValueError('no such morphology')")
    with pytest.raises(launches.LaunchFailed, match="no such morphology"):
        start.measure([str(script)], 1)
