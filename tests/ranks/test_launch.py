"""Ranks start as one job, end as one job, and wait for each other with a limit."""

import os
import time

from ecsmpi.ranks import launch, launchers, meeting
import pytest

from support.long_form import long
from support.mpi_library import library
from support.processes import members
from support.programs import PROGRAMS
from support.ranks import mpirun

START = "from support.started import *\n"


def python(ranks, source, **options):
    return mpirun(ranks, ["python", "-c", source], **options)


def lines_with(text, words):
    """The lines with these words, without the NUL that Open MPI 5's mpirun at times adds to one."""
    return [line.strip("\0") for line in text.splitlines() if words in line]


# Starting


def nrniv(ranks, tmp_path, source):
    (tmp_path / "model.py").write_text(source)
    return mpirun(ranks, ["nrniv", "-python", "-mpi", "model.py"], cwd=tmp_path)


def test_neurons_own_program_starts_ranks_as_well(tmp_path):
    tells = """
from neuron import n
pc = n.ParallelContext()
say("rank", *map(str, (comm.rank, comm.size, int(pc.id()), int(pc.nhost()))))
pc.barrier()
n.quit()
"""
    done = nrniv(2, tmp_path, START + tells)
    assert done.returncode == 0, done.stderr
    assert sorted(lines_with(done.stdout, "rank")) == ["rank 0 2 0 2", "rank 1 2 1 2"]
    done = nrniv(
        2, tmp_path, START + "if comm.rank:\n    raise KeyError('lost cell')\ncomm.Barrier()\n"
    )
    assert done.returncode != 0
    assert "rank 1 of 2 failed and ends the job" in done.stderr


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_neuron_and_mpi_have_the_same_ranks(on_ranks, ranks):
    seen = on_ranks(ranks, PROGRAMS / "ranks" / "ranks_of_both.py")
    assert seen["everyone"].tolist() == [[rank, ranks, rank, ranks] for rank in range(ranks)]


