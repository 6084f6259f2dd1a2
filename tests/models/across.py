"""Cells exchange ions with their surroundings by reactions across their membranes.

They have channels, a pump and a cotransporter.

Some cells share a voxel. The pump needs oxygen, which lives in a box of its own on the same grid;
channels are opened by states that follow the voltage, and all that crosses the membrane carries its
current.
"""

from harness import my_cells, run, rxd, stick

CELLS = 6
INSIDE, OUTSIDE = {"k": 140, "na": 18, "cl": 6}, {"k": 3.5, "na": 144, "cl": 130}
exp, log = rxd.rxdmath.exp, rxd.rxdmath.log

cells = {}
for i in my_cells(CELLS):
    x, y, z = 6 + 5 * i, 20 + 7 * (i % 3), 15 + 3 * (i % 2)
    soma = stick(i, (x, y, z), (x + 9, y, z), diam=9, nseg=1)
    dendrite = stick(i + 100, (x + 9, y, z), (x + 13, y + 20, z + 9), diam=1.5, nseg=3)
    dendrite.connect(soma(1))
    for sec in (soma, dendrite):
        sec.insert("pas")
        sec.g_pas = 1e-4
    cells[i] = [soma, dendrite]

sections = [sec for cell in cells.values() for sec in cell]
cyt = rxd.Region(
    sections, name="cyt", nrn_region="i", geometry=rxd.FractionalVolume(0.6, surface_fraction=1)
)
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
BOX = dict(xlo=0, ylo=0, zlo=0, xhi=60, yhi=60, zhi=50, dx=(12, 15, 10))
ecs = rxd.Extracellular(**BOX, volume_fraction=0.2, tortuosity=1.6)
air = rxd.Extracellular(**BOX)


def ion(name, charge, d):
    return rxd.Species(
        [cyt, ecs],
        name=name,
        charge=charge,
        d=d,
        initial=lambda node: (
            INSIDE[name] if node.region == cyt else OUTSIDE[name] * (1 + 0.05 * (node.x3d < 25))
        ),
    )


k, na, cl = ion("k", 1, 2.62), ion("na", 1, 1.78), ion("cl", -1, 2.1)
(ki, nai, cli), (ko, nao, clo) = [
    [each[region] for each in (k, na, cl)] for region in (cyt, ecs)
]
bound = rxd.Species([cyt, ecs], initial=0.1)
binding = 0.01 * k - 0.02 * bound  # on both sides
changes = [rxd.Rate(k, -binding), rxd.Rate(bound, binding - bound / 50)]
oxygen = rxd.Species(air, name="o2", d=3.3, initial=0.1)
used = rxd.Parameter(cyt, value=0)
n_gate, m_gate = (
    rxd.State(membrane, initial=0.1),
    rxd.State([cyt, membrane], initial=lambda node: 0.05 if node.region == membrane else 0.5),
)
door = rxd.Parameter(
    [cyt, membrane, ecs], value=lambda node: 1 if node.region == membrane else 5
)
n_open, m_open = 1 / (1 + exp(-(rxd.v + 40) / 9)), 1 / (1 + exp(-(rxd.v + 34) / 6))
gates = [rxd.Rate(n_gate, (n_open - n_gate) / 4), rxd.Rate(m_gate, (m_open - m_gate) / 0.5)]


# In these rates, a species that does not say its region is that on the membrane.
def across(*scheme_and_rates, flux=True, **named):
    return rxd.MultiCompartmentReaction(
        *scheme_and_rates, membrane=membrane, mass_action=False, membrane_flux=flux, **named
    )


def nernst(inside, outside, charge):
    return 26.64 / charge * log(outside / inside)


PER_MV = 60  # molecules/(um2 ms mV)
pump_rate = (
    2000
    * oxygen[air]
    / (0.05 + oxygen[air])
    / ((1 + exp((25 - nai) / 3)) * (1 + exp(3.5 - ko)))
)
carried = [
    across(ki, ko, PER_MV * (10 * n_gate[membrane] + 0.5) * (rxd.v - nernst(ki, ko, 1))),
    across(nai, nao, PER_MV * (2 * m_gate + 0.05) * (rxd.v - nernst(nai, nao, 1))),
    across(cli, clo, PER_MV * door * (rxd.v - nernst(cli, clo, -1)) * -1),
    across(3 * nai, 3 * nao, pump_rate),
    across(2 * ko, 2 * ki, pump_rate),
    across(
        2 * cli + ki + nai,
        2 * clo + ko + nao,
        500 * log(ki * nai * cli**2 / (ko * nao * clo**2)),
        flux=False,
    ),
    across(oxygen[air], used[cyt], pump_rate, flux=False),
]

run(
    0.025,
    {"k": ko, "na": nao, "cl": clo, "o2": oxygen[air], "bound": bound[ecs]},
    cells,
    ("ko", "ki", "nao", "nai", "clo", "cli", "v"),
)
