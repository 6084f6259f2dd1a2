"""NEURON's own rxd, inside cells, where ecsmpi has to see to it: after species that have gone."""

from __future__ import annotations

from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.rxd_names import initializer, section1d, species
from ecsmpi.neuron_api.rxd_names import registry as rxd


def settle() -> None:
    """Before NEURON's initialisation: where the last of its species has gone, its solver goes, too.
    Local.

    NEURON's rxd leaves its solver as it was then: without a species of its own it plans nothing.
    But that solver would go on with the states of what is gone, and write them to segments, which
    may be gone as well.
    """
    tidy()
    if not initializer.is_initialized() or any(
        reference() is not None for reference in species._all_species
    ):
        return
    section1d._purge_cptrs()
    rxd._setup_matrices()
    rxd.clear_rates()
    rxd._setup_memb_currents()


def tidy() -> None:
    """NEURON's list of sections with species has each of them once, and none without. Local, before
    species come or are planned.

    NEURON enters a section again for each species that goes, takes it out once, and fails later for
    want of a region there.
    """
    if (found := section1d._SectionLookup()._instance) is None:
        return
    sections = list(found.nrn_sec_list)
    kept = [
        sec for sec in dict.fromkeys(sections) if found.rxd_sec_list.get(sec.hoc_internal_name())
    ]
    if kept != sections:
        found.nrn_sec_list = n.SectionList(kept)


def forget(made) -> None:
    """Its species and reactions ``made`` are gone, whoever holds them. Local."""
    for reaction in made:
        if not isinstance(reaction, species.Species):
            rxd._unregister_reaction(reaction)
    for one in made:
        if isinstance(one, species.Species):
            one.__del__()  # what ends it, once
