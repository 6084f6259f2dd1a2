"""The bandwidth of memory: a plain copy of arrays far larger than the caches.

All ranks and threads copy at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ecsmpi.benchmarks.repetition import Effort, measured

LEAST_BYTES = 64 * 2**20  # of each thread's array
BYTES_A_DOUBLE = 24  # a double is read, its target's line is fetched, and the double is written
CACHES = 4  # times the last cache that all arrays hold together


def copy_bandwidth(comm, threads: int, effort: Effort) -> float:
    """Median of the bytes a second that all ranks together move through memory. Collective.

    Each double counts as 24 bytes: it is read, the line of its target is fetched, and it is
    written. numpy's `copyto` would write past the caches, which the sweeps of a step do not do.
    """
    count = _bytes_of_thread(comm.size * threads) // 8
    with ThreadPoolExecutor(threads) as pool:
        pairs = list(pool.map(_allocate, [count] * threads))
        times = measured(comm, lambda: list(pool.map(_copy, pairs)), effort)
    return BYTES_A_DOUBLE * count * threads * comm.size / times.median


def _allocate(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and target in the memory of the core that runs this: it touches them first."""
    return np.ones(count), np.zeros(count)


def _copy(pair) -> None:
    source, target = pair
    np.positive(source, out=target)


def _bytes_of_thread(threads: int) -> int:
    return max(LEAST_BYTES, CACHES * _last_cache() // threads)


def _last_cache() -> int:
    """Bytes of the last cache of a core; 0 where the system does not say."""
    sizes = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    if not sizes:
        return 0
    text = sizes[-1].read_text().strip()
    unit = {"K": 2**10, "M": 2**20}.get(text[-1], 1)
    return int(text.rstrip("KM")) * unit
