"""Runs on a cluster go wrong: `scripts/test-faults` makes it happen often, tests a few times.

python tests/support/faults.py [--long]
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
import os
from pathlib import Path
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from ecsmpi.files.checkpoint_folder import PARTIAL  # noqa: E402
from ecsmpi.files.saved_checkpoint import CHECKPOINT_NAME, SavedCheckpoint  # noqa: E402

from support.mpi_library import ranks_below  # noqa: E402
from support.ranks import mpirun, started  # noqa: E402

MODEL = "from support.ring import *\n\nn.tstop = 5\n"


def command(folder, *options, change=""):
    """Return `ecsmpi run` of a spiking network, with checkpoints in `folder`.

    Parameters
    ----------
    options : further options; without them there is a checkpoint every 4 steps
    change : lines at the end of the model
    """
    (Path(folder) / "model.py").write_text(MODEL + change)
    checkpoints = ["--checkpoint", "sets", "--checkpoint-every", "4 steps", "--restart", "auto"]
    return ["ecsmpi", "run", "model.py", "-q", *checkpoints, *options]


def run(folder, *options, ranks=2, change="", **more):
    """Run the model to its end; return its CompletedProcess."""
    return mpirun(ranks, command(folder, *options, change=change), cwd=folder, **more)


@contextmanager
def small_disk(folder):
    """A disk of 1 MB at `folder`; hands over whether there is one, for which it takes root."""
    Path(folder).mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True
        ).returncode
        == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


def fill_disk(folder):
    """Leave no room on the disk of a folder."""
    with open(Path(folder) / "ballast", "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass


def read_only(folder):
    """Let nothing be written to a folder, by root neither where it is a disk of its own."""
    if os.getuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    else:
        os.chmod(folder, 0o555)


def last_state(folder):
    """Every number the newest checkpoint holds of boxes and cells, as bytes, by rank and name.

    Cells by gid, without names that NEURON numbers as it goes, nor the size that counts these;
    SaveState's bytes hold gaps between numbers.
    """
    sets = sorted(
        path for path in (Path(folder) / "sets").iterdir() if not path.name.endswith(PARTIAL)
    )
    found = SavedCheckpoint(sets[-1])
    parts = [found.part(rank) for rank in range(found.ranks)]
    return found.manifest.step, [
        {
            name: _unnumbered(part.read_bytes(name))
            for name in part.names()
            if name[:3] in ("box", "gid")
        }
        for part in parts
    ]


def _unnumbered(state):
    sized = re.sub(rb"(begin cell\x00.{4}).{4}", rb"\1", state, flags=re.DOTALL)
    return re.sub(rb"PythonObject\[\d+\]", b"", sized)


class Killed:
    """Runs in which a random rank is killed again and again, until they end.

    It is killed at random times and while a checkpoint is written.
    """

    OPTIONS = ("--checkpoint-every", "1 steps")

    def __init__(self, seed=0):
        self._rng = random.Random(seed)
        self.times = self.inside = self.runs = 0

    def undisturbed(self, folder):
        """The `last_state` that such a run comes to."""
        done = run(folder, *self.OPTIONS)
        assert done.returncode == 0, done.stderr
        return last_state(folder)

    def through(self, folder, expected, times):
        """Kill a run up to so many times; it must end in the state `expected`.

        Each time it must go on from its newest whole checkpoint.
        """
        sets, killed = Path(folder) / "sets", 0
        while killed < times and self._life(folder, sets):
            killed += 1
        done = run(folder, *self.OPTIONS)
        assert done.returncode == 0, done.stderr
        assert last_state(folder) == expected, "the run that was killed ends in another state"
        self.times, self.runs = self.times + killed, self.runs + 1

    def _life(self, folder, sets):
        """From start to kill; whether it was killed before its end."""
        newest = max(_whole(sets), default=None)
        with started(2, command(folder, *self.OPTIONS), cwd=folder) as process:
            ranks = wait_for_ranks(process, 2)
            until(
                lambda: (
                    process.poll() is not None
                    or max(_whole(sets), default=sets) > (newest or sets)
                )
            )
            if self._rng.random() < 0.4:
                until(
                    lambda: (
                        process.poll() is not None
                        or any(path.name.endswith(PARTIAL) for path in _entries(sets))
                    )
                )
            else:
                time.sleep(self._rng.random() * 0.4)
            with suppress(ProcessLookupError):
                os.kill(self._rng.choice(ranks), signal.SIGKILL)
            status = process.wait(120)
            assert newest is None or f"from sets/{newest.name}" in process.said(), (
                process.said()
            )
        self.inside += status != 0 and any(
            path.name.endswith(PARTIAL) for path in _entries(sets)
        )
        return status != 0


def _entries(folder):
    return list(folder.iterdir()) if folder.is_dir() else []


def _whole(sets):
    return [path for path in _entries(sets) if CHECKPOINT_NAME.fullmatch(path.name)]


def wait_for_ranks(process, count):
    """Return the process ids of an mpirun's ranks, once there are so many."""
    found = []

    def there():
        found[:] = ranks_below(process.pid)
        return len(found) >= count or process.poll() is not None

    until(there)
    return found


