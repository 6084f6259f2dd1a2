"""NEURON's own solver inside cells: its place in a step, and its end after its last species."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from types import CodeType
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.intracellular_species import living_species
from ecsmpi.neuron_api.rxd_names import initializer, registry, section1d, species

# functions of neuron.rxd that NEURON calls, and in which an interrupt would be lost
_CALLED_BY_NEURON = ("_after_advance", "_setup_matrices", "_setup", "_init")


def register() -> None:
    """Let NEURON register its own solver now, so that it comes first in each step and phase."""
    registry._do_nbs_register()


def place_blocks_around_neurons_own(first_address: int, last_address: int) -> None:
    """Let NEURON call one nonvint block before that of its own solver, and another one after it.

    `native_callbacks.NonvintBlock` says what such a block is.

    Parameters
    ----------
    first_address, last_address : addresses of functions as `native_callbacks.NonvintBlock` makes
    """
    set_block = library.function(symbols.SET_BLOCK, ctypes.c_int, ctypes.c_void_p)
    unset_block = library.function(symbols.UNSET_BLOCK, ctypes.c_int, ctypes.c_void_p)
    own_address = library.address(symbols.INTRACELLULAR_BLOCK)
    unset_block(own_address)
    for address in (first_address, own_address, last_address):
        set_block(address)


def codes_called_by_neuron() -> set[CodeType]:
    """Code objects of neuron.rxd's functions that NEURON calls; those that this NEURON has."""
    functions = [getattr(registry, name, None) for name in _CALLED_BY_NEURON]
    return {one.__code__ for one in functions if one is not None}


def is_initialized() -> bool:
    """Whether NEURON's solver has planned already. Local."""
    return initializer.is_initialized()


def settle() -> None:
    """End NEURON's solver inside cells where its last species has gone. Local, before finitialize.

    Without a species NEURON's rxd plans nothing and leaves its solver as it was. That solver would
    go on with the states of species that are gone, and write them to segments, which may be gone
    as well.
    """
    tidy()
    if not is_initialized() or living_species():
        return
    section1d._purge_cptrs()
    registry._setup_matrices()
    registry.clear_rates()
    registry._setup_memb_currents()


def tidy() -> None:
    """Drop doubles and leftovers from NEURON's list of sections with species. Local.

    Call it before species are made or planned. NEURON enters a section again for each species that
    goes, takes it out once, and fails later because the section has no region.
    """
    lookup = section1d._SectionLookup()._instance
    if lookup is None:
        return
    sections = list(lookup.nrn_sec_list)
    kept = []
    for sec in dict.fromkeys(sections):
        if lookup.rxd_sec_list.get(sec.hoc_internal_name()):
            kept.append(sec)
    if kept != sections:
        lookup.nrn_sec_list = n.SectionList(kept)


def forget(made: Iterable[Any]) -> None:
    """End species and reactions of NEURON's, whoever still holds them. Local."""
    made = list(made)
    for one in made:
        if not isinstance(one, species.Species):
            registry._unregister_reaction(one)
    for one in made:
        if isinstance(one, species.Species):
            one.__del__()  # ends the species; a second call does nothing
