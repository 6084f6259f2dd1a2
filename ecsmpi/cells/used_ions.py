"""Species whose name differs from that of an ion of the model in its letters' case alone."""

from __future__ import annotations

from ecsmpi.cells.membrane import ions_in_use, known_ions


def misspelt_ions(names) -> list[tuple[str, str]]:
    """(name, ion in use) for each of some names that is an ion's but for its case; (name, name)
    where a name is in use itself.

    Of this rank's segments: a name is misspelt where no rank uses it as it is. A name beside which
    the model has a species with the ion's own name is meant. Local.
    """
    known = known_ions()
    doubtful = {}
    for name in names:
        others = [ion for ion in known if ion.lower() == name.lower() and ion not in names]
        if others:
            doubtful[name] = [*others, name]
    in_use = ions_in_use(ion for ions in doubtful.values() for ion in ions)
    return [(name, ion) for name, ions in doubtful.items() for ion in ions if ion in in_use]
