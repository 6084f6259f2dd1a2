"""The jobs of slurm/, as far as they can be judged without a SLURM; scripts/test-slurm runs them in
one.
"""

import os
import shutil
import signal
import subprocess
import time

import pytest

from support.processes import end_session
from support.ranks import ROOT

JOBS = sorted((ROOT / "slurm").glob("*.sbatch"))

# Stands for srun: does at once, or never, what the name of a model says. "$2" is the recording.
SRUN = """#!/usr/bin/env bash
echo "$*" >> srun.log
while [ "$1" != --begun ]; do shift; done
begun="$2"
while [ "$1" != --output ]; do shift; done
ends_with() { trap "kill \\$!; exit $1" USR1; sleep 60 & touch "$begun" "$slow"; wait; }
slow="$2.slow"
case "$3" in
    early.py | stuck.py)  # some ranks hear USR1 and leave, and let the others wait for ever
        trap 'echo USR1 >> signals.log' USR1
        [ "$3" = early.py ] || trap '' TERM  # nor do they hear this one
        touch "$slow"; for i in $(seq 60); do sleep 1; done ;;
    slow.py) ends_with 75 ;;
    ending.py) ends_with 138 ;;  # the signal comes when Python no longer hears it
    lost.py) ends_with 3 ;;
    bad.py) exit 3 ;;
    killed.py) touch "$begun"; kill -USR1 $$ ;;
    *) touch "$begun"; echo whole > "$2" ;;
esac
"""
SCONTROL = '#!/bin/sh\necho "$*" >> scontrol.log\n'


@pytest.fixture
def job(tmp_path):
    """Start a file of slurm/ in a folder of its own, in the environment of a job of 2 nodes, 2
    ranks each.
    """
    shutil.copytree(ROOT / "slurm", tmp_path / "slurm")
    for name, text in {
        ".venv/bin/activate": "",
        "bin/srun": SRUN,
        "bin/scontrol": SCONTROL,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SLURM_", "ECSMPI_"))
    }
    environment = {
        **clean,
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "SLURM_JOB_ID": "7",
        "SLURM_NTASKS": "4",
        "SLURM_NTASKS_PER_NODE": "2",
    }

    jobs = []

    def start(*words, **more):
        process = subprocess.Popen(
            ["bash", *words],
            cwd=tmp_path,
            env={**environment, **more},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        jobs.append(process)
        return process

    yield start
    for process in jobs:  # as SLURM ends what a job leaves behind
        end_session(process)


def finish(process):
    said, _ = process.communicate(timeout=30)
    return process.returncode, said


def chain(job, folder, *runs):
    (folder / "runs.txt").write_text("# a comment\n\n" + "".join(f"{run}\n" for run in runs))
    return job("slurm/chain.sbatch", "runs.txt")


def stopped(process, part):
    """What a chain says that gets USR1 during the run that fills `part`."""
    deadline = time.monotonic() + 20
    while not list(part.glob("*.slow")):
        assert time.monotonic() < deadline, "the run never began"
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)
    return finish(process)


@pytest.mark.parametrize(
    "path",
    [*JOBS, ROOT / "slurm" / "site.sh", ROOT / "scripts" / "test-slurm"],
    ids=lambda path: path.name,
)
def test_file_is_bash(path):
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_job_begins_with_how_to_submit_it_and_what_to_edit(path):
    header = path.read_text().partition("\nset -euo pipefail\n. slurm/site.sh\n")[0]
    assert f"slurm/{path.name}" in header
    assert "\n# Edit: " in header
    assert "\n#SBATCH --time=" in header


def test_page_on_clusters_names_every_job():
    page = (ROOT / "docs" / "howto" / "clusters.md").read_text()
    assert [path.name for path in JOBS if path.name not in page] == []


