"""What leaves a cell enters its voxel, once; its current enters the cell, once."""

from neuron.rxd import rxd as registry
import numpy as np

from support.model import box, message_of, n, of_segments, pc, run_case, rxd, save, steps
from support.transmembrane import amounts, membranes, one_species, quiet_cells, two_species


def closed_box():
    m = two_species()
    pump = m.across(
        m.ki, m.ko, 5e4 * m.ki / (1 + m.ki) * m.ko, mass_action=False, membrane_flux=True
    )
    leak = m.across(m.ko, m.ki, 90, scale_by_area=False)
    n.finitialize(-65)
    before = amounts(m)
    steps(200)
    after = amounts(m)
    assert abs(after[0] - before[0]) > 1e-4 * before[0], "nothing crosses the membrane"
    assert abs(sum(after) - sum(before)) < 1e-12 * sum(before), (before, after)

    def swelling(x, y, z):
        return 0.12 + 0.0005 * (x + 50)

    m.ecs.set_volume_fraction(swelling)
    steps(20)
    fractions = m.ecs.volume_fractions(np.arange(m.ecs.box.voxels))
    later = amounts(m)[0], (m.ko.states3d.reshape(-1) * fractions).sum() * 7 * 8 * 9
    assert later[0] < after[0] and abs(sum(later) - sum(before)) < 1e-12 * sum(before), (
        before,
        later,
    )


def state_is_the_volume():
    m = two_species(quiet_cells(apart=9))
    alpha = rxd.State(m.ecs, initial=lambda node: 0.3 + 0.001 * node.x3d)
    shrinks = rxd.Rate(alpha, -0.02 * alpha)
    pump = m.across(m.ki, m.ko, 60 * m.ki, mass_action=False, membrane_flux=True)
    leak = m.across(m.ko, m.ki, 90, scale_by_area=False)
    m.ecs.set_volume_fraction(alpha)
    n.finitialize(-65)

    def amount():
        mine = [node.value * node.volume for node in m.inside.nodes]
        return sum(map(sum, pc.py_allgather(mine))), (
            m.ko.states3d * alpha[m.ecs].states3d
        ).sum() * 7 * 8 * 9

    before = amount()
    steps(20)
    after = amount()
    assert abs(after[0] - before[0]) > 1e-4 * before[0], "nothing crosses the membrane"
    assert abs(sum(after) - sum(before)) < 1e-12 * sum(before), (before, after)
    m.ecs.alpha = 0.2
    m.outside.d = 1
    steps(2)
    last = amount()[0], m.ko.states3d.sum() * 7 * 8 * 9 * 0.2
    steps(5)
    later = amount()[0], m.ko.states3d.sum() * 7 * 8 * 9 * 0.2
    assert later[0] < last[0] and abs(sum(later) - sum(last)) < 1e-12 * sum(last), (last, later)


def charge_of_a_membrane():
    m = two_species(quiet_cells(apart=9))
    flow = 40  # molecules/(um2 ms)
    carrier = m.across(m.ki, m.ko, flow, membrane_flux=True, mass_action=False)
    n.finitialize(-65)
    start = m.ko.states3d.sum()
    steps(50)
    area = sum(pc.py_allgather(sum(seg.area() for sec in m.sections for seg in sec)))
    moved = flow * area * 50 * n.dt / 6.02214076e23 * 1e18  # mM um3
    assert abs((m.ko.states3d.sum() - start) * 7 * 8 * 9 * 0.2 - moved) < 1e-6 * moved
    for sec in m.sections:
        # C/cm2; 1 mole/um2 is 1e8 mole/cm2.
        charge = flow / 6.02214076e23 * n.FARADAY * 1e8 * 50 * n.dt
        # The membrane has 1 uF/cm2; voltages are in mV.
        assert abs(sec(0.5).v + 65 + charge * 1e9) < 1e-6 * charge * 1e9, sec(0.5).v


