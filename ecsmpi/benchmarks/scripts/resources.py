"""What the scripts measure, over all ranks of NEURON's ParallelContext ``pc``.

It needs NEURON alone, so that a script can run without ecsmpi.
"""

import re
from pathlib import Path
from time import perf_counter

SUM, MAXIMUM = 1, 2  # of pc.allreduce


def timed(pc, work):
    """Seconds of `work()` on the slowest rank; all ranks begin together. Collective."""
    pc.barrier()
    began = perf_counter()
    work()
    return pc.allreduce(perf_counter() - began, MAXIMUM)


def resident(pc):
    """Resident bytes of all ranks together. Collective."""
    status = Path("/proc/self/status").read_text()
    kilobytes = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    return pc.allreduce(1024 * kilobytes, SUM)
