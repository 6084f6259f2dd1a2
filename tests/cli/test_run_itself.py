"""`ecsmpi run` of a script that runs its model itself: it is shown and written all the same."""

import numpy as np
import pytest

from support.long_form import long
from support.run_command import MODEL, ecsmpi_run, read, succeeded

RUNS_ITSELF = (
    MODEL
    + """
for end in (0.5, 1):
    n.finitialize(-65)
    n.continuerun(end)
if rank == 0:
    print("at the end", k[ecs].local[0, 3, 4] if ranks == 1 else "")
"""
)


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_script_that_runs_itself_is_shown_and_written(ranks, tmp_path):
    done = succeeded(
        ecsmpi_run(tmp_path, RUNS_ITSELF, "--output", "k.h5", "--every", "0.2", ranks=ranks)
    )
    times, found = read(tmp_path / "k.h5")
    assert np.allclose(times, np.linspace(0, 1, 6), atol=1e-9)  # its last run
    if ranks is None:
        assert f"at the end {found['k'][-1, 0, 3, 4]}" in done.stdout
    assert "ecsmpi: t = 1 of 2 ms, " in done.stderr
    assert done.stdout.count("wrote k.h5") == 1


def test_script_that_runs_itself_needs_no_tstop(tmp_path):
    source = MODEL.replace('n.load_file("stdrun.hoc")\n', "").replace(
        "n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 2", ""
    )
    done = succeeded(
        ecsmpi_run(
            tmp_path,
            source
            + """
n.dt = 0.1
n.finitialize(-65)
for _ in range(10):
    n.fadvance()
""",
            "--output",
            "k.h5",
            "--every",
            "0.5",
        )
    )
    assert np.allclose(read(tmp_path / "k.h5")[0], [0, 0.5, 1])
    assert "ecsmpi: t = 1" in done.stderr


@pytest.mark.parametrize(
    "options, named",
    [(["--tstop", "3"], "--tstop"), (["--dt", "0.1", "--threads", "1"], "--dt and --threads")],
)
def test_script_that_runs_itself_refuses_what_it_decides(options, named, tmp_path):
    done = ecsmpi_run(tmp_path, RUNS_ITSELF, *options, ranks=2)
    assert done.returncode != 0
    words = (
        f"model.py runs its model itself, so {named} would do nothing: "
        "put its run under `if __name__ =="
    )
    assert (done.stdout + done.stderr).count(words) == 1, done.stderr
    assert "wrote" not in done.stdout