def test_start_is_idempotent():
    done = python(2, START + "assert start() is comm is communicator()")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("count", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_processes_that_stand_alone_are_refused(count):
    done = python(None, START, env={count: 2})
    assert done.returncode != 0
    assert f"{count}=2" in done.stderr
    assert "MPI has 1 rank" in done.stderr


def test_ranks_that_do_not_find_their_launcher_are_refused():
    # As `srun --mpi=none` and the mpirun of another MPI start them.
    forget = f"""
import os
for name in list(os.environ):
    if name.startswith({library().joins}):
        del os.environ[name]
"""
    done = python(2, forget + START, timeout=60)
    assert done.returncode != 0
    assert lines_with(done.stderr, f"{library().counts}=2")


def test_daemons_of_mpirun_under_slurm_are_no_ranks(monkeypatch):
    for count, _place in launchers.LAUNCHERS:
        monkeypatch.delenv(count, raising=False)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    launch.check_one_job(8)
    with pytest.raises(launch.LaunchError, match="SLURM_STEP_NUM_TASKS=2"):
        launch.check_one_job(1)


def test_innermost_launcher_counts(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "1")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    launch.check_one_job(1)


def test_neuron_imported_first_still_gets_all_ranks():
    done = python(
        2, "from neuron import n\n" + START + "assert int(n.ParallelContext().nhost()) == 2"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("use", ["pc = n.ParallelContext()", "soma = n.Section('soma')"])
def test_neuron_used_first_is_refused(use):
    done = python(2, f"from neuron import n\n{use}\n" + START)
    assert done.returncode != 0
    assert len(lines_with(done.stderr, "LaunchError: ecsmpi was imported too late")) == 1


def test_neuron_used_first_on_one_rank_is_no_harm():
    done = python(1, "from neuron import n\npc = n.ParallelContext()\n" + START)
    assert done.returncode == 0, done.stderr


def test_import_that_is_tried_again_says_the_same_and_repeats_nothing():
    source = """
import sys
from neuron import n
pc = n.ParallelContext()
said = []
for _ in range(2):
    try:
        from ecsmpi import rxd
    except RuntimeError as error:
        said.append((str(error), sys.exit))
print("same", said[0] == said[1], "too late" in said[0][0], flush=True)
from ecsmpi.ranks import launch
assert launch.start_mpi() is launch.start_mpi()
"""
    done = python(2, source)
    assert done.stdout.count("same True True") == 2, done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "ranks, started", [(1, False), (2, True), long(1, True), long(2, False)]
)
def test_numba_that_the_script_has_used_before_keeps_its_threads(ranks, started):
    """numba cannot change the number of threads that it has started."""
    source = f"""
import os
import numba
from numba.np.ufunc.parallel import _launch_threads
before = numba.config.NUMBA_NUM_THREADS
if {started}:
    _launch_threads()
from ecsmpi import rxd
from ecsmpi.solver import threads
assert numba.njit(lambda x: x + 1)(1) == 2  # compiling reads the variables again
own = before if {started} else len(os.sched_getaffinity(0)) // {ranks} or 1
assert threads.most() == numba.config.NUMBA_NUM_THREADS == own, (threads.most(), own)
assert rxd.nthread(99) == own
"""
    done = python(ranks, source, env={"NUMBA_NUM_THREADS": None})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_share_the_cores_of_a_node(ranks):
    done = python(
        ranks,
        START + "import os\nsay('threads', os.environ['NUMBA_NUM_THREADS'])",
        env={"NUMBA_NUM_THREADS": None},
    )
    share = max(1, len(os.sched_getaffinity(0)) // ranks)
    assert lines_with(done.stdout, "threads") == [f"threads {share}"] * ranks


def test_threads_the_user_set_stay():
    done = python(
        2,
        START + "import os\nsay('threads', os.environ['NUMBA_NUM_THREADS'])",
        env={"NUMBA_NUM_THREADS": 5},
    )
    assert lines_with(done.stdout, "threads") == ["threads 5"] * 2


# Ending


@pytest.mark.parametrize("failing", [0, 1])
def test_exception_on_one_rank_ends_all(failing):
    before = time.monotonic()
    done = python(
        3,
        START + f"if comm.rank == {failing}: raise ValueError('too salty')\ncomm.Barrier()",
        timeout=30,
    )
    assert time.monotonic() - before < 10
    assert done.returncode != 0
    assert len(lines_with(done.stderr, "ValueError: too salty")) == 1
    assert f"rank {failing} of 3" in done.stderr
    assert "Traceback" in done.stderr


def test_failure_of_all_ranks_is_told_once():
    done = python(3, START + "raise ValueError('too salty')", timeout=30)
    assert done.returncode != 0
    assert len(lines_with(done.stderr, "ValueError: too salty")) == 1


def test_exit_with_a_failure_on_one_rank_ends_all():
    done = python(
        2, START + "import sys\nif comm.rank == 1: sys.exit(3)\ncomm.Barrier()", timeout=30
    )
    assert done.returncode == 3
    assert "rank 1 of 2 left with status 3" in done.stderr


def test_exit_of_all_ranks_needs_no_abort():
    done = python(2, START + "import sys\nsys.exit(3)", timeout=30)
    assert done.returncode == 3
    assert "ecsmpi:" not in done.stderr


def test_exit_that_is_caught_is_no_failure():
    source = """
import time
try:
    sys.exit(3)
except SystemExit:
    time.sleep(comm.rank)
sys.exit(0)
"""
    done = python(2, START + source)
    assert done.returncode == 0, done.stderr


def test_abort_prints_the_message_and_keeps_the_status():
    done = python(
        2,
        START + "print('last words')\nlaunch.abort(comm, 'out of salt', status=7)",
        timeout=30,
    )
    assert done.returncode == 7
    assert lines_with(done.stderr, "out of salt") == ["out of salt"]
    assert "last words" in done.stdout


# Waiting


def test_meeting_waits_for_the_last_rank(on_ranks):
    waited = on_ranks(3, PROGRAMS / "ranks" / "waits.py")["waited"]
    assert waited[0] > 0.5 and waited[1] > 0.5
    assert waited[2] < 0.5


def test_meeting_that_not_all_come_to_ends_with_the_cure():
    before = time.monotonic()
    done = python(
        2,
        START + "if comm.rank == 1: launch.meet(comm, 'Species.states3d')\ncomm.Barrier()",
        env={"ECSMPI_TIMEOUT": 1},
        timeout=30,
    )
    assert time.monotonic() - before < 15
    assert done.returncode != 0
    assert "rank 1 of 2 waited 1 s in Species.states3d" in done.stderr
    assert "call it on every rank" in done.stderr


def test_long_wait_says_where_and_goes_on():
    waits = """
import time
from ecsmpi.ranks import arrivals
arrivals.NOTICE_AFTER = 0.3
if comm.rank == 0:
    time.sleep(1.5)
launch.meet(comm, "node.value")
say("met")
"""
    done = python(2, START + waits)
    assert done.returncode == 0, done.stderr
    assert lines_with(done.stderr, "waits in") == [
        "ecsmpi: rank 1 waits in node.value: it is collective, call it on every rank"
    ]
    assert len(lines_with(done.stdout, "met")) == 2


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan", ""])
def test_timeout_that_is_no_time_is_refused(monkeypatch, text):
    monkeypatch.setenv("ECSMPI_TIMEOUT", text)
    with pytest.raises(ValueError, match="ECSMPI_TIMEOUT must be a number of seconds"):
        meeting.timeout_seconds()


def test_one_rank_of_a_node_goes_first(tmp_path):
    done = python(
        3,
        START
        + f"""
import pathlib, time
made = pathlib.Path({str(tmp_path / "made")!r})
with launch.one_per_node_first(comm) as first:
    if first:
        time.sleep(0.5)
        made.touch()
    assert made.exists()
""",
    )
    assert done.returncode == 0, done.stderr


# The harness itself


def test_what_takes_long_is_said_once():
    block = "with launch.one_per_node_first(comm, 'compiles'):\n    time.sleep({})\n"
    done = python(2, START + "import time\nmeeting.LONG = 0.5\n" + block.format(1))
    assert done.returncode == 0
    assert done.stderr.count("ecsmpi: compiles") == 1
    done = python(2, START + "import time\n" + block.format(0))
    assert done.returncode == 0
    assert "ecsmpi: compiles" not in done.stderr


def test_hang_fails_and_leaves_no_process():
    mark = f"hang_{os.getpid()}"
    source = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"
    )
    with pytest.raises(pytest.fail.Exception, match="no end after 2 s"):
        mpirun(2, ["python", "-c", source, mark], timeout=2)
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and mark in _command_line(pid)]
    assert left == []
    assert members(os.getsid(0)) != []


