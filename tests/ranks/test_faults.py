"""Runs that go wrong end on every rank, with a status and a message that says why.

The last good checkpoint stays.
"""

from contextlib import nullcontext, suppress
import os
import re
import signal
import subprocess
import time

from ecsmpi.files.saved_checkpoint import SavedCheckpoint
import h5py
import numpy as np
import pytest

from support.faults import (
    TESTS,
    Killed,
    command,
    last_state,
    run,
    small_disk,
    soak,
    until,
    wait_for_ranks,
)
from support.long_form import in_every_run, long
from support.ranks import mpirun, started

TO_BE_CONTINUED = 75


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The state in which the run ends that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder).returncode == 0
    return last_state(folder)


def whole_sets(folder):
    """Steps of the checkpoints in a folder, each of which is whole."""
    found = [
        SavedCheckpoint(path)
        for path in sorted(folder.glob("*-step-*"))
        if not path.name.endswith(".part")
    ]
    for one in found:
        one.verify()
    return [one.manifest.step for one in found]


def fails(tmp_path, change, ranks=2, options=(), within=60):
    """What a run says whose model has `change` at its end, and which must fail."""
    done = run(tmp_path, *options, ranks=ranks, change=change, timeout=within)
    assert done.returncode not in (0, TO_BE_CONTINUED), done.stderr
    return done.stderr


AT_STEP_50 = """
class Trouble:
    def started(self, simulation, t): pass
    def ended(self): pass
    def stepped(self, simulation, t):
        if round(t / n.dt) == 50 and rank == ranks - 1:
            {action}
rxd.add_observer(Trouble())
"""
SLOW = "import support.slow\n"


@pytest.mark.parametrize("times", [1, long(3)])
def test_killed_rank_loses_nothing(times, tmp_path):
    killed = Killed(seed=1)
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    killed.through(tmp_path / "killed", killed.undisturbed(tmp_path / "whole"), times)
    assert killed.times == times


@pytest.mark.long
def test_memory_and_open_files_of_a_soaking_run_stay():
    assert "checkpoints" in soak(minutes=0.25)


@pytest.mark.parametrize("number", [signal.SIGUSR1, long(signal.SIGTERM)])
def test_signal_writes_a_checkpoint_and_says_to_be_continued(number, expected, tmp_path):
    """USR1 as mpirun passes it on to all ranks; TERM to one of them."""
    argv = [word if word != "4 steps" else "1h" for word in command(tmp_path, change=SLOW)]
    with started(2, argv, cwd=tmp_path) as process:
        ranks = wait_for_ranks(process, 2)
        until(lambda: (tmp_path / "there").exists())
        os.kill(process.pid if number == signal.SIGUSR1 else ranks[1], number)
        assert process.wait(60) == TO_BE_CONTINUED, process.said()
        assert f"{number.name}: stopped at t = " in process.said()
    assert len(whole_sets(tmp_path / "sets")) == 1
    assert run(tmp_path).returncode == 0
    assert last_state(tmp_path) == expected


BEFORE = {  # where a run is that has not begun
    "imports": ("import time; open('there', 'w').close(); time.sleep(60)\n", ""),
    "makes its model": ("", "\nimport time; open('there', 'w').close(); time.sleep(60)\n"),
    "compiles": (
        "",
        """
from ecsmpi.rxd.session import simulation
import time
def compile_for_long(*_): open('there', 'w').close(); time.sleep(60)
simulation.planner.kernels.compile_needed = compile_for_long
""",
    ),
}


@pytest.mark.parametrize("where", in_every_run(BEFORE, ["makes its model"]))
def test_signal_before_the_run_begins_says_to_be_continued(where, tmp_path):
    before, change = BEFORE[where]
    argv = command(tmp_path, change=change)
    model = tmp_path / "model.py"
    model.write_text(before + model.read_text())
    with started(2, argv, cwd=tmp_path) as process:
        until(lambda: (tmp_path / "there").exists())
        os.kill(process.pid, signal.SIGUSR1)
        assert process.wait(30) == TO_BE_CONTINUED, process.said()
        assert (
            process.said().count("SIGUSR1: stopped before the run began, to be continued") == 1
        )
    assert not list(tmp_path.glob("sets/*")) or whole_sets(tmp_path / "sets") == []


LATE = """
import os
from pathlib import Path
import sys
import time

class Watch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "mpi4py.MPI":
            Path("begins.part").write_text(str(os.getpid()))
            Path("begins.part").rename("begins")

if "run" in sys.orig_argv:
    if os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMI_RANK")) == "0":
        sys.meta_path.insert(0, Watch)
    else:
        time.sleep(60)
"""


def test_signal_ends_a_rank_that_waits_in_mpi_for_one_that_has_not_come(tmp_path, monkeypatch):
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "sitecustomize.py").write_text(LATE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "late"))
    with started(2, command(tmp_path), cwd=tmp_path) as process:
        until(lambda: (tmp_path / "begins").exists())
        time.sleep(1)  # until it is in MPI_Init
        os.kill(int((tmp_path / "begins").read_text()), signal.SIGUSR1)
        assert process.wait(30) not in (0, TO_BE_CONTINUED)


