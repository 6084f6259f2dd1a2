"""Reactions across the membrane: what leaves a cell enters its voxel, once; the current enters the
cell, once.
"""

import numpy as np
import pytest

from support.across_scripts import BOTH, CELLS, POTASSIUM, QUIET, model
from support.rxd_scripts import holds, script

AMOUNTS = """
def amount():
    # mM um3 inside and outside, on every rank
    mine = [node.value * node.volume for node in inside.nodes]
    return sum(map(sum, pc.py_allgather(mine))), ko.states3d.sum() * 7 * 8 * 9 * 0.2
"""


@pytest.mark.parametrize("ranks", [None, 3])
def test_closed_box_and_cells_keep_their_ions(on_ranks, ranks):
    holds(
        on_ranks,
        ranks,
        model(
            CELLS,
            POTASSIUM,
            AMOUNTS,
            """
pump = across(ki, ko, 5e4 * ki / (1 + ki) * ko, mass_action=False, membrane_flux=True)
leak = across(ko, ki, 90, scale_by_area=False)
n.finitialize(-65)
before = amount()
steps(200)
after = amount()
assert abs(after[0] - before[0]) > 1e-4 * before[0], "nothing crosses the membrane"
assert abs(sum(after) - sum(before)) < 1e-12 * sum(before), (before, after)
swelling = lambda x, y, z: 0.12 + 0.0005 * (x + 50)
ecs.set_volume_fraction(swelling)
steps(20)
fractions = ecs.volume_fractions(np.arange(ecs.box.voxels))
later = amount()[0], (ko.states3d.reshape(-1) * fractions).sum() * 7 * 8 * 9
assert later[0] < after[0] and abs(sum(later) - sum(before)) < 1e-12 * sum(before), (before, later)
""",
        ),
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_ions_stay_where_tissue_keeps_them_though_a_state_is_its_volume(on_ranks, ranks):
    """With set_volume_fraction, which keeps the ions of each voxel, what leaves cells is what comes
    to the box.
    """
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
alpha = rxd.State(ecs, initial=lambda node: 0.3 + 0.001 * node.x3d)
shrinks = rxd.Rate(alpha, -0.02 * alpha)
pump = across(ki, ko, 60 * ki, mass_action=False, membrane_flux=True)
leak = across(ko, ki, 90, scale_by_area=False)
ecs.set_volume_fraction(alpha)
n.finitialize(-65)
def amount():
    mine = [node.value * node.volume for node in inside.nodes]
    return sum(map(sum, pc.py_allgather(mine))), (ko.states3d * alpha[ecs].states3d).sum() * 7 * 8 * 9
before = amount()
steps(20)
after = amount()
assert abs(after[0] - before[0]) > 1e-4 * before[0], "nothing crosses the membrane"
assert abs(sum(after) - sum(before)) < 1e-12 * sum(before), (before, after)
ecs.alpha = 0.2
outside.d = 1
steps(2)
last = amount()[0], ko.states3d.sum() * 7 * 8 * 9 * 0.2
steps(5)
later = amount()[0], ko.states3d.sum() * 7 * 8 * 9 * 0.2
assert later[0] < last[0] and abs(sum(later) - sum(last)) < 1e-12 * sum(last), (last, later)
""",
        ),
    )


@pytest.mark.parametrize("ranks", [None, 4])
def test_what_leaves_a_cell_charges_its_membrane_once(on_ranks, ranks):
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
flow = 40  # molecules/(um2 ms)
carrier = across(ki, ko, flow, membrane_flux=True, mass_action=False)
n.finitialize(-65)
start = ko.states3d.sum()
steps(50)
area = sum(pc.py_allgather(sum(seg.area() for sec in sections for seg in sec)))
moved = flow * area * 50 * n.dt / 6.02214076e23 * 1e18  # mM um3
assert abs((ko.states3d.sum() - start) * 7 * 8 * 9 * 0.2 - moved) < 1e-6 * moved
for sec in sections:
    charge = flow / 6.02214076e23 * n.FARADAY * 1e8 * 50 * n.dt  # 1 mole/um2 is 1e8 mole/cm2; C/cm2
    assert abs(sec(0.5).v + 65 + charge * 1e9) < 1e-6 * charge * 1e9, sec(0.5).v  # cm 1 uF/cm2: mV
""",
        ),
    )


def test_jacobian_is_that_of_all_species(on_ranks):
    """One implicit step of k and na in one voxel, linearised by hand; NEURON differences the second
    one wrongly.
    """
    holds(
        on_ranks,
        None,
        model("""
sec = n.Section(name="cell")
sec.pt3dadd(0, 0, 0, 8), sec.pt3dadd(10, 0, 0, 8)
cyt = rxd.Region([sec], name="cyt", nrn_region="i")
membrane = rxd.Region([sec], name="membrane", geometry=rxd.membrane())
ecs = rxd.Extracellular(-10, -10, -10, 10, 10, 10, 20, volume_fraction=0.2)
species = [rxd.Species(ecs, initial=3), rxd.Species(ecs, initial=5)]
a, b = (one[ecs] for one in species)
sink = rxd.Species(cyt, initial=1)
n.dt = 1
rate = 1e7
first = rxd.MultiCompartmentReaction(a, sink[cyt], rate * a * b, membrane=membrane, mass_action=False)
second = rxd.MultiCompartmentReaction(b, sink[cyt], rate * a, membrane=membrane, mass_action=False)
n.finitialize(-65)
n.fadvance()
unit = sec(0.5).area() / 6.02214076e5 / (20**3 * 0.2) * rate * n.dt
jacobian = unit * np.array([[-5, -3], [-1, 0]])
change = np.linalg.solve(np.eye(2) - jacobian, unit * np.array([-15, -3]))
found = [a.states3d[0, 0, 0] - 3, b.states3d[0, 0, 0] - 5]
assert np.abs(found - change).max() < 1e-6 * np.abs(change).max(), (found, change)
"""),
    )


