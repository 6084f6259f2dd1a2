"""A network that delays messages between two ranks: how long a message and its answer take."""

import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

from support.ranks import ROOT, mpirun

SCRIPT = ROOT / "scripts" / "with-delay"
CAN_WIRE = os.geteuid() == 0 and Path("/dev/net/tun").exists()
PING = """
import time
from mpi4py import MPI
world, times = MPI.COMM_WORLD, []
for _ in range(10):
    world.Barrier()
    begin = time.perf_counter()
    if world.rank == 0:
        world.send("there", 1)
        world.recv()
    else:
        world.recv()
        world.send("and back", 0)
    times.append(time.perf_counter() - begin)
if world.rank == 0:
    print("least", min(times))
"""


def with_delay(*arguments):
    return mpirun(None, ["python", SCRIPT, *arguments])


@pytest.mark.skipif(not CAN_WIRE, reason="needs root and /dev/net/tun")
def test_a_message_and_its_answer_take_two_delays():
    launcher = subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout
    if "Open MPI) 4" not in launcher:
        pytest.skip("needs the mpirun of Open MPI 4")
    done = with_delay("50", sys.executable, "-c", PING)
    assert done.returncode == 0, done.stderr
    least = float(re.search(r"least (\S+)", done.stdout)[1])
    assert 0.1 <= least < 0.15


def test_what_is_missing_is_told():
    for arguments, missing in ((("20",), "give the command"), (("-1", "true"), "MS must be 0")):
        done = with_delay(*arguments)
        assert done.returncode == 2 and missing in done.stderr
