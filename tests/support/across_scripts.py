"""Parts of scripts for tests of reactions across the membrane: cells, their regions, potassium on
both sides.
"""

QUIET = """
def cells(numbers=range(4), apart=20):
    made = {}
    for i in numbers:
        if i % ranks == rank:
            sec = made[i] = n.Section(name=f"cell{i}")
            sec.pt3dadd(apart * i - 30, 0, 0, 5)
            sec.pt3dadd(apart * i - 25, 8, 30, 5)
            sec.nseg = 3
    return made
"""
CELLS = """
parts = cells(apart=9)
sections = list(parts.values())
cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=rxd.FractionalVolume(0.5, surface_fraction=1))
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
"""
POTASSIUM = """
ecs = box()
inside = rxd.Species(cyt, name="k", charge=1, initial=140)
outside = rxd.Species(ecs, name="k", d=2, charge=1, initial=uneven)
ki, ko = inside[cyt], outside[ecs]

def across(*scheme_and_rates, **named):
    return rxd.MultiCompartmentReaction(*scheme_and_rates, membrane=membrane, **named)
"""

BOTH = """
ecs = box()
k = rxd.Species([cyt, ecs], name="k", charge=1, d=0.7, initial=lambda node: 140 if node.region == cyt else uneven(node))
ki, ko = k[cyt], k[ecs]
"""


def model(*parts):
    return "".join(parts)
