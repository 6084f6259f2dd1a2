"""What memory can do: a plain copy of arrays far larger than the caches, by all ranks and threads
at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ecsmpi.benchmarks.repetition import Effort, measured

LEAST_BYTES = 64 * 2**20  # of each thread's array
BYTES_A_DOUBLE = 24  # read, fetched for writing, written
CACHES = 4  # times the last cache that all arrays hold together


def copy_bandwidth(comm, threads: int, effort: Effort) -> float:
    """Bytes a second that move through memory, of all ranks together: the median. Collective.

    A double is read, the line of its target is fetched, and written: 24 bytes, counted as the 48 of
    a step are. numpy's `copyto` would write past the caches, which the sweeps of a step do not.
    """
    size = _bytes_of_thread(comm.size * threads)
    with ThreadPoolExecutor(threads) as pool:
        pairs = list(pool.map(_touched, [size // 8] * threads))
        times = measured(comm, lambda: list(pool.map(_copy, pairs)), effort)
    return BYTES_A_DOUBLE * (size // 8) * threads * comm.size / times.median


def _touched(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and target, whose memory lies near the core that uses it."""
    return np.ones(count), np.zeros(count)


def _copy(pair) -> None:
    source, target = pair
    np.positive(source, out=target)


def _bytes_of_thread(threads: int) -> int:
    return max(LEAST_BYTES, CACHES * _last_cache() // threads)


def _last_cache() -> int:
    """Bytes of the last cache of a core; 0 where the system does not say."""
    sizes = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    text = sizes[-1].read_text().strip() if sizes else "0"
    unit = {"K": 2**10, "M": 2**20}.get(text[-1], 1)
    return int(text.rstrip("KM")) * unit
