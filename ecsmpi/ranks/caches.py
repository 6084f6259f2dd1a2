"""How much of a core's caches a loop can work in.

A loop that keeps what it works on in the second-level cache takes no time to wait for it. On AMD's
processors the third level takes what falls out of the second, for few cores together, and is nearly
as fast. On others it is slower and shared by many cores, so that only the second level counts.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

LEAST, MOST = 512 * 1024, 2048 * 1024  # bytes
CPU, CPUINFO = Path("/sys/devices/system/cpu/cpu0"), Path("/proc/cpuinfo")
UNITS = {"K": 1024, "M": 1024**2}


@cache
def working_bytes() -> int:
    """Bytes of a cache that a loop may fill on one core, beside what it reads and writes once."""
    sizes = _sizes(CPU / "cache")
    found = sizes.get(2, 0) // 2
    if "AuthenticAMD" in _text(CPUINFO):
        found = max(found, sizes.get(3, 0) // 2)
    return min(max(found, LEAST), MOST)


def _sizes(folder: Path) -> dict[int, int]:
    """Bytes of each level of data cache, for each core that shares it."""
    sizes = {}
    for index in sorted(folder.glob("index*")):
        size = _text(index / "size")
        if _text(index / "type") != "Instruction" and size[:-1].isdigit():
            bytes_of_cache = int(size[:-1]) * UNITS.get(size[-1], 1)
            sizes[int(_text(index / "level"))] = bytes_of_cache // _count(index)
    return sizes


def _count(index: Path) -> int:
    """How many processors share a cache, from a list such as 0-3,8-11."""
    total = 0
    for part in _text(index / "shared_cpu_list").split(","):
        first, _, last = part.partition("-")
        total += int(last or first) - int(first) + 1 if first else 1
    return total


def _text(path: Path) -> str:
    """What a file of the system says; nothing where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
