"""What the scripts measure by, over all ranks of NEURON's ParallelContext ``pc``; with NEURON
alone, so that ecsmpi is not needed.
"""

import re
from pathlib import Path
from time import perf_counter


def timed(pc, work):
    """Seconds of the slowest rank, from a common beginning."""
    pc.barrier()
    began = perf_counter()
    work()
    return pc.allreduce(perf_counter() - began, 2)


def resident(pc):
    """Bytes resident on all ranks."""
    status = Path("/proc/self/status").read_text()
    return pc.allreduce(1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]), 1)
