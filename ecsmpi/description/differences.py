"""What differs between two descriptions of a model, for messages."""

from __future__ import annotations

import itertools
import re

ARGUMENT = re.compile(  # name=value in the text of a model, or the fingerprint of tissue
    r"\w+=(?:\([^()]*\)|[^,()\[\]=]+)|\([0-9a-f]{10}\)"
)
NOTHING = "nothing"


def changed(one: str, other: str) -> tuple[str, str]:
    """Return what differs of two texts: arguments alone, where nothing else does.

    A label, such as ``k: `` before ``[SpeciesSpec(...)]``, stands before the first.
    """
    if ARGUMENT.sub("", one) != ARGUMENT.sub("", other):
        return one, other
    pairs = zip(ARGUMENT.findall(one), ARGUMENT.findall(other), strict=True)
    unlike = [pair for pair in pairs if pair[0] != pair[1]]
    if not unlike:
        return one, other
    label, colon, _ = one.partition(": [")
    before = f"{label}: " if colon else ""
    old, new = (", ".join(side) for side in zip(*unlike, strict=True))
    return before + old, new


def first_difference(one: list[str], other: list[str]) -> tuple[str, str]:
    """Return what differs of the first lines that differ; "nothing" for a line that is not there.

    Raises ValueError where all lines are alike.
    """
    for pair in itertools.zip_longest(one, other, fillvalue=NOTHING):
        if pair[0] != pair[1]:
            return changed(*pair)
    raise ValueError("the lines are alike")