def _command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


# Ranks that do not all come


@pytest.mark.parametrize(
    "source, said",
    [
        (
            "from mpi4py import MPI\n"
            "if MPI.COMM_WORLD.rank == 1:\n    import ecsmpi.rxd\n"
            "MPI.COMM_WORLD.Barrier()",
            "rank 1 of 2 waited 2 s for ranks that never imported ecsmpi",
        ),
        (
            "import mpi4py\nmpi4py.rc.initialize = False\nimport ecsmpi.rxd",
            "remove mpi4py.rc.initialize = False",
        ),
        (
            "from mpi4py import MPI\nMPI.Finalize()\nimport ecsmpi.rxd",
            "MPI has been finalized before ecsmpi was imported",
        ),
    ],
)
def test_ecsmpi_where_not_all_ranks_can_start_it_ends_with_the_cure(source, said):
    done = python(2, source, timeout=60, env={"ECSMPI_TIMEOUT": 2})
    assert done.returncode != 0
    assert said in done.stderr


def test_a_rank_that_waits_for_others_to_import_says_so(monkeypatch):
    late = """
import time
from mpi4py import MPI
time.sleep(2 * MPI.COMM_WORLD.rank)
from ecsmpi.neuron_api.neuron_start import start
from ecsmpi.ranks import launch
launch.NOTICE_AFTER = 0.5
start()
"""
    done = python(2, late)
    assert done.returncode == 0, done.stderr
    assert (
        done.stderr.count(
            "rank 0 waits for ranks that have not imported ecsmpi: import it on every rank"
        )
        == 1
    )


def test_a_pool_of_futures_is_told_to_start_otherwise(tmp_path):
    (tmp_path / "model.py").write_text(
        "if __name__ == '__main__':\n    from ecsmpi import rxd\n"
    )
    done = mpirun(2, ["python", "-m", "mpi4py.futures", tmp_path / "model.py"], timeout=60)
    assert done.returncode != 0
    assert (
        "mpi4py.futures runs this script on one of 2 ranks, and ecsmpi needs all of them"
        in done.stderr
    )