def jacobian():
    sec = n.Section(name="cell")
    sec.pt3dadd(0, 0, 0, 8)
    sec.pt3dadd(10, 0, 0, 8)
    cyt = rxd.Region([sec], name="cyt", nrn_region="i")
    membrane = rxd.Region([sec], name="membrane", geometry=rxd.membrane())
    ecs = rxd.Extracellular(-10, -10, -10, 10, 10, 10, 20, volume_fraction=0.2)
    species = [rxd.Species(ecs, initial=3), rxd.Species(ecs, initial=5)]
    a, b = (one[ecs] for one in species)
    sink = rxd.Species(cyt, initial=1)
    n.dt = 1
    rate = 1e7
    first = rxd.MultiCompartmentReaction(
        a, sink[cyt], rate * a * b, membrane=membrane, mass_action=False
    )
    second = rxd.MultiCompartmentReaction(
        b, sink[cyt], rate * a, membrane=membrane, mass_action=False
    )
    n.finitialize(-65)
    n.fadvance()
    unit = sec(0.5).area() / 6.02214076e5 / (20**3 * 0.2) * rate * n.dt
    jacobian = unit * np.array([[-5, -3], [-1, 0]])
    change = np.linalg.solve(np.eye(2) - jacobian, unit * np.array([-15, -3]))
    found = [a.states3d[0, 0, 0] - 3, b.states3d[0, 0, 0] - 5]
    assert np.abs(found - change).max() < 1e-6 * np.abs(change).max(), (found, change)


def both_sides():
    m = one_species(quiet_cells(apart=9))
    m.k.d = 0
    bound = rxd.Species([m.cyt, m.ecs], initial=0)
    binding = rxd.Reaction(m.k, bound, 0.3)
    n.finitialize(-65)
    before = np.array(m.ko.states3d)
    steps(1)
    part = 0.3 * n.dt / (1 + 0.3 * n.dt)  # implicit
    assert np.abs(bound[m.ecs].states3d - part * before).max() < 1e-12
    assert np.abs(bound[m.ecs].states3d + m.ko.states3d - before).max() < 1e-12
    for node in bound[m.cyt].nodes:
        assert abs(node.value - part * 140) < 1e-6
    binding.f_rate = 0
    assert m.k.regions == [m.cyt, m.ecs]
    assert m.k.name == "k"
    assert m.k.charge == 1
    assert m.k.defined_on_region(m.ecs)
    assert len(m.k.nodes) == len(m.ki.nodes) + len(m.ko.nodes)
    assert len(m.k.nodes(m.ecs)) == len(m.ko.nodes)
    rxd.Output("k.h5", every=1, species=m.k, attach=False)
    said = message_of(rxd.RxDException, lambda: rxd.Rate(bound[m.ecs], m.ki))
    assert "extracellular" in said, said


def ends_with_its_name():
    m = two_species(quiet_cells(apart=9))
    pump = m.across(m.ki, m.ko, 5e4, mass_action=False)
    n.finitialize(-65)
    before = amounts(m)
    steps(2)
    after = amounts(m)
    assert after[0] < before[0] and after[1] > before[1]
    del pump
    n.finitialize(-65)
    steps(2)
    assert amounts(m)[0] == before[0]


def reactions_inside_cells():
    m = two_species(quiet_cells(apart=9))
    other = rxd.Species(rxd.Extracellular(-50, -40, -40, 51, 42, 60, 20), initial=0.7)
    gate = rxd.State(m.membrane, initial=0.5)
    wild, tame = rxd.Species(m.cyt, initial=2), rxd.Species(m.cyt, initial=0)
    opening = rxd.Rate(
        gate, -0.1 * gate * m.ko * other[other.regions[0]] * rxd.rxdmath.exp(rxd.v / 65)
    )
    ready = rxd.Reaction(wild, tame, 0.02 * m.ko + 0.01 * m.ki, regions=m.cyt)
    n.finitialize(-65)
    here = {sec: [seg.ko for seg in sec] for sec in m.sections}
    steps(1)
    for sec in m.sections:
        for i, k in enumerate(here[sec]):
            rate = 0.1 * k * 0.7 / np.e
            assert abs(gate.nodes(sec)[i].value - 0.5 / (1 + n.dt * rate)) < 1e-14
            rate = 0.02 * k + 1.4
            assert abs(wild.nodes(sec)[i].value - 2 / (1 + n.dt * rate)) < 1e-14
            assert abs(wild.nodes(sec)[i].value + tame.nodes(sec)[i].value - 2) < 1e-14
    assert len(here) == 0 or np.ptp([k for ks in here.values() for k in ks]) > 0.01
    said = message_of(rxd.RxDException, lambda: rxd.Rate(gate, m.ko, membrane_flux=True))
    assert "membrane_flux" in said, said


