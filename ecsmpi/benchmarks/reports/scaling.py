"""How records on different numbers of cores compare, strong and weak alike: by voxels a second."""

from __future__ import annotations

from math import prod


def cores(record: dict) -> int:
    """Cores in use: ranks times threads."""
    return record["ranks"] * record["threads"]


def throughput(record: dict, seconds: float | None = None) -> float:
    """Voxels a second.

    seconds: time of a step; None for that of the record.
    """
    return prod(record["shape"]) / (seconds or record["step_seconds"])


def base_of(records: list[dict]) -> dict:
    """The record that the others are compared with.

    It has the fewest cores, and of those the fewest threads.
    """
    return min(records, key=lambda record: (cores(record), record["threads"]))