@pytest.mark.parametrize("ranks, nodes", [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_few_ranks_fill_one_node_before_the_next(job, ranks, nodes):
    source = f'. slurm/site.sh; launch_on {ranks}; echo "${{launch[*]}} / $NUMBA_NUM_THREADS"'
    status, said = finish(job("-c", source, SLURM_CPUS_PER_TASK="3"))
    assert status == 0
    assert f"--nodes={nodes} --ntasks={ranks} --ntasks-per-node=2 --cpus-per-task=3 " in said
    assert said.endswith("/ 3\n")


def test_unknown_launcher_is_named(job):
    status, said = finish(job("slurm/single.sbatch", ECSMPI_LAUNCHER="aprun"))
    assert status == 2
    assert "must be srun or mpirun, got 'aprun'" in said


def test_chain_repeats_no_finished_run(job, tmp_path):
    assert finish(chain(job, tmp_path, "one good.py --tstop 5"))[0] == 0
    status, said = finish(chain(job, tmp_path, "one good.py --tstop 5", "two good.py"))
    assert status == 0, said
    assert "one: finished before" in said
    assert (tmp_path / "runs" / "two" / "two.h5").read_text() == "whole\n"
    launched = (tmp_path / "srun.log").read_text().splitlines()
    assert len(launched) == 2
    assert launched[0].endswith("runs/one.part/one.h5 good.py --tstop 5")


def test_chain_goes_on_after_a_failed_run_and_fails(job, tmp_path):
    status, said = finish(chain(job, tmp_path, "one bad.py", "two good.py"))
    assert status == 1
    assert "failed: one" in said
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["one.part", "two"]


def test_chain_near_its_limit_goes_back_to_the_queue(job, tmp_path):
    process = chain(job, tmp_path, "one good.py", "two slow.py", "three good.py")
    status, said = stopped(process, tmp_path / "runs" / "two.part")
    assert status == 0, said
    assert (tmp_path / "scontrol.log").read_text() == "requeue 7\n"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["one", "two.part"]

    status, said = finish(chain(job, tmp_path, "one good.py", "two good.py", "three good.py"))
    assert status == 0, said
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "one",
        "three",
        "two",
    ]


@pytest.mark.parametrize("model", ["early.py", "stuck.py"])
def test_chain_whose_run_has_not_begun_goes_back_to_the_queue_and_waits_for_no_checkpoint(
    model, job, tmp_path
):
    """Ranks of such a run may hear USR1 or not, and wait for each other for ever."""
    status, said = stopped(
        chain(job, tmp_path, f"one {model}", "two good.py"), tmp_path / "runs" / "one.part"
    )
    assert status == 0, said
    assert "one goes on in the next job" in said and "failed" not in said
    assert (tmp_path / "scontrol.log").read_text() == "requeue 7\n"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["one.part"]
    assert not (tmp_path / "signals.log").exists()


def test_chain_takes_no_file_of_an_earlier_job_for_a_run_that_has_begun(job, tmp_path):
    part = tmp_path / "runs" / "one.part"
    part.mkdir(parents=True)
    (part / "begun").touch()
    status, said = stopped(chain(job, tmp_path, "one early.py"), part)
    assert status == 0, said
    assert not (tmp_path / "signals.log").exists()


def test_chain_whose_run_the_signal_finds_as_it_ends_goes_back_to_the_queue(job, tmp_path):
    status, said = stopped(
        chain(job, tmp_path, "one ending.py"), tmp_path / "runs" / "one.part"
    )
    assert status == 0, said
    assert "one goes on in the next job" in said and "failed" not in said


def test_chain_told_to_stop_while_nothing_runs_starts_nothing_more(job, tmp_path):
    """The signal comes between two runs: here, while the folder of the first is made ready."""
    slow = tmp_path / "bin" / "mkdir"
    slow.write_text(
        "#!/bin/sh\n"
        '/bin/mkdir "$@"\n'
        'case "$*" in *one.part) touch runs/one.part/one.slow; sleep 2 ;; esac\n'
    )
    slow.chmod(0o755)
    status, said = stopped(
        chain(job, tmp_path, "one slow.py", "two good.py"), tmp_path / "runs" / "one.part"
    )
    assert status == 0, said
    assert "one goes on in the next job" in said
    assert (tmp_path / "scontrol.log").read_text() == "requeue 7\n"


def test_chain_whose_run_dies_of_a_signal_that_nobody_sent_fails(job, tmp_path):
    status, said = finish(chain(job, tmp_path, "one killed.py", "two good.py"))
    assert status == 1
    assert "failed: one" in said and not (tmp_path / "scontrol.log").exists()


def test_chain_whose_run_writes_no_checkpoint_near_its_limit_fails(job, tmp_path):
    status, said = stopped(chain(job, tmp_path, "one lost.py"), tmp_path / "runs" / "one.part")
    assert status == 1
    assert "one failed" in said
    assert not (tmp_path / "scontrol.log").exists()


def test_chain_without_runs_is_an_error(job, tmp_path):
    status, said = finish(chain(job, tmp_path))
    assert status == 2
    assert "runs.txt lists no run" in said


def test_nothing_measured_is_nothing_to_plot(job):
    status, said = finish(job("slurm/collect.sbatch", "41"))
    assert status == 1
    assert "job 41 left nothing in scaling/41" in said


@pytest.mark.parametrize("option, expected", [([], 1), (["--optional"], 0)])
def test_where_slurm_cannot_be_tested_the_reason_is_said(tmp_path, option, expected):
    for name in ("bash", "dirname", "env", "mktemp", "rm"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name, text in {"id": "echo 1000", "nproc": "echo 2", "apt-get": "exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts" / "test-slurm", *option],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == expected
    assert "only root can: apt-get install slurmctld" in done.stdout + done.stderr