def until(condition, patience=60.0):
    """Wait for it."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.005)


def kills(times):
    """Kill a random rank so many times, at least a quarter of them while it writes a checkpoint.

    Each run must come to the same bits. Returns what the table says.
    """
    killed = Killed()
    with tempfile.TemporaryDirectory() as folder:
        expected = killed.undisturbed(folder)
    while killed.times < times or (killed.inside < times // 4 and killed.times < 2 * times):
        with tempfile.TemporaryDirectory() as folder:
            killed.through(folder, expected, max(1, times - killed.times))
    assert killed.inside >= times // 4, (
        f"only {killed.inside} of {killed.times} kills came while a checkpoint was written"
    )
    return (
        f"{killed.times} kills in {killed.runs} runs, {killed.inside} while a checkpoint was "
        "written: each went on from its newest whole set, to the same bits"
    )


FILES = ("checkpoint", "restart", "restart_refused", "faults", "fuzz", "drawn_models")


def tested(*words, **environment):
    """Run the tests in whose names one of the words is, and return how many pass.

    A test that fails is an AssertionError.
    """
    paths = [str(next(TESTS.rglob(f"test_{name}.py"))) for name in FILES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--long", "-k", " or ".join(words), *paths],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.strip().splitlines()[-1].split(",")[0].strip("= ")


def soak(minutes, every="20 steps"):
    """Growth of memory and open files of a run that takes checkpoints all the time."""
    with (
        tempfile.TemporaryDirectory() as folder,
        started(
            2, command(folder, "--tstop", "1e9", "--checkpoint-every", every), cwd=folder
        ) as process,
    ):
        rank = wait_for_ranks(process, 2)[0]
        until(lambda: len(list((Path(folder) / "sets").glob("*"))) > 0)  # the start is over
        # Until what Python collects now and then has been collected.
        time.sleep(min(300, 30 * minutes))
        before = used(rank)
        time.sleep(60 * minutes)
        after = used(rank)
        process.kill()
        sets = max(int(path.name[:6]) for path in (Path(folder) / "sets").iterdir())
    growth = 100 * (after[0] / before[0] - 1)
    assert growth < 1 and after[1] <= before[1], (before, after)
    return (
        f"{minutes:g} min, {sets} checkpoints: memory {growth:+.2f} %, "
        f"open files {before[1]} before, {after[1]} after"
    )


def used(pid):
    """Return (resident bytes, open files) of a process.

    The files are the fewest of some looks, since one is open while a checkpoint is written.
    """
    pages, files = int(Path(f"/proc/{pid}/statm").read_text().split()[1]), []
    for _ in range(50):
        files.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(0.02)
    return pages * os.sysconf("SC_PAGE_SIZE"), min(files)


def rows(long):
    """Return {row: () -> what the table says}; one that does not hold raises AssertionError."""
    times, minutes, models, files = (200, 30, 200, 2000) if long else (8, 0.5, 20, 100)
    many_files, many_models = {"ECSMPI_FILES": str(files)}, {"ECSMPI_MODELS": str(models)}
    hostile = ("manifest", "missing_part", "another_made", "no_bytes", "executed")
    failing = ("disk", "folder", "number", "rank_that_fails")
    every_step = (
        "restart at each step of a spiking run; with reactions, tissue, fluxes, the membrane"
    )
    other_ranks = "restart on other ranks: 4 to 3, 3 to 1, 1 to 4, 7 and 2"
    drawn = (
        f"{models} whole models drawn at random, against NEURON; a third as many with a flaw"
    )
    damaged = f"{files} damaged files of frames, of arrays and of morphologies"
    cut = "checkpoint cut at 20 places, a byte flipped at 50"
    return {
        "soak": partial(soak, minutes),
        every_step: partial(tested, "every_step"),
        other_ranks: partial(tested, "other_ranks"),
        cut: partial(tested, "cut_anywhere", "flipped_byte"),
        "damaged and hostile checkpoints": partial(tested, *hostile),
        damaged: partial(tested, "fuzz", **many_files),
        "disk full, read-only, gone; NaN; a failing rank": partial(tested, *failing),
        "signals and time limits": partial(tested, "signal", "time_limit"),
        drawn: partial(tested, "drawn", **many_models),
        "kill -9 of a random rank": partial(kills, times),
    }


def outcome(row):
    """Return (whether a row holds, what it says)."""
    try:
        return True, row()
    except (AssertionError, pytest.fail.Exception) as error:
        return False, f"DOES NOT HOLD: {' '.join(str(error).split())[-400:]}"


def main():
    """Print the table.

    Returns
    -------
    The exit status: 1 where a row does not hold.
    """
    parser = argparse.ArgumentParser(
        description="Make runs go wrong, and see that nothing is lost."
    )
    parser.add_argument(
        "--long",
        action="store_true",
        help="200 kills, 30 minutes of soak and more of the rest: about an hour",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="WORD",
        help="rows in whose names one of these words is",
    )
    arguments = parser.parse_args()
    table = {}
    for name, row in rows(arguments.long).items():
        if any(word in name for word in arguments.only):
            table[name] = row
    held = []

    def show(name, holds, said):
        held.append(holds)
        print(f"| {name} | {said} |", flush=True)

    with ThreadPoolExecutor(1) as pool:  # the soak goes on beside the others
        soaking = pool.submit(outcome, table.pop("soak")) if "soak" in table else None
        for name, row in table.items():
            show(name, *outcome(row))
        if soaking is not None:
            show("soak", *soaking.result())
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
