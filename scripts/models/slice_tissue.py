"""The slice itself, in plain rxd: cells, ions on both sides of their membranes, and oxygen.

Oxygen diffuses in a box of its own, since it is everywhere in the tissue.
"""

from dataclasses import dataclass
import functools
import math

from neuron import n
import placement
import slice_laws as laws
from slice_options import half_lengths, held_at, lower_corner, neurons, tissue_of

REST = -70  # mV
IONS = {  # charge, d (um2/ms), mM inside and outside
    "k": (1, 2.62, 140, 3.5),
    "na": (1, 1.78, 18, 144),
    "cl": (-1, 2.1, 6, 130),
}
LITTLE_OXYGEN = 0.01  # mM in an ischemic core
GATES = {"m": laws.gate_m, "h": laws.gate_h, "n": laws.gate_n}


@dataclass
class Slice:
    """Cells, regions, species and reactions, which a script has to keep.

    cells: {number: [its section]} of this rank.
    """

    cells: dict
    cyt: object
    membrane: object
    ecs: object
    air: object
    species: dict
    states: dict
    reactions: list

    @property
    def outside(self):
        """{name: the species outside cells}, oxygen and volume among them."""
        ions = {name: self.species[name][self.ecs] for name in IONS}
        return ions | {"o2": self.species["o2"][self.air], "vo": self.states["vo"][self.ecs]}

    @property
    def inside(self):
        """{name: the species in the cytosol}, volume among them."""
        ions = {name: self.species[name][self.cyt] for name in IONS}
        return ions | {"vi": self.states["vi"][self.cyt]}


def build(rxd, options, count=None, reacting=True):
    """Make a `Slice`. Collective.

    rxd: neuron.rxd or ecsmpi.rxd. count: neurons, if fewer than usual. reacting: False to leave
    out reactions. Fewer neurons and no reactions serve to time parts of the model.
    """
    usual, neuron = neurons(options)
    cells = make_cells(options, usual if count is None else count, neuron)
    made = regions_and_species(rxd, options, cells, neuron)
    if not reacting:
        return made
    made.reactions = [
        *gates(rxd, made),
        *across_the_membrane(rxd, made, neuron, options),
        *of_glia(rxd, made, options),
    ]
    return made


def make_cells(options, count, neuron):
    """{number: [section]} of this rank's neurons, which are upright cylinders."""
    pc = n.ParallelContext()
    cells = {}
    places = placement.centres(count, half_lengths(options), neuron.radius)
    if options.eighth:
        places = abs(places)
    for number in placement.numbers_of_rank(places, int(pc.id()), int(pc.nhost())):
        x, y, z = places[number]
        sec = n.Section(name=f"neuron{number}")
        for end in (-neuron.radius, neuron.radius):
            sec.pt3dadd(x, y, z + end, 2 * neuron.radius)
        sec.insert("pas")
        sec.g_pas, sec.e_pas = 1e-4, REST
        cells[int(number)] = [sec]
    return cells


def regions_and_species(rxd, options, cells, neuron):
    """The slice without reactions."""
    tissue = tissue_of(options)
    sections = [section for (section,) in cells.values()]
    corners = *lower_corner(options), *half_lengths(options)
    geometry = rxd.FractionalVolume(neuron.fraction, surface_fraction=1)
    cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=geometry)
    membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
    ecs = rxd.Extracellular(
        *corners, dx=options.dx, volume_fraction=tissue.alpha, tortuosity=tissue.tortuosity
    )
    air = rxd.Extracellular(*corners, dx=options.dx)
    species = {name: _ion(rxd, name, cyt, ecs, options) for name in IONS}
    oxygen_in_core = LITTLE_OXYGEN if options.core == "ischemic" else tissue.oxygen
    species["o2"] = rxd.Species(
        air,
        name="o2",
        d=3.3,
        ecs_boundary_conditions=held_at(tissue.oxygen, options),
        initial=_in_core(options, oxygen_in_core, tissue.oxygen),
    )
    states = {"vi": rxd.State(cyt, initial=1), "vo": rxd.State(ecs, initial=1)}
    for name, start in resting_gates("gates" in options.as_published).items():
        states[name] = rxd.State(membrane, initial=start)
    return Slice(cells, cyt, membrane, ecs, air, species, states, [])


