"""Values read from a file, each looked at before it is used.

A function returns the value it is given, in a type that does not change, or raises ValueError with
the value's name and with what is wrong. So a record of a file becomes a frozen dataclass whose
constructor needs no further check.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

MOST = 1 << 62  # of a whole number: what is beyond is no number of bytes, steps or voxels
MOST_DIGITS = 25  # of a whole number in JSON; Python takes a quadratic time for very long ones
MOST_SHOWN = 60  # characters of a wrong value in a message
DIGEST = re.compile(r"[0-9a-f]{32}")


def shown(value) -> str:
    """A value in short, without characters that a terminal would obey."""
    text = ascii(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def whole(value, name: str, least: int = 0, most: int = MOST) -> int:
    """A whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(
            f"{name} must be a whole number from {least} to {most}, got {shown(value)}"
        )
    return value


def number(value, name: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {shown(value)}")
    return float(value)


def text(value, name: str) -> str:
    """A text."""
    if type(value) is not str:
        raise ValueError(f"{name} must be a text, got {shown(value)}")
    return value


def digest(value, name: str) -> str:
    """A digest in hexadecimal, as `part.digest_of` makes it."""
    if type(value) is not str or not DIGEST.fullmatch(value):
        raise ValueError(f"{name} must be a digest, got {shown(value)}")
    return value


def flag(value, name: str) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise ValueError(f"{name} must be true or false, got {shown(value)}")
    return value


def listed(value, name: str, each: Callable, count: int | None = None) -> tuple:
    """A list, each entry checked by ``each(entry, name)``; of ``count`` entries, or of any number."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} must be a list, got {shown(value)}")
    if count is not None and len(value) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(value)}")
    return tuple(each(entry, f"{name} {i}") for i, entry in enumerate(value))


def record(value, name: str, keys) -> dict:
    """A record with these keys and no others."""
    if type(value) is not dict:
        raise ValueError(f"{name} must be a record, got {shown(value)}")
    if value.keys() != set(keys):
        odd = sorted(map(shown, value.keys() ^ set(keys)))
        raise ValueError(
            f"{name} must have the keys {', '.join(keys)}; wrong or missing: {', '.join(odd)}"
        )
    return value


def read_json(data: bytes, name: str):
    """What JSON says, without NaN, infinities and endless numbers. ValueError where it is no JSON."""
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
