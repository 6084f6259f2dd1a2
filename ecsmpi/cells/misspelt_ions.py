"""Species whose name differs from that of an ion of the model only in upper and lower case."""

from __future__ import annotations

from collections.abc import Collection

from ecsmpi.neuron_api.mechanisms import ions_in_use, known_ions


def misspelt_ions(names: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of a species' name and an ion in use whose names differ only in case. Local.

    A name that is itself an ion in use is paired with itself: a name is misspelt where no rank uses
    it as it is. An ion that has a species of its own is not counted. Only this rank's segments are
    looked at.
    """
    known = known_ions()
    doubtful = {}
    for name in names:
        others = [ion for ion in known if ion.lower() == name.lower() and ion not in names]
        if others:
            doubtful[name] = [*others, name]
    asked_for: set[str] = set()
    for ions in doubtful.values():
        asked_for.update(ions)
    in_use = ions_in_use(asked_for)
    found = []
    for name, ions in doubtful.items():
        found += [(name, ion) for ion in ions if ion in in_use]
    return found
