"""What goes wrong with runs on a cluster, made to happen: `scripts/test-faults` counts how often, tests do it a few times.

    python tests/faults.py [--long]
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))
from conftest import mpirun, started  # noqa: E402
from test_restart import NETWORK  # noqa: E402

from ecsmpi.files.checkpoint import PARTIAL, CheckpointSet  # noqa: E402

MODEL = NETWORK + "\nn.tstop = 5\n"


def command(folder, *options):
    """`ecsmpi run` of a spiking network with checkpoints in `folder`, one every 4 steps unless told otherwise."""
    (Path(folder) / "model.py").write_text(MODEL)
    return ["ecsmpi", "run", "model.py", "-q", "--checkpoint", "sets", "--checkpoint-every", "4 steps", "--restart", "auto", *options]


def run(folder, *options, ranks=2, **more):
    """Run it to its end; CompletedProcess."""
    return mpirun(ranks, command(folder, *options), cwd=folder, **more)


def last_state(folder):
    """Every number the newest checkpoint holds of boxes and cells, as bytes, by rank and name.

    Cells by gid, without names that NEURON numbers as it goes, nor the size that counts these; SaveState's bytes hold gaps
    between numbers.
    """
    sets = sorted(path for path in (Path(folder) / "sets").iterdir() if not path.name.endswith(PARTIAL))
    found = CheckpointSet(sets[-1])
    parts = [found.part(rank) for rank in range(found.ranks)]
    return found.about["step"], [
        {name: _unnumbered(part.read_bytes(name)) for name in part.names() if name[:3] in ("box", "gid")}
        for part in parts
    ]


def _unnumbered(state):
    sized = re.sub(rb"(begin cell\x00.{4}).{4}", rb"\1", state, flags=re.DOTALL)
    return re.sub(rb"PythonObject\[\d+\]", b"", sized)


class Killed:
    """Runs in which a random rank is killed at a random time, and which then go on to their end."""

    def __init__(self, seed=0):
        self._rng = random.Random(seed)
        self.times = self.inside = 0

    def once(self, folder, expected):
        """Kill, go on, compare with `expected` of `last_state`; the kill counts if it came before the end."""
        with started(2, command(folder), cwd=folder) as process:
            ranks = wait_for_ranks(process, 2)
            until(lambda: (Path(folder) / "sets").is_dir() or process.poll() is not None)
            time.sleep(self._rng.random() * 0.6)
            try:
                os.kill(self._rng.choice(ranks), signal.SIGKILL)
            except ProcessLookupError:
                pass
            status = process.wait(60)
        if status != 0:
            self.times += 1
            self.inside += any(path.name.endswith(PARTIAL) for path in (Path(folder) / "sets").iterdir())
        done = run(folder)
        assert done.returncode == 0, done.stderr
        assert last_state(folder) == expected, "the run that was killed ends in another state"


def wait_for_ranks(process, count):
    """Process ids of the ranks of an mpirun, once there are so many."""
    found = []

    def there():
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
        found[:] = map(int, listed.split())
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
    """(times, inside writing) that a rank was killed; each run came to the same bits."""
    killed = Killed()
    with tempfile.TemporaryDirectory() as folder:
        assert run(folder).returncode == 0
        expected = last_state(folder)
    while killed.times < times:
        with tempfile.TemporaryDirectory() as folder:
            killed.once(folder, expected)
    return f"{killed.times} kills, {killed.inside} of them while a checkpoint was written: the same bits at the end"


def tested(*names):
    """How many tests of these names pass; an error if one does not."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-k", " or ".join(names), str(TESTS / "test_checkpoint.py"),
                           str(TESTS / "test_restart.py"), str(TESTS / "test_faults.py")], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.strip().splitlines()[-1].split(",")[0].strip("= ")


def soak(minutes, every="1000 steps"):
    """Growth of memory and open files of a run that takes checkpoints all the time."""
    with tempfile.TemporaryDirectory() as folder, started(2, command(folder, "--tstop", "1e9", "--checkpoint-every", every), cwd=folder) as process:
        rank = wait_for_ranks(process, 2)[0]
        time.sleep(min(20, 20 * minutes))
        before = used(rank)
        time.sleep(60 * minutes)
        after = used(rank)
        process.kill()
        sets = max(int(path.name[:6]) for path in (Path(folder) / "sets").iterdir())
    growth = 100 * (after[0] / before[0] - 1)
    assert growth < 1 and after[1] <= before[1], (before, after)
    return f"{minutes:g} min, {sets} checkpoints: memory {growth:+.2f} %, open files {before[1]} before, {after[1]} after"


def used(pid):
    """(resident bytes, open files) of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def main():
    """Print the table; status 1 where a row does not hold."""
    parser = argparse.ArgumentParser(description="Make runs go wrong, and see that nothing is lost.")
    parser.add_argument("--long", action="store_true", help="200 kills and 30 minutes of soak instead of 5 and half a minute")
    times, minutes = (200, 30) if parser.parse_args().long else (5, 0.5)
    rows = {
        "kill -9 of a random rank at a random time": lambda: kills(times),
        "restart at each step of a spiking run": lambda: tested("every_step"),
        "restart on other ranks: 4, 3, 1, 4": lambda: tested("other_ranks"),
        "checkpoint cut at 20 places, a byte flipped at 50": lambda: tested("cut_anywhere", "flipped_byte"),
        "damaged and hostile files": lambda: tested("manifest", "missing_part", "another_made", "no_bytes"),
        "disk full, folder gone, no numbers, a failing rank": lambda: tested("disk", "folder", "number", "rank_that_fails"),
        "signals and time limits": lambda: tested("signal", "time_limit"),
        "soak": lambda: soak(minutes),
    }
    held = True
    for name, row in rows.items():
        try:
            said = row()
        except AssertionError as error:
            held, said = False, f"DOES NOT HOLD: {error}"
        print(f"| {name} | {said} |", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
