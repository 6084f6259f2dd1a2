"""How long each rank waits for the last one, which sleeps for a second: `waits.py OUTPUT`."""

import sys
import time

import numpy as np

from support.started import comm, launch

launch.meet(comm, "warm-up")
if comm.rank == 2:
    time.sleep(1)
before = time.monotonic()
launch.meet(comm, "states3d")
waited = comm.gather(time.monotonic() - before)
if comm.rank == 0:
    np.savez(sys.argv[1], waited=waited)
