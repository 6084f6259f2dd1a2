"""Unusual forms of what scripts say: `forms.py OUTPUT BACKEND [across]`; both save the same arrays.

With ecsmpi, numpy's numbers stand where NEURON has plain ones, since NEURON takes few of them.
"""

import sys
import warnings

import numpy as np

OUTPUT, BACKEND = sys.argv[1:3]
if BACKEND == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n  # noqa: E402

warnings.simplefilter("ignore")
pc, saved = n.ParallelContext(), {}
ON_NUMPY = BACKEND == "ecsmpi"

cells = [n.Section(name=f"cell{i}") for i in range(2) if i % int(pc.nhost()) == int(pc.id())]
for sec in cells:
    sec.pt3dadd(-8, 0, 0, 6)
    sec.pt3dadd(8, 3, 2, 6)


def box(**tissue):
    return rxd.Extracellular(-20, -15, -15, 20, 15, 15, dx=10, **tissue)


def uneven(node):
    return 1 + node.x3d / 40 + node.y3d / 60


# tissue as a dict of a State's arguments
of_dicts = box(
    volume_fraction={"name": "alpha", "initial": 0.2},
    permeability={"name": "open", "initial": lambda node: 0.5 + node.y3d / 50},
)
in_dicts = rxd.Species(of_dicts, name="x", d=1, charge=1, initial=uneven)
shrinks = rxd.Rate(of_dicts.alpha, -0.02 * of_dicts.alpha)

# a State that is made while the run goes on; NEURON follows it where the tissue has varied before
later = box(volume_fraction=0.5, permeability=lambda x, y, z: 0.7)
in_later = rxd.Species(later, name="y", d=1, charge=1, initial=uneven)

# a species that gets its regions later, which NEURON allows before its first use
plain = box()
late, later_still = rxd.Species(regions=None, initial=uneven), rxd.Species([], initial=2)
late.regions, later_still.regions = [plain], plain
grows = rxd.Rate(late, 0.1 * later_still)

# regions=[] of what acts outside, inside, and on both sides; beside it what acts
cyt = rxd.Region(cells, name="cyt", nrn_region="i")
membrane = rxd.Region(cells, name="membrane", geometry=rxd.membrane())
outside = [rxd.Species(plain, initial=start) for start in (1, 2, 3)]
inside = [
    rxd.Species(cyt, name=name, initial=start)
    for name, start in (("inside1", 1), ("inside2", 2))
]
both = [
    rxd.Species([cyt, plain], name=name, initial=start)
    for name, start in (("both1", 3), ("both2", 1))
]
nowhere = [
    rxd.Rate(outside[0], 0.1, regions=[]),
    rxd.Rate(outside[0][plain], 0.1, regions=()),
    rxd.Reaction(outside[0], outside[1], 0.1, regions=[]),
    rxd.Reaction(outside[0][plain], outside[1][plain], 0.1, 0.2, regions=[]),
    rxd.Rate(inside[0], 0.1, regions=[]),
    rxd.Rate(both[0], 0.1, regions=[]),
    rxd.Reaction(
        inside[0], inside[1], 0.1, regions=[]
    ),  # inside cells NEURON lets this one act
    rxd.Reaction(both[0], both[1], 0.1, regions=[]),  # and this
]
everywhere = (
    rxd.Rate(outside[2], -0.1 * outside[2], regions=None),
    rxd.Reaction(outside[2], outside[1], 0.05, regions=None),
)
# A reaction across the membrane has no use for regions. With it, ecsmpi runs those inside cells.
if "across" in sys.argv:
    crosses = rxd.MultiCompartmentReaction(
        inside[0][cyt],
        outside[0][plain],
        1e4 * inside[0][cyt],
        mass_action=False,
        membrane=membrane,
        regions=[],
    )

# numbers of numpy's
matrix = np.array([[-0.1, 0.2], [0.1, -0.2]])
region = box()
a, b, c = (rxd.Species(region, initial=start) for start in (3, 1, 2))
if ON_NUMPY:
    flows = matrix @ np.array([a, b[region]], dtype=object)
    rates = [
        rxd.Rate(a, flows[0]),
        rxd.Rate(b, (matrix * np.array([a, b]))[1].sum()),
        rxd.Rate(c, np.array(0.5) * b / np.float32(2) - np.array(0.25) * c),
        rxd.Rate(
            c,
            (matrix[1] * a)[0]
            - (a[region] * matrix[1])[0]
            + (np.arange(3) + c)[2]
            - (c - np.arange(3))[0],
        ),
        rxd.Rate(c, np.array(0.01)),
        rxd.Rate(c, np.float64(0.03)),
        rxd.Reaction(np.int64(2) * a, b * np.int32(1), np.array(0.01), np.float32(0.5)),
    ]
else:
    rates = [
        rxd.Rate(a, -0.1 * a + 0.2 * b[region]),
        rxd.Rate(b, 0.1 * a - 0.2 * b),
        rxd.Rate(c, 0.5 * b / 2 - 0.25 * c),
        rxd.Rate(c, 2),
        rxd.Rate(c, 0.04),
        rxd.Reaction(2 * a, b, 0.01, 0.5),
    ]

n.finitialize(-65)
n.fadvance()
opened = rxd.State(later, name="opened", initial=lambda node: 0.3 + 0.3 * (node.y3d > 0))
later.permeability = opened
of_dicts.alpha.nodes.value = 0.3
for _ in range(9):
    n.fadvance()

for name, one in {
    "dicts": in_dicts,
    "alpha": of_dicts.alpha,
    "later": in_later,
    "late": late,
    "both": both[0],
}.items():
    saved[name] = np.array(one[one.regions[-1]].states3d)
for number, one in enumerate([*outside, a, b, c]):
    saved[f"outside {number}"] = np.array(one[one.regions[0]].states3d)
inside_values = {
    i: [one.nodes(sec)[0].value for one in (*inside, *both)] for i, sec in enumerate(cells)
}
saved["inside"] = np.array(pc.py_allgather(list(inside_values.values()))[0][0])
if pc.id() == 0:
    np.savez(OUTPUT, **saved)
