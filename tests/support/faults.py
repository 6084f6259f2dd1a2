"""What goes wrong with runs on a cluster, made to happen: `scripts/test-faults` counts how often,
tests do it a few times.

python tests/support/faults.py [--long]
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from ecsmpi.files.checkpoint import PARTIAL  # noqa: E402
from ecsmpi.files.checkpoint_set import SET_NAME, CheckpointSet  # noqa: E402

from support.mpi_library import ranks_below  # noqa: E402
from support.ranks import mpirun, started  # noqa: E402
from support.restarts import NETWORK  # noqa: E402

MODEL = NETWORK + "\nn.tstop = 5\n"


def command(folder, *options, change=""):
    """`ecsmpi run` of a spiking network with checkpoints in `folder`, one every 4 steps unless told
    otherwise.

    change: what the script has at its end.
    """
    (Path(folder) / "model.py").write_text(MODEL + change)
    return [
        "ecsmpi",
        "run",
        "model.py",
        "-q",
        "--checkpoint",
        "sets",
        "--checkpoint-every",
        "4 steps",
        "--restart",
        "auto",
        *options,
    ]


def run(folder, *options, ranks=2, change="", **more):
    """Run it to its end; CompletedProcess."""
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
    found = CheckpointSet(sets[-1])
    parts = [found.part(rank) for rank in range(found.ranks)]
    return found.facts.step, [
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
    """Runs in which a random rank is killed again and again, at random times and while a checkpoint
    is written, until they end.
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
        """Kill a run up to so many times; each time it must go on from its newest whole set, and
        end in `expected`.
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
                    process.poll() is not None or max(_whole(sets), default=sets) > (newest or sets)
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
            try:
                os.kill(self._rng.choice(ranks), signal.SIGKILL)
            except ProcessLookupError:
                pass
            status = process.wait(120)
            assert newest is None or f"from sets/{newest.name}" in process.said(), process.said()
        self.inside += status != 0 and any(path.name.endswith(PARTIAL) for path in _entries(sets))
        return status != 0


def _entries(folder):
    return list(folder.iterdir()) if folder.is_dir() else []


def _whole(sets):
    return [path for path in _entries(sets) if SET_NAME.fullmatch(path.name)]


def wait_for_ranks(process, count):
    """Process ids of the ranks of an mpirun, once there are so many."""
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
    """How often a rank was killed, and how often inside writing, a quarter of so many times at
    least; each run came to the same bits.
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
    return f"{killed.times} kills in {killed.runs} runs, {killed.inside} while a checkpoint was written: each went on from its newest whole set, to the same bits"


def tested(*names, **environment):
    """How many tests of these names pass; an error if one does not."""
    names = ("checkpoint", "restart", "restart_refused", "faults", "fuzz", "drawn_models")
    files = [next(TESTS.rglob(f"test_{name}.py")) for name in names]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--long",
            "-k",
            " or ".join(names),
            *map(str, files),
        ],
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
        time.sleep(
            min(300, 30 * minutes)
        )  # until what Python collects now and then has been collected
        before = used(rank)
        time.sleep(60 * minutes)
        after = used(rank)
        process.kill()
        sets = max(int(path.name[:6]) for path in (Path(folder) / "sets").iterdir())
    growth = 100 * (after[0] / before[0] - 1)
    assert growth < 1 and after[1] <= before[1], (before, after)
    return f"{minutes:g} min, {sets} checkpoints: memory {growth:+.2f} %, open files {before[1]} before, {after[1]} after"


def used(pid):
    """(resident bytes, open files) of a process; the fewest files of some looks, as one is open
    while a checkpoint is written.
    """
    pages, files = int(Path(f"/proc/{pid}/statm").read_text().split()[1]), []
    for _ in range(50):
        files.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(0.02)
    return pages * os.sysconf("SC_PAGE_SIZE"), min(files)


def rows(long):
    """What the table holds: {row: () -> what it says}, AssertionError where it does not hold."""
    times, minutes, models, files = (200, 30, 200, 2000) if long else (8, 0.5, 20, 100)
    return {
        "soak": lambda: soak(minutes),
        "restart at each step of a spiking run; with reactions, tissue, fluxes, the membrane": lambda: (
            tested("every_step")
        ),
        "restart on other ranks: 4 to 3, 3 to 1, 1 to 4, 7 and 2": lambda: tested("other_ranks"),
        "checkpoint cut at 20 places, a byte flipped at 50": lambda: tested(
            "cut_anywhere", "flipped_byte"
        ),
        "damaged and hostile checkpoints": lambda: tested(
            "manifest", "missing_part", "another_made", "no_bytes", "executed"
        ),
        f"{files} damaged files of frames, of arrays and of morphologies": lambda: tested(
            "fuzz", ECSMPI_FILES=str(files)
        ),
        "disk full, read-only, gone; no numbers; a failing rank": lambda: tested(
            "disk", "folder", "number", "rank_that_fails"
        ),
        "signals and time limits": lambda: tested("signal", "time_limit"),
        f"{models} whole models drawn at random, against NEURON; a third as many with a flaw": lambda: (
            tested("drawn", ECSMPI_MODELS=str(models))
        ),
        "kill -9 of a random rank": lambda: kills(times),
    }


def outcome(row):
    """(whether it holds, what it says)."""
    try:
        return True, row()
    except (AssertionError, pytest.fail.Exception) as error:
        return False, f"DOES NOT HOLD: {' '.join(str(error).split())[-400:]}"


def main():
    """Print the table; status 1 where a row does not hold."""
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
    table = {
        name: row
        for name, row in rows(arguments.long).items()
        if any(word in name for word in arguments.only)
    }
    held = []
    with ThreadPoolExecutor(1) as pool:  # the soak goes on beside the others
        soaking = (
            {"soak": pool.submit(outcome, table.pop("soak")).result} if "soak" in table else {}
        )
        for name, come in [
            *((name, partial(outcome, row)) for name, row in table.items()),
            *soaking.items(),
        ]:
            holds, said = come()
            held.append(holds)
            print(f"| {name} | {said} |", flush=True)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