def test_signal_ends_ranks_that_wait_in_mpi_for_the_one_that_hears(tmp_path):
    """USR1 to one rank alone, while the other is in a call that hears nothing."""
    change = """
import os, time
from pathlib import Path
if rank == 1:
    Path("there.part").write_text(str(os.getpid()))
    Path("there.part").rename("there")
    time.sleep(60)
n.ParallelContext().barrier()
"""
    with started(2, command(tmp_path, change=change), cwd=tmp_path) as process:
        until(lambda: (tmp_path / "there").exists())
        os.kill(int((tmp_path / "there").read_text()), signal.SIGUSR1)
        assert process.wait(30) == TO_BE_CONTINUED, process.said()
        assert "SIGUSR1: stopped before the run began, to be continued" in process.said()


def test_signal_writes_a_checkpoint_once_the_run_says_that_it_has_begun(tmp_path):
    change = """
import os, time
if rank == 1:
    time.sleep(0.5)
assert not os.path.exists("begun")
"""
    options = ("--begun", "begun", "--tstop", "1e9")
    argv = command(tmp_path, *options, change=change)
    argv[argv.index("4 steps")] = "1h"
    with started(2, argv, cwd=tmp_path) as process:
        until(lambda: (tmp_path / "begun").exists() or process.poll() is not None)
        assert process.poll() is None, process.said()
        os.kill(process.pid, signal.SIGUSR1)
        assert process.wait(60) == TO_BE_CONTINUED, process.said()
        assert "SIGUSR1: stopped at t = " in process.said()
    assert len(whole_sets(tmp_path / "sets")) == 1


def test_signal_before_a_plain_script_begins_is_heard_once_it_has_a_checkpoint(tmp_path):
    (tmp_path / "model.py").write_text("""
import os, signal, time
from ecsmpi import rxd
from neuron import n
rxd.Checkpoint("sets")
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
""")
    done = mpirun(None, ["python", "model.py"], cwd=tmp_path, timeout=50)
    assert done.returncode == TO_BE_CONTINUED
    assert "SIGTERM: stopped before the run began" in done.stderr


def test_second_signal_ends_at_once(tmp_path):
    change = "import time\n" + AT_STEP_50.format(action="open('slow', 'w'); time.sleep(60)")
    argv = command(tmp_path, "--tstop", "1e9", change=change)
    with started(1, argv, cwd=tmp_path) as process:
        (rank,) = wait_for_ranks(process, 1)
        until(lambda: (tmp_path / "slow").exists())
        for _ in range(3):  # two that come before Python has heard the first are one
            with suppress(ProcessLookupError):  # it has ended
                os.kill(rank, signal.SIGUSR1)
            time.sleep(1)
        assert process.wait(10) not in (0, TO_BE_CONTINUED)


@pytest.mark.parametrize("options", [("--max-time", "20s"), long(())])
def test_time_limit_stops_with_a_checkpoint_and_output_goes_on(options, tmp_path):
    """By the option, or else by SLURM's end of the job."""
    output = ("--output", "k.h5", "--every", "0.5")
    assert run(tmp_path, *output, "--tstop", "8").returncode == 0
    os.rename(tmp_path / "k.h5", tmp_path / "whole.h5")
    subprocess.run(["rm", "-r", tmp_path / "sets"], check=True)
    end = {} if options else {"SLURM_JOB_END_TIME": str(int(time.time()) + 20)}
    slow = SLOW.replace("0.02", "0.05")
    done = run(tmp_path, *output, "--tstop", "8", *options, change=slow, env=end)
    assert done.returncode == TO_BE_CONTINUED, done.stderr
    assert "its time is up: stopped at t = " in done.stderr
    assert run(tmp_path, *output, "--tstop", "8").returncode == 0
    with h5py.File(tmp_path / "k.h5") as found, h5py.File(tmp_path / "whole.h5") as whole:
        assert np.array_equal(found["time"], whole["time"])
        assert len(found["time"]) == 17
        assert np.array_equal(found["k"], whole["k"])


def test_rank_that_fails_ends_all_and_names_the_cause(tmp_path):
    said = fails(tmp_path, AT_STEP_50.format(action="raise MemoryError('no room')"), ranks=3)
    assert "rank 2 of 3 failed and ends the job" in said
    assert "MemoryError: no room" in said
    assert whole_sets(tmp_path / "sets") == [44, 48]


