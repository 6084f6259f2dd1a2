"""Cells exchange ions with a box of which a State is the volume fraction.

The tissue shrinks where potassium is high.

NEURON lets what crosses the membrane into the volume that a voxel had when the reaction was made.
So one reaction says by a factor that it means the volume of now, as in a published model; the
others do not. With --one there is the first reaction alone: NEURON differences the derivatives of a
segment with two extracellular species wrongly.
"""

from harness import OPTIONS, my_cells, run, rxd, stick

cells = {}
for i in my_cells(5):
    cells[i] = [
        stick(
            i,
            (6 + 8 * i, 12 + 5 * (i % 2), 10),
            (14 + 6 * i, 30, 28),
            diam=3 + i,
            nseg=1 + i % 3,
        )
    ]
    cells[i][0].insert("pas")
    cells[i][0].insert("steady_k")
    for seg in cells[i][0]:
        seg.steady_k.rate = 0.002 * (1 + i)

sections = [sec for cell in cells.values() for sec in cell]
cyt = rxd.Region(sections, name="cyt", nrn_region="i")
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
ecs = rxd.Extracellular(0, 0, 0, 60, 45, 40, dx=(12, 15, 10), tortuosity=1.6)
START = 0.2
alpha = rxd.State(ecs, name="alpha", initial=lambda node: START + 0.001 * node.z3d)
ecs.alpha = alpha


def ion(name, charge, d, inside, outside):
    return rxd.Species(
        [cyt, ecs],
        name=name,
        charge=charge,
        d=d,
        initial=lambda node: (
            inside if node.region == cyt else outside * (1 + 0.5 * (node.x3d < 25))
        ),
    )


k, na = ion("k", 1, 2.62, 140, 4), ion("na", 1, 1.78, 18, 144)
dump = rxd.Parameter([cyt, ecs], value=0)
(ki, nai, dumped_in), (ko, nao, dumped_out) = [
    [one[region] for one in (k, na, dump)] for region in (cyt, ecs)
]
shrinks = rxd.Rate(alpha, -2e-3 * alpha * ko / 4)


def across(*scheme_and_rate, flux):
    return rxd.MultiCompartmentReaction(
        *scheme_and_rate, membrane=membrane, mass_action=False, membrane_flux=flux
    )


reactions = [
    across(ki, ko, 30 * (ki - 30 * ko), flux=True),
    across(nao, nai, 3 * (nao - nai), flux=False),
    across(dumped_in, ko, 20 * (ki - 30 * ko) * START / alpha[ecs], flux=True),
    across(ki, dumped_out, 20 * (ki - 30 * ko), flux=True),
]

moving = ("ko", "ki", "nao", "nai", "v")
if "--one" in OPTIONS:
    del reactions[1:]
    moving = ("ko", "ki", "nao", "v")

run(0.05, {"k": ko, "na": nao, "alpha": alpha[ecs]}, cells, moving)