def _ion(rxd, name, cyt, ecs, options):
    charge, d, inside, outside = IONS[name]
    if name == "cl":
        inside *= tissue_of(options).chloride
        outside *= tissue_of(options).chloride
    in_core = options.k0 if name == "k" else outside
    start = _in_core(options, in_core, outside)
    return rxd.Species(
        [cyt, ecs],
        name=name,
        charge=charge,
        d=d,
        ecs_boundary_conditions=held_at(outside, options),
        initial=lambda node: inside if node.region == cyt else start(node),
    )


def _in_core(options, within, elsewhere):
    """A function of a node: one value within the radius r0 of the middle, another elsewhere."""
    return lambda node: (
        within if math.hypot(node.x3d, node.y3d, node.z3d) <= options.r0 else elsewhere
    )


class _Numbers:
    """The functions that the rate laws use, for numbers."""

    exp = math.exp

    @staticmethod
    def vtrap(x, y):
        return x / math.expm1(x / y)


def resting_gates(as_published):
    """{name of a gate: how open it is} at rest, or as the published code starts it."""
    found = {}
    for name, law in GATES.items():
        opening, closing = law(_Numbers, REST)
        found[name] = opening / ((1 if as_published else opening) + closing)
    return found


def gates(rxd, made):
    """Rates of the channels' gates."""
    found = []
    for name, law in GATES.items():
        gate = made.states[name]
        opening, closing = law(rxd.rxdmath, rxd.v)
        found.append(rxd.Rate(gate, opening * (1 - gate) - closing * gate))
    return found


def across_the_membrane(rxd, made, neuron, options):
    """Channels, cotransporters, pumps and the oxygen that these use, and the water that follows."""
    m = rxd.rxdmath
    v = rxd.v
    ki, nai, cli, vi = made.inside.values()
    ko, nao, clo, o2, vo = made.outside.values()
    gate_m, gate_h, gate_n = (made.states[name][made.membrane] for name in "mhn")
    per_area = laws.MOLECULES * neuron.volume / neuron.area
    across = functools.partial(
        rxd.MultiCompartmentReaction, membrane=made.membrane, mass_action=False
    )
    carrying = functools.partial(across, membrane_flux=True)  # a current
    used_oxygen = made.states["breathed"] = rxd.Parameter(made.cyt, value=0)
    current = laws.PER_MICROAMPERE
    sodium = current * laws.sodium_current(m, v, gate_m, gate_h, nai, nao, vi, vo)
    potassium = current * laws.potassium_current(m, v, gate_n, ki, ko, vi, vo)
    chloride = current * laws.chloride_out(m, v, cli, clo, vi, vo)
    kcc2 = per_area * laws.kcc2(m, ki, ko, cli, clo, vi, vo)
    nkcc1 = per_area * laws.nkcc1(m, nai, nao, ki, ko, cli, clo, vi, vo)
    pump = per_area * laws.pump(m, nai, ko, o2, vi, vo, options.pump)
    pump = pump * _working(rxd, made, made.cyt, options)
    drift = (laws.cell_volume(m, nai, nao, ki, ko, cli, clo, vi, vo) - vi) / laws.VOLUME_TIME
    volume = 1 if "volumes" in options.as_published else neuron.volume
    return [
        carrying(nai, nao, sodium),
        carrying(ki, ko, potassium),
        carrying(cli, clo, chloride),
        across(ki + cli, ko + clo, kcc2),
        across(2 * cli + ki + nai, 2 * clo + ko + nao, nkcc1),
        carrying(3 * nai, 3 * nao, pump),
        carrying(2 * ko, 2 * ki, pump),
        across(o2, used_oxygen[made.cyt], pump),
        across(vo, vi, laws.MOLECULES * volume * drift, scale_by_area=False),
    ]


def of_glia(rxd, made, options):
    """Pumps and uptake of glia, and the oxygen that the pumps use."""
    ko, nao, _, o2, vo = made.outside.values()
    pump = laws.glial_pump(rxd.rxdmath, ko, o2, vo, options.pump)
    in_ecs = pump * _working(rxd, made, made.ecs, options)
    in_air = pump * _working(rxd, made, made.air, options)
    return [
        rxd.Rate(nao, 3 * in_ecs),
        rxd.Rate(ko, -laws.glial_uptake(rxd.rxdmath, ko, o2, vo) - 2 * in_ecs),
        rxd.Rate(o2, -in_air),
    ]


def _working(rxd, made, region, options):
    """The part of the pumps in a region that works: all, or none in a core with ouabain."""
    if options.core != "ouabain":
        return 1
    name = f"working in {region!r}"
    made.states[name] = rxd.Parameter(region, value=_in_core(options, 0, 1))
    return made.states[name][region]
