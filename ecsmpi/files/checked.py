"""Checks of values that were read from a file, before anything uses them.

Each function returns its value in an immutable type, or raises ValueError that names the value and
says what is wrong with it. So a record of a file becomes a frozen dataclass whose constructor needs
no further check.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable

MOST = 1 << 62  # greatest whole number: no count of bytes, steps or voxels is beyond it
MOST_DIGITS = 25  # of a whole number in JSON; Python takes a quadratic time for very long ones
MOST_SHOWN = 60  # characters of a wrong value in a message
DIGEST = re.compile(r"[0-9a-f]{32}")


def shown(value) -> str:
    """Return a value in short for a message, without control characters."""
    text = ascii(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def whole(value, name: str, least: int = 0, most: int = MOST) -> int:
    """Check a whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(
            f"{name} must be a whole number from {least} to {most}, got {shown(value)}"
        )
    return value


def number(value, name: str) -> float:
    """Check a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {shown(value)}")
    return float(value)


def text(value, name: str) -> str:
    """Check a text."""
    if type(value) is not str:
        raise ValueError(f"{name} must be a text, got {shown(value)}")
    return value


def digest(value, name: str) -> str:
    """Check a digest in hexadecimal, as `checkpoint_part.digest_of` makes it."""
    if type(value) is not str or not DIGEST.fullmatch(value):
        raise ValueError(f"{name} must be a digest, got {shown(value)}")
    return value


def flag(value, name: str) -> bool:
    """Check a value that is true or false."""
    if type(value) is not bool:
        raise ValueError(f"{name} must be true or false, got {shown(value)}")
    return value


def listed(value, name: str, check_entry: Callable, count: int | None = None) -> tuple:
    """Check a list and each of its entries.

    Parameters
    ----------
    value
        The list to check.
    name : str
        Name of the list in messages.
    check_entry : callable
        Called as ``check_entry(entry, name)``; returns the checked entry.
    count : int, optional
        Number of entries that the list must have.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} must be a list, got {shown(value)}")
    if count is not None and len(value) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(value)}")
    return tuple(check_entry(entry, f"{name} {i}") for i, entry in enumerate(value))


def record(value, name: str, keys: Iterable[str]) -> dict:
    """Check a record: a dictionary with these keys and no others."""
    if type(value) is not dict:
        raise ValueError(f"{name} must be a record, got {shown(value)}")
    if value.keys() != set(keys):
        wrong = sorted(map(shown, value.keys() ^ set(keys)))
        raise ValueError(
            f"{name} must have the keys {', '.join(keys)}; wrong or missing: {', '.join(wrong)}"
        )
    return value


def read_json(data: bytes, name: str):
    """Read JSON; raise ValueError on NaN, infinities, endless numbers and other malformed text."""
    try:
        return json.loads(data, parse_int=_parse_whole, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f"{name} is nested without end") from None
    except ValueError as error:
        raise ValueError(f"{name} is no JSON: {error}") from None


def _parse_whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a whole number has {len(digits)} digits")
    return int(digits)


def _refuse_constant(word: str):
    raise ValueError(f"{word} stands in place of a number")