@pytest.mark.parametrize("where", ["voxel", long("current")])
def test_what_is_no_number_is_named_and_never_kept(where, tmp_path):
    action = {
        "voxel": "k[ecs].local[1, 2, 3] = np.nan",
        "current": "next(iter(cells.values())).clamp.amp = np.nan",
    }[where]
    said = fails(tmp_path, AT_STEP_50.format(action=action))
    told = re.search(r"at t = ([\d.]+) ms (.*)", said)
    assert told and float(told[1]) <= (50 + 100) * 0.025
    assert re.search(r"k is nan mM in voxel \(\d+, \d+, \d+\) at \([\d., ]+\) um", told[2])
    assert where == "voxel" or ("ik of " in told[2] and "is nan mA/cm2" in told[2])
    assert max(whole_sets(tmp_path / "sets")) == 48 or where == "current"
    with h5py.File(tmp_path / "ecsmpi_last_frame.h5") as frame:
        assert np.isnan(frame["k"][:]).any()


def test_negative_concentration_is_told_once(tmp_path):
    command(tmp_path, change=AT_STEP_50.format(action="still[ecs].local[0, 0, 0] = -1"))
    done = mpirun(2, ["ecsmpi", "run", "model.py", "-q"], cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("species2 is -1 mM in voxel (20, 0, 0)") == 1


DISKS = {  # what happens to the folder of checkpoints at step 50
    "files limited": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))",
    "file in its place": "import os; os.rename('sets', 'old'); open('sets', 'w').close()",
    "small disk full": "from support.faults import fill_disk; fill_disk('sets')",
    "read-only": "from support.faults import read_only; read_only('sets')",
}


@pytest.mark.parametrize("trouble", in_every_run(DISKS, ["small disk full", "read-only"]))
def test_disk_that_takes_no_more_ends_all_ranks(trouble, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    began = time.monotonic()
    needs_disk = trouble in ("small disk full", "read-only")
    with small_disk(tmp_path / "sets") if needs_disk else nullcontext() as mounted:
        if mounted is False and (trouble == "small disk full" or os.getuid() == 0):
            pytest.skip("nobody can mount a disk here; a limit on the size of files stands in")
        said = fails(tmp_path, AT_STEP_50.format(action=DISKS[trouble]))
        assert "cannot write sets" in said
        assert "see that the disk has space left" in said
        assert trouble != "small disk full" or "No space left on device" in said
        assert trouble != "read-only" or re.search(
            "Read-only file system|Permission denied", said
        )
        assert time.monotonic() - began < 40
        assert whole_sets(tmp_path / ("old" if trouble == "file in its place" else "sets")) == [
            44,
            48,
        ]


FOLDERS = {  # what happens to the folder of checkpoints before the run begins, on one rank
    "read-only": (
        "from support.faults import read_only; read_only('sets')",
        "cannot write sets: .*(Read-only file system|Permission denied)",
    ),
    "another folder on one rank": (
        "import os; os.makedirs('elsewhere', exist_ok=True); os.chdir('elsewhere')",
        "rank 1 on .* does not see what rank 0 writes: give a folder that all nodes share",
    ),
}


@pytest.mark.parametrize(
    "trouble",
    ["read-only", long("another folder on one rank")],
)
def test_folder_that_takes_no_checkpoint_is_found_at_the_start(trouble, tmp_path, monkeypatch):
    """It is not found when the first checkpoint is due, which an hour never is here.

    No file of an earlier run is touched.
    """
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    (tmp_path / "k.h5").write_text("of an earlier run")
    change, expected = FOLDERS[trouble]
    on_last = f"\nif rank == ranks - 1:\n    {change}\npc.barrier()\n"
    options = ("--checkpoint-every", "1h", "--output", "k.h5", "--every", "1")
    with small_disk(tmp_path / "sets") if trouble == "read-only" else nullcontext() as mounted:
        if mounted is False and os.getuid() == 0:
            pytest.skip("this machine lets nobody mount a disk")
        said = fails(tmp_path, on_last, options=options)
    assert re.search(expected, said), said
    assert (tmp_path / "k.h5").read_text() == "of an earlier run"


def test_folder_deleted_in_a_run_is_made_again(tmp_path):
    done = run(
        tmp_path, change=AT_STEP_50.format(action="import shutil; shutil.rmtree('sets')")
    )
    assert done.returncode == 0, done.stderr
    assert whole_sets(tmp_path / "sets") == [196, 200]


def test_verify_finds_what_is_wrong(tmp_path):
    assert run(tmp_path, "--output", "k.h5", "--every", "1").returncode == 0
    verify = ["ecsmpi", "verify", "sets", "k.h5"]
    done = mpirun(None, verify, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.count(": whole") == 3, done.stdout + done.stderr
    with h5py.File(tmp_path / "k.h5", "r+") as file:
        file["k"][2, 0, 0, 0] = np.nan
    part = sorted((tmp_path / "sets").iterdir())[0] / "rank00001"
    part.write_bytes(part.read_bytes()[:-1])
    done = mpirun(None, verify, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("WRONG") == 2
    assert done.stdout.count(": whole") == 1
    assert "k holds values that are not finite at t = 2 ms" in done.stdout
