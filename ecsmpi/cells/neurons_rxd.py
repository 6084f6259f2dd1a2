"""NEURON's own rxd, inside cells, where ecsmpi has to see to it."""

from __future__ import annotations

from neuron.rxd import initializer, rxd, section1d, species


def forget(made) -> None:
    """Its species and reactions ``made`` are gone, whoever holds them. Local."""
    gone = [one for one in made if not isinstance(one, species.Species)]
    for reaction in gone:
        rxd._unregister_reaction(reaction)
    for one in made:
        if isinstance(one, species.Species):
            one.__del__()  # what ends it, once


def settle() -> None:
    """Before NEURON's initialisation: where the last of its species has gone, its solver goes, too. Local.

    NEURON's rxd leaves its solver as it was then: without a species of its own it plans nothing. But that solver would go on
    with the states of what is gone, and write them to segments, which may be gone as well.
    """
    if not initializer.is_initialized() or any(reference() is not None for reference in species._all_species):
        return
    section1d._purge_cptrs()
    rxd._setup_matrices()
    rxd.clear_rates()
    rxd._setup_memb_currents()