def test_reproducible_reactions_have_the_same_bits_at_any_number_of_ranks(on_ranks):
    body = script(
        model(
            "rxd.options.reproducible = True\n",
            CELLS,
            POTASSIUM,
            """
pump = across(ki, ko, 5e4 * ki / (1 + ki) * ko, mass_action=False, membrane_flux=True)
n.finitialize(-65)
steps(50)
save(grid=np.array(ko.states3d), segments=of_segments(parts, "ko", "ki", "v"))
""",
        )
    )
    expected, found = (on_ranks(ranks, body, "ecsmpi") for ranks in (None, 3))
    assert (
        all((expected[name] == found[name]).all() for name in expected)
        and np.ptp(expected["grid"]) > 0.1
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_reaction_of_species_on_both_sides_acts_on_both(on_ranks, ranks):
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            BOTH,
            """
k.d = 0
bound = rxd.Species([cyt, ecs], initial=0)
binding = rxd.Reaction(k, bound, 0.3)
n.finitialize(-65)
before = np.array(ko.states3d)
steps(1)
part = 0.3 * n.dt / (1 + 0.3 * n.dt)  # implicit
assert np.abs(bound[ecs].states3d - part * before).max() < 1e-12
assert np.abs(bound[ecs].states3d + ko.states3d - before).max() < 1e-12
for node in bound[cyt].nodes:
    assert abs(node.value - part * 140) < 1e-6
binding.f_rate = 0
assert k.regions == [cyt, ecs] and k.name == "k" and k.charge == 1 and k.defined_on_region(ecs)
assert len(k.nodes) == len(ki.nodes) + len(ko.nodes) and len(k.nodes(ecs)) == len(ko.nodes)
rxd.Output("k.h5", every=1, species=k, attach=False)
said = message_of(rxd.RxDException, lambda: rxd.Rate(bound[ecs], ki))
assert "extracellular" in said, said
""",
        ),
    )


@pytest.mark.parametrize("ranks", [None, 2])
def test_reaction_ends_with_its_name(on_ranks, ranks):
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            AMOUNTS,
            """
pump = across(ki, ko, 5e4, mass_action=False)
n.finitialize(-65)
before = amount()
steps(2)
after = amount()
assert after[0] < before[0] and after[1] > before[1]
del pump
n.finitialize(-65)
steps(2)
assert amount()[0] == before[0]
""",
        ),
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_rates_and_reactions_inside_cells_read_their_voxels(on_ranks, ranks):
    """Linear in what they change, so that a step is known: c / (1 + dt rate)."""
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
other = rxd.Species(rxd.Extracellular(-50, -40, -40, 51, 42, 60, 20), initial=0.7)
gate = rxd.State(membrane, initial=0.5)
wild, tame = rxd.Species(cyt, initial=2), rxd.Species(cyt, initial=0)
opening = rxd.Rate(gate, -0.1 * gate * ko * other[other.regions[0]] * rxd.rxdmath.exp(rxd.v / 65))
ready = rxd.Reaction(wild, tame, 0.02 * ko + 0.01 * ki, regions=cyt)
n.finitialize(-65)
here = {sec: [seg.ko for seg in sec] for sec in sections}
steps(1)
for sec in sections:
    for i, k in enumerate(here[sec]):
        rate = 0.1 * k * 0.7 / np.e
        assert abs(gate.nodes(sec)[i].value - 0.5 / (1 + n.dt * rate)) < 1e-14
        rate = 0.02 * k + 1.4
        assert abs(wild.nodes(sec)[i].value - 2 / (1 + n.dt * rate)) < 1e-14
        assert abs(wild.nodes(sec)[i].value + tame.nodes(sec)[i].value - 2) < 1e-14
assert len(here) == 0 or np.ptp([k for ks in here.values() for k in ks]) > 0.01
said = message_of(rxd.RxDException, lambda: rxd.Rate(gate, ko, membrane_flux=True))
assert "membrane_flux" in said, said
""",
        ),
    )


@pytest.mark.parametrize("ranks", [None, 2])
def test_neurons_reactions_run_with_those_at_the_membrane_and_go_back_to_neuron(on_ranks, ranks):
    """A gate that the first reads, as one system while there is such a reaction; once in each step,
    whoever runs it.
    """
    holds(
        on_ranks,
        ranks,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
gate = rxd.State(membrane, initial=0.5)
closing = rxd.Rate(gate, -0.2 * gate)
pump = across(ki, ko, 1e4 * gate[membrane], mass_action=False)
def gates():
    return np.array([node.value for node in gate.nodes])
from neuron.rxd import rxd as registry
names = lambda: [reference() for reference in registry._all_reactions]
n.finitialize(-65)
assert closing not in names()
before = np.array([seg.ki for sec in sections for seg in sec])
steps(1)
closed = 0.5 / (1 + 0.2 * n.dt)
assert np.abs(gates() - closed).max(initial=0) < 1e-15
for sec in sections:
    nodes = inside[cyt].nodes(sec)
    for i, (node, area) in enumerate(zip(nodes, membrane._geometry.volumes1d(sec))):
        lost = n.dt * 1e4 * closed * area / node.volume / (6.02214076e5)
        assert abs(140 - node.value - lost) < 1e-6 * lost, (node.value, lost)
        assert node.value == sec((i + 0.5) / sec.nseg).ki
del pump
n.finitialize(-65)
assert closing in names()
steps(1)
assert np.abs(gates() - closed).max(initial=0) < 1e-8
""",
        ),
    )