def neurons_own_reactions():
    m = two_species(quiet_cells(apart=9))
    gate = rxd.State(m.membrane, initial=0.5)
    closing = rxd.Rate(gate, -0.2 * gate)
    pump = m.across(m.ki, m.ko, 1e4 * gate[m.membrane], mass_action=False)

    def gates():
        return np.array([node.value for node in gate.nodes])

    def names():
        return [reference() for reference in registry._all_reactions]

    n.finitialize(-65)
    assert closing not in names()
    before = np.array([seg.ki for sec in m.sections for seg in sec])
    steps(1)
    closed = 0.5 / (1 + 0.2 * n.dt)
    assert np.abs(gates() - closed).max(initial=0) < 1e-15
    for sec in m.sections:
        nodes = m.inside[m.cyt].nodes(sec)
        for i, (node, area) in enumerate(zip(nodes, m.membrane._geometry.volumes1d(sec))):
            lost = n.dt * 1e4 * closed * area / node.volume / (6.02214076e5)
            assert abs(140 - node.value - lost) < 1e-6 * lost, (node.value, lost)
            assert node.value == sec((i + 0.5) / sec.nseg).ki
    del pump
    n.finitialize(-65)
    assert closing in names()
    steps(1)
    assert np.abs(gates() - closed).max(initial=0) < 1e-8


def reproducible_reactions():
    rxd.options.reproducible = True
    m = two_species()
    pump = m.across(
        m.ki, m.ko, 5e4 * m.ki / (1 + m.ki) * m.ko, mass_action=False, membrane_flux=True
    )
    n.finitialize(-65)
    steps(50)
    save(grid=np.array(m.ko.states3d), segments=of_segments(m.parts, "ko", "ki", "v"))


def reactions_of_some_ranks():
    """Ranks make the reactions of their own cells alone: each cell has other species outside."""
    m = membranes(quiet_cells(range(2), apart=9))
    m.ecs = box()
    alpha = rxd.State(m.ecs, initial=lambda node: 0.3 + 0.001 * node.x3d)
    shrinks = rxd.Rate(alpha, -0.02 * alpha)
    m.ecs.alpha = alpha
    inside = rxd.Species(m.cyt, initial=100)
    outside = [rxd.Species(m.ecs, d=1, initial=value) for value in (3, 50, 7)]
    reactions = []
    for i, own in enumerate((outside[:1], outside[1:])):
        if i in m.parts:
            membrane = rxd.Region([m.parts[i]], geometry=rxd.membrane())
            for one in own:
                leak = rxd.MultiCompartmentReaction(
                    inside[m.cyt], one[m.ecs], 900, 100, membrane=membrane
                )
                reactions.append(leak)
    n.finitialize(-65)
    steps(10)
    save(grid=np.array([one[m.ecs].states3d for one in outside]))


def two_regions_at_one_segment():
    """Reactions carry one ion out of both regions of each segment."""
    m = membranes(quiet_cells(range(1)))
    shell = rxd.Region(m.sections, name="shell", nrn_region="o", geometry=rxd.Shell(1, 2))
    k = rxd.Species(
        [m.cyt, shell],
        name="k",
        charge=1,
        initial=lambda node: 100 if node.region == m.cyt else 5,
    )
    outside = rxd.Species(box(), initial=2)
    (ecs,) = outside.regions
    reactions = []
    for region, rate in ((m.cyt, 3e3), (shell, 1e4)):
        one = rxd.MultiCompartmentReaction(
            k[region],
            outside[ecs],
            rate * k[region],
            membrane=m.membrane,
            mass_action=False,
            membrane_flux=True,
        )
        reactions.append(one)
    n.finitialize(-65)
    steps(4)
    names = ("ik", "ki", "ko", "v")
    save(segments=of_segments(m.parts, *names).T, grid=np.array(outside[ecs].states3d))


if __name__ == "__main__":
    run_case(globals())
