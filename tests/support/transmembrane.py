"""Models for programs of reactions across the membrane: potassium inside cells and outside."""

from types import SimpleNamespace

from support.model import box, cells, n, pc, rank, ranks, rxd, uneven


def quiet_cells(numbers=range(4), apart=20):
    """Return {number: section of 3 segments} of this rank, without channels."""
    made = {}
    for i in numbers:
        if i % ranks == rank:
            sec = made[i] = n.Section(name=f"cell{i}")
            sec.pt3dadd(apart * i - 30, 0, 0, 5)
            sec.pt3dadd(apart * i - 25, 8, 30, 5)
            sec.nseg = 3
    return made


def membranes(made=None):
    """Return the cells `made` (by default spiking ones) with the regions `cyt` and `membrane`."""
    parts = cells(apart=9) if made is None else made
    sections = list(parts.values())
    geometry = rxd.FractionalVolume(0.5, surface_fraction=1)
    cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=geometry)
    membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
    return SimpleNamespace(parts=parts, sections=sections, cyt=cyt, membrane=membrane)


def two_species(made=None, ecs=None):
    """Return the model with a species of potassium inside the cells and another in the box."""
    m = membranes(made)
    m.ecs = box() if ecs is None else ecs
    m.inside = rxd.Species(m.cyt, name="k", charge=1, initial=140)
    m.outside = rxd.Species(m.ecs, name="k", d=2, charge=1, initial=uneven)
    m.ki, m.ko = m.inside[m.cyt], m.outside[m.ecs]

    def across(*scheme_and_rates, **named):
        return rxd.MultiCompartmentReaction(*scheme_and_rates, membrane=m.membrane, **named)

    m.across = across
    return m


def one_species(made=None):
    """Return the model with one species of potassium on both sides of the membrane."""
    m = membranes(made)
    m.ecs = box()

    def initial(node):
        return 140 if node.region == m.cyt else uneven(node)

    m.k = rxd.Species([m.cyt, m.ecs], name="k", charge=1, d=0.7, initial=initial)
    m.ki, m.ko = m.k[m.cyt], m.k[m.ecs]
    return m


def amounts(m):
    """Return the potassium (mM um3) inside the cells and in the box, on every rank. Collective."""
    mine = [node.value * node.volume for node in m.inside.nodes]
    inside = sum(map(sum, pc.py_allgather(mine)))
    return inside, m.ko.states3d.sum() * 7 * 8 * 9 * 0.2
