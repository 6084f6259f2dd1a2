"""Rate laws of the slice (Kelley et al. 2022, after Wei et al. 2014).

Arguments are species in their regions, expressions or numbers:

    ki, ko, ...     concentrations inside and outside, mM
    vi, vo          volumes inside and outside, relative to those at the start
    v               voltage, mV
    o2              oxygen outside, mM
    largest         the pumps' largest rate, mM/ms
    m               the module of functions: rxd.rxdmath

A flow out of a cell is positive.
"""

MOLECULES = 602214.076  # in a um3 at 1 mM
# Molecules/(um2 ms) that carry 1 uA/cm2, where each has one charge.
PER_MICROAMPERE = 1e-17 / 1.602176634e-19
RT_OVER_F = 26.64  # mV
O2_SCALE = 5.3  # Wei's oxygen over that of the model
VOLUME_TIME = 250  # ms


def nernst(m, inside, outside, vi, vo):
    """Reversal potential (mV) of an ion with one positive charge."""
    return RT_OVER_F * m.log(outside * vi / (inside * vo))


def sodium_current(m, v, gate_m, gate_h, nai, nao, vi, vo):
    """Sodium's current out of the cell, uA/cm2."""
    return (30 * gate_m**3 * gate_h + 0.0247) * (v - nernst(m, nai, nao, vi, vo))


def potassium_current(m, v, gate_n, ki, ko, vi, vo):
    """Potassium's current out of the cell, uA/cm2."""
    return (25 * gate_n**4 + 0.05) * (v - nernst(m, ki, ko, vi, vo))


def chloride_out(m, v, cli, clo, vi, vo):
    """Chloride's flow out of the cell, as a current into it, uA/cm2."""
    return 0.1 * (nernst(m, clo, cli, vo, vi) - v)


# Opening and closing rates (1/ms) of the gates; where the published fractions are 0/0, vtrap has
# their limit.


def gate_m(m, v):
    """Rates of the sodium channel's activation."""
    return 0.32 * m.vtrap(-(v + 54), 4), 0.28 * m.vtrap(v + 27, 5)


def gate_h(m, v):
    """Rates of the sodium channel's inactivation."""
    return 0.128 * m.exp(-(v + 50) / 18), 4 / (1 + m.exp(-(v + 27) / 5))


def gate_n(m, v):
    """Rates of the potassium channel's activation."""
    return 0.032 * m.vtrap(-(v + 52), 5), 0.5 * m.exp(-(v + 57) / 40)


# In mM/ms of the cytosol


def kcc2(m, ki, ko, cli, clo, vi, vo):
    """Cotransport of K and Cl out of the cell."""
    return 0.0003 * m.log(ki * cli * vo**2 / (ko * clo * vi**2))


def nkcc1(m, nai, nao, ki, ko, cli, clo, vi, vo):
    """Cotransport of 2 Cl, K and Na out of the cell."""
    potassium = m.log(ki * cli * vo**2 / (ko * clo * vi**2))
    sodium = m.log(nai * cli * vo**2 / (nao * clo * vi**2))
    return 0.0001 * (potassium + sodium) / (1 + m.exp(16 - ko / vo))


def pump_strength(m, o2, vo, largest):
    """Rate of the pumps that oxygen allows; 0 where no oxygen is left."""
    left = (1 + m.tanh(1e4 * (o2 - 5e-4))) / 2
    return left * largest / (1 + m.exp((20 - O2_SCALE * o2 / vo) / 3))


def pump(m, nai, ko, o2, vi, vo, largest):
    """Rate of the pump, which moves 3 Na out and 2 K in."""
    opening = (1 + m.exp((25 - nai / vi) / 3)) * (1 + m.exp(3.5 - ko / vo))
    return pump_strength(m, o2, vo, largest) / opening


# In mM/ms of the extracellular space: glia, which have no compartment


def glial_pump(m, ko, o2, vo, largest):
    """Rate of the glial pump, 3 Na out and 2 K in, at the sodium of a glial cell."""
    opening = (1 + m.exp((25 - 18) / 3)) * (1 + m.exp(3.5 - ko / vo))
    return pump_strength(m, o2, vo, largest) / 3 / opening


def glial_uptake(m, ko, o2, vo):
    """Potassium that glia take in."""
    without_oxygen = 1 + m.exp(-(O2_SCALE * o2 / vo - 2.5) / 0.2)
    at_little_potassium = 1 + m.exp((18 - ko / vo) / 2.5)
    return 0.005 / (without_oxygen * at_little_potassium)


def cell_volume(m, nai, nao, ki, ko, cli, clo, vi, vo):
    """The relative volume at which the cell would stay.

    18 mM of impermeant anions are outside, and 132 mM inside.
    """
    outside = (nao + ko + clo + 18) / vo
    inside = (nai + ki + cli + 132) / vi
    return 1.1029 - 0.1029 * m.exp((outside - inside) / 20)
