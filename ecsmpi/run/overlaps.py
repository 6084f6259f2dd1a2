"""Warns of boxes that overlap and have a species of one name each.

One of the two species is often left over from before.
"""

from __future__ import annotations

import itertools
import warnings


def warn_of_overlaps(species: list) -> None:
    """Warn of each two species that share a name and a part of space. Local.

    One species in several boxes is meant so. Of two species, a segment in both boxes gets the
    concentration of one.
    """
    by_name: dict[str, list] = {}
    for one in species:
        if one.name:
            by_name.setdefault(one.name, []).append(one)
    for name, several in by_name.items():
        places = []
        for one in several:
            places += [(one, region) for region in one.regions]
        for (one, region), (other, other_region) in itertools.combinations(places, 2):
            if one is not other and region.box.overlaps(other_region.box):
                _warn(name, region, other_region)


def _warn(name: str, region, other) -> None:
    warnings.warn(
        f'two species "{name}" are in boxes that overlap, {region!r} and {other!r}: '
        "a segment in both gets the concentration of one of them. If one is left over from before, "
        "drop it (`del` its name; in a notebook also `%reset -f out`), or call rxd.reset() "
        "and make the model anew",
        stacklevel=2,
    )
