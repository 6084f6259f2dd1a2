"""Reactions across the membrane, in even and uneven tissue and of species on both sides."""

import numpy as np

from support.model import n, of_segments, run_case, rxd, save, steps
from support.transmembrane import one_species, two_species


def pump_leak_and_trickle():
    m = two_species()
    pumped = 5e4 * m.ki / (1 + m.ki) * m.ko
    pump = m.across(m.ki, m.ko, pumped, mass_action=False, membrane_flux=True)
    leak = m.across(m.ki, m.ko, 20, 600)
    trickle = m.across(m.ko, m.ki, 90, scale_by_area=False)
    loss = rxd.Rate(m.outside, -m.ko / 20)  # acts before what crosses the membrane does
    n.finitialize(-65)
    steps(60)
    m.ko.concentration = 5  # seen at once
    steps(40)
    save(grid=np.array(m.ko.states3d), segments=of_segments(m.parts, "ko", "ki", "v"))


def uneven_tissue():
    def fraction(x, y, z):
        return 0.2 + 0.001 * x + 0.002 * y

    low, high = (-50, -40, -40), (51, 42, 60)
    ecs = rxd.Extracellular(*low, *high, (7, 8, 9), volume_fraction=fraction, tortuosity=1.6)
    m = two_species(ecs=ecs)
    pumped = 5e4 * m.ki / (1 + m.ki) * m.ko
    pump = m.across(m.ki, m.ko, pumped, mass_action=False, membrane_flux=True)
    n.finitialize(-65)
    steps(50)
    save(grid=np.array(m.ko.states3d), segments=of_segments(m.parts, "ko", "ki", "v"))


def two_species_outside():
    m = two_species()
    bound = rxd.Species(m.ecs, d=1, initial=0.1)
    # Of no outside species: NEURON differences those wrongly.
    binding = m.across(m.ko, bound[m.ecs], 2 * m.ki, mass_action=False)
    n.finitialize(-65)
    steps(100)
    save(
        k=np.array(m.ko.states3d),
        bound=np.array(bound[m.ecs].states3d),
        segments=of_segments(m.parts, "ko", "v"),
    )


def species_on_both_sides():
    m = one_species()
    pump = rxd.MultiCompartmentReaction(
        m.ki,
        m.ko,
        5e4 * m.ki / (1 + m.ki) * m.ko,
        membrane=m.membrane,
        mass_action=False,
        membrane_flux=True,
    )
    used = rxd.Species(m.cyt, name="waste", initial=0)
    inward = rxd.MultiCompartmentReaction(
        m.ki, used[m.cyt], 30, membrane=m.membrane, mass_action=False, membrane_flux=True
    )
    scale = rxd.Parameter(
        [m.cyt, m.ecs], value=lambda node: 0.01 if node.region == m.cyt else 0.02
    )
    loss = rxd.Rate(m.k, -scale * m.k)
    outside_loss = rxd.Rate(m.ko, -0.01 * m.ko)
    inside_loss = rxd.Rate(m.k, -0.001 * m.k * used)
    n.finitialize(-65)
    steps(100)
    save(grid=np.array(m.ko.states3d), segments=of_segments(m.parts, "ko", "ki", "ik", "v"))


if __name__ == "__main__":
    run_case(globals())
