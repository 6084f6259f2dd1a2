"""Boxes that overlap, with a species of one name in each: one of the two is often left over from
before.
"""

from __future__ import annotations

import warnings


def warn_of_overlaps(species: list) -> None:
    """One warning for each two species that share a name and a part of space. Local.

    species: those of the script. One species in several boxes is meant so; of two, a segment in
    both boxes gets the concentration of one.
    """
    by_name = {}
    for one in species:
        by_name.setdefault(one.name, []).append(one)
    for name, several in by_name.items():
        places = (
            [(one, region) for one in several for region in one.regions]
            if name and len(several) > 1
            else []
        )
        for at, (one, region) in enumerate(places):
            for other, beside in places[at + 1 :]:
                if other is not one and _overlap(region.box, beside.box):
                    _warn(name, region, beside)


def _overlap(box, other) -> bool:
    return all(
        lo < end and begin < hi for lo, hi, begin, end in zip(box.lo, box.hi, other.lo, other.hi)
    )


def _warn(name: str, region, other) -> None:
    warnings.warn(
        f'two species "{name}" are in boxes that overlap, {region!r} and {other!r}: '
        "a segment in both gets the concentration of one of them. If one is left over from before, "
        "drop it (`del` its name; in a notebook also `%reset -f out`), or call rxd.reset() "
        "and make the model anew",
        stacklevel=2,
    )
