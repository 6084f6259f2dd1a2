"""The ions in this rank's sections: how NEURON treats their concentrations and potentials."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.mechanisms import writers_outside
from ecsmpi.neuron_api.sections import model_sections

# What ion_style says where `use_ion`, or NEURON's rxd, has set it:
# c_style 3 + 4 * cinit + 8 * e_style 2 + 32 * einit + 64 * eadvance
ADVANCED = 3 + 4 * 1 + 8 * 2 + 32 * 1 + 64 * 1
POTENTIAL_GIVEN = ADVANCED - 64  # and where NEURON does not compute the reversal potential


def use_ion(name: str, charge: float) -> None:
    """Insert the ion ``name`` in every section, with concentrations that ecsmpi advances.

    The reversal potential follows the concentrations before every step. ``finitialize`` resets the
    concentrations to the ion's defaults (ki0_k_ion, ko0_k_ion), which INITIAL blocks see, as with
    NEURON's rxd: the caller sets them after the INITIAL blocks. Safe to repeat.

    Raises
    ------
    ValueError where the name cannot be an ion's, or where NEURON knows the ion with another charge.
    """
    ion = f"{name}_ion"
    if not str(name).isidentifier():
        raise ValueError(
            f"{name!r} cannot name an ion: use a name such as 'k', of letters, digits and _"
        )
    is_known = hasattr(n, ion)
    if is_known and n.ion_charge(ion) != charge:
        known = n.ion_charge(ion)
        raise ValueError(
            f"charge of {name} is {known:g} in NEURON, got {charge}: give the same charge"
        )
    # Registered once: NEURON takes the longer, the more ions there are.
    if not is_known and n.ion_register(name, charge) < 0:
        variables = f"{name}i, {name}o, i{name} or e{name}"
        raise ValueError(f"{name!r} cannot name an ion: {variables} means something else in NEURON")
    for sec in model_sections():
        if not sec.has_membrane(ion):
            sec.insert(ion)
        n.ion_style(ion, 3, 2, 1, 1, 1, sec=sec)


def choose_potential(name: str, computed: bool) -> bool:
    """Choose whether NEURON computes an ion's reversal potential where `use_ion` has set the ion.

    Returns whether `use_ion` has set the ion in all sections. Where it has not, NEURON goes on to
    compute the potential.
    """
    sections = list(model_sections())
    used = [sec for sec in sections if _is_used(name, sec)]
    everywhere = len(used) == len(sections)
    if computed or everywhere:
        for sec in used:
            n.ion_style(f"{name}_ion", 3, 2, 1, int(computed), 1, sec=sec)
    return everywhere


def _is_used(name: str, sec: Any) -> bool:
    """Whether the ion is in a section as `use_ion` has set it."""
    ion = f"{name}_ion"
    return sec.has_membrane(ion) and n.ion_style(ion, sec=sec) in (ADVANCED, POTENTIAL_GIVEN)


def refuse_other_writers(*names: str) -> None:
    """Raise where a mechanism in use sets the outside concentration of one of the ions ``names``.

    Raises
    ------
    ValueError naming the mechanism, a section that has it, and the cure.
    """
    for mechanism, name, section in writers_outside(names):
        raise ValueError(
            f"{mechanism} in {section} writes {name}o, which the extracellular space sets: "
            f"remove {mechanism}, or give the species another name"
        )
