"""What the first start of a script on a machine costs, when nothing is compiled, beside later ones."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks.launches import LaunchFailed, environment_with
from ecsmpi.ranks.code_folders import CHOSEN

MODEL = """
from ecsmpi import rxd
from ecsmpi.neuron_api.interpreter import n

cell = n.Section("cell")
cell.pt3dadd(50, 50, 20, 5)
cell.pt3dadd(50, 50, 180, 5)
cell.insert("hh")
ecs = rxd.Extracellular(0, 0, 0, 200, 200, 400, dx=10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
n.finitialize(-65)
n.fadvance()
"""
# A small process starts the script: a child's ru_maxrss is never less than what the process that
# starts it has.
STARTER = """
import json, os, sys, time
begin = time.perf_counter()
null = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, used = os.wait4(pid, 0)
seconds = time.perf_counter() - begin
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


@dataclass(frozen=True)
class Start:
    """One start: seconds, seconds of processors (s), and the most memory that one process had
    (bytes).
    """

    seconds: float
    processor: float
    memory: int


def measure(script: list[str], rounds: int) -> dict[str, list[Start]]:
    """Starts of a script and its arguments, or of a small box with one cell: {"first": ...,
    "later": ...}, in turn.

    Raises LaunchFailed where a start ends with another status than 0.
    """
    found = {"first": [], "later": []}
    with tempfile.TemporaryDirectory() as folder:
        if not script:
            model = Path(folder) / "model.py"
            model.write_text(MODEL)
            script = [str(model)]
        for number in range(rounds):
            for starts in found.values():
                starts.append(_start(script, str(Path(folder) / f"cache{number}")))
    return found


def _start(script: list[str], cache: str) -> Start:
    argv = [sys.executable, *script]
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            [sys.executable, "-S", "-c", STARTER, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment_with({CHOSEN: cache}),
        )
        status, seconds, processor, memory = json.loads(done.stdout)
        if status:
            errors.seek(0)
            said = errors.read()[-2000:].strip()
            raise LaunchFailed(f"{shlex.join(argv)} ended with status {status}:\n{said}")
    return Start(seconds, processor, memory * KILOBYTE)


def report(found: dict[str, list[Start]]) -> str:
    """The medians, as a table."""
    lines = ["start   seconds   processor (s)   memory of the largest process (MB)"]
    for name, starts in found.items():
        seconds, processor, memory = (
            median(getattr(one, what) for one in starts)
            for what in ("seconds", "processor", "memory")
        )
        lines.append(f"{name:6s} {seconds:8.2f} {processor:15.2f} {memory / 1e6:12.0f}")
    return "\n".join(lines)
