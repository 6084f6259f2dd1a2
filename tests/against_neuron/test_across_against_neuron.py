"""Reactions across the membrane have NEURON's own answer, live, in even and uneven tissue and with
species on both sides.
"""

import numpy as np
import pytest

from support.across_scripts import BOTH, CELLS, POTASSIUM, model
from support.rxd_scripts import as_neuron, script


def test_reaction_agrees_with_neuron(on_ranks):
    saved = as_neuron(
        on_ranks,
        model(
            CELLS,
            POTASSIUM,
            """
pump = across(ki, ko, 5e4 * ki / (1 + ki) * ko, mass_action=False, membrane_flux=True)
leak = across(ki, ko, 20, 600)
trickle = across(ko, ki, 90, scale_by_area=False)
loss = rxd.Rate(outside, -ko / 20)  # acts before what crosses the membrane does
n.finitialize(-65)
steps(60)
ko.concentration = 5  # seen at once
steps(40)
save(grid=np.array(ko.states3d), segments=of_segments(parts, "ko", "ki", "v"))
""",
        ),
        tolerance=1e-9,
    )
    assert abs(saved["grid"] - 5).max() > 0.1


@pytest.mark.long  # in every run: moving_across.py of test_against_neuron
def test_reaction_in_uneven_tissue_agrees_with_neuron(on_ranks):
    as_neuron(
        on_ranks,
        model(
            CELLS,
            POTASSIUM.replace(
                "ecs = box()",
                """
ecs = rxd.Extracellular(
    -50, -40, -40, 51, 42, 60, (7, 8, 9), volume_fraction=lambda x, y, z: 0.2 + 0.001 * x + 0.002 * y, tortuosity=1.6
)
""",
            ),
            """
pump = across(ki, ko, 5e4 * ki / (1 + ki) * ko, mass_action=False, membrane_flux=True)
n.finitialize(-65)
steps(50)
save(grid=np.array(ko.states3d), segments=of_segments(parts, "ko", "ki", "v"))
""",
        ),
        tolerance=1e-9,
    )


def test_reaction_of_two_extracellular_species_at_the_membrane_agrees_with_neuron(on_ranks):
    as_neuron(
        on_ranks,
        model(
            CELLS,
            POTASSIUM,
            """
bound = rxd.Species(ecs, d=1, initial=0.1)
binding = across(ko, bound[ecs], 2 * ki, mass_action=False)  # of no outside species: NEURON differences those wrongly
n.finitialize(-65)
steps(100)
save(k=np.array(ko.states3d), bound=np.array(bound[ecs].states3d), segments=of_segments(parts, "ko", "v"))
""",
        ),
    )


def test_species_on_both_sides_agrees_with_neuron(on_ranks):
    as_neuron(
        on_ranks,
        model(
            CELLS,
            BOTH,
            """
pump = rxd.MultiCompartmentReaction(
    ki, ko, 5e4 * ki / (1 + ki) * ko, membrane=membrane, mass_action=False, membrane_flux=True
)
used = rxd.Species(cyt, name="waste", initial=0)
inward = rxd.MultiCompartmentReaction(ki, used[cyt], 30, membrane=membrane, mass_action=False, membrane_flux=True)
scale = rxd.Parameter([cyt, ecs], value=lambda node: 0.01 if node.region == cyt else 0.02)
loss = rxd.Rate(k, -scale * k)
outside_loss = rxd.Rate(ko, -0.01 * ko)
inside_loss = rxd.Rate(k, -0.001 * k * used)
n.finitialize(-65)
steps(100)
save(grid=np.array(ko.states3d), segments=of_segments(parts, "ko", "ki", "ik", "v"))
""",
        ),
        tolerance=1e-9,
    )


OWN_REACTIONS = """
exp, log, v, ecs = rxd.rxdmath.exp, rxd.rxdmath.log, rxd.v, box()
k = rxd.Species(ecs, name="k", d=2.62, charge=1, initial=uneven)
other = rxd.Species(ecs, name="cl", d=2, charge=-1, initial=130)

class Cell:
    def __init__(self, i, sec):
        cyt = self.cyt = rxd.Region([sec], nrn_region="i", name="cyt")
        mem = self.mem = rxd.Region([sec], name="mem", geometry=rxd.membrane())
        self.k = rxd.Species([cyt, mem], name="k", d=1, charge=1, initial=120 + i)
        self.gate = rxd.State([cyt, mem], initial=0.3)
        self.opening = rxd.Rate(self.gate, (1 / (1 + exp(-(v + 50) / 9)) - self.gate) / 4)
        reversal, named = 26.64 * log(k[ecs] / self.k[cyt]), dict(membrane=mem, mass_action=False, membrane_flux=True)
        self.carried = [rxd.MultiCompartmentReaction(self.k[cyt], k[ecs], 60 * self.gate**4 * (v - reversal), **named)]
        if i == 1:
            self.cl = rxd.Species(cyt, name="cl", charge=-1, initial=6)
            self.carried += [rxd.MultiCompartmentReaction(self.cl[cyt], other[ecs], 2 * (v + 80) * -1, **named)]

made = cells(range(3), apart=10)
parts = {i: Cell(i, sec) for i, sec in made.items()}
n.finitialize(-65)
steps(100)
save(k=np.array(k[ecs].states3d), cl=np.array(other[ecs].states3d), segments=of_segments(made, "ko", "ki", "ik", "v"))
"""


def test_cells_with_regions_and_reactions_of_their_own_agree_with_neuron(on_ranks, request):
    all_ranks = (2, 4) if request.config.getoption("--long") else (2,)
    as_neuron(
        on_ranks, OWN_REACTIONS, ranks=all_ranks, tolerance=1e-8
    )  # NEURON differences these rates, which are not linear


def test_bits_of_such_cells_do_not_depend_on_which_are_together(on_ranks):
    joined = """
        self.joint = rxd.MultiCompartmentReaction(
            self.k[cyt] + self.cl[cyt], k[ecs] + other[ecs],
            1e9 * log(self.k[cyt] * self.cl[cyt] / (k[ecs] * other[ecs])), membrane=mem, mass_action=False,
        )
"""  # stiff, of four species that change: sums whose order matters
    source = "rxd.options.reproducible = True\n" + OWN_REACTIONS.replace(
        "if i == 1:", "if True:"
    ).replace("\nmade =", joined + "\nmade =")
    one, other = (on_ranks(ranks, script(source), "ecsmpi") for ranks in (None, 3))
    assert all(np.array_equal(one[name], other[name]) for name in one)
