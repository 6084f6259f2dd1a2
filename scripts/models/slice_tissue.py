"""The slice itself, in plain rxd: cells, ions on both sides of their membrane, oxygen in a box of
its own.
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


@dataclass
class Slice:
    """What a script has to keep: regions, species, reactions. cells: {number: [its section]} of
    this rank.
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
        return {name: self.species[name][self.cyt] for name in IONS} | {
            "vi": self.states["vi"][self.cyt]
        }


def build(rxd, options, count=None, reacting=True):
    """A `Slice` in ``rxd``, which is neuron.rxd or ecsmpi.rxd; with fewer neurons, or without
    reactions, to measure parts. Collective.
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
    """{number: [section]} of this rank's neurons, upright cylinders."""
    pc, cells = n.ParallelContext(), {}
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
    tissue, half, sections = (
        tissue_of(options),
        half_lengths(options),
        [sec for cell in cells.values() for sec in cell],
    )
    box = dict(zip(("xlo", "ylo", "zlo", "xhi", "yhi", "zhi"), [*lower_corner(options), *half])) | {
        "dx": options.dx
    }
    geometry = rxd.FractionalVolume(neuron.fraction, surface_fraction=1)
    cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=geometry)
    membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
    ecs = rxd.Extracellular(**box, volume_fraction=tissue.alpha, tortuosity=tissue.tortuosity)
    air = rxd.Extracellular(**box)
    species = {name: _ion(rxd, name, cyt, ecs, options) for name in IONS}
    species["o2"] = rxd.Species(
        air,
        name="o2",
        d=3.3,
        ecs_boundary_conditions=held_at(tissue.oxygen, options),
        initial=_in_core(
            options, LITTLE_OXYGEN if options.core == "ischemic" else tissue.oxygen, tissue.oxygen
        ),
    )
    states = {"vi": rxd.State(cyt, initial=1), "vo": rxd.State(ecs, initial=1)}
    for name, start in resting_gates("gates" in options.as_published).items():
        states[name] = rxd.State(membrane, initial=start)
    return Slice(cells, cyt, membrane, ecs, air, species, states, [])


def _ion(rxd, name, cyt, ecs, options):
    charge, d, inside, outside = IONS[name]
    if name == "cl":
        inside, outside = (
            inside * tissue_of(options).chloride,
            outside * tissue_of(options).chloride,
        )
    start = _in_core(options, options.k0 if name == "k" else outside, outside)
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
    """The functions of the rate laws, of numbers."""

    exp = math.exp

    @staticmethod
    def vtrap(x, y):
        return x / math.expm1(x / y)


def resting_gates(as_published):
    """{name: how open a gate is} at rest, or nearly so as the published code has it."""
    rates = {"m": laws.gate_m, "h": laws.gate_h, "n": laws.gate_n}
    opening_and_closing = {name: rate(_Numbers, REST) for name, rate in rates.items()}
    return {
        name: a / ((1 if as_published else a) + b) for name, (a, b) in opening_and_closing.items()
    }


def gates(rxd, made):
    """Of the channels."""
    found = []
    for name, law in {"m": laws.gate_m, "h": laws.gate_h, "n": laws.gate_n}.items():
        gate, (opening, closing) = made.states[name], law(rxd.rxdmath, rxd.v)
        found.append(rxd.Rate(gate, opening * (1 - gate) - closing * gate))
    return found


def across_the_membrane(rxd, made, neuron, options):
    """Channels, cotransporters and pumps, what these breathe, and the water that follows."""
    m, (ki, nai, cli, vi) = rxd.rxdmath, made.inside.values()
    ko, nao, clo, o2, vo = made.outside.values()
    gate_m, gate_h, gate_n = (made.states[name][made.membrane] for name in "mhn")
    per_area = laws.MOLECULES * neuron.volume / neuron.area
    across = functools.partial(
        rxd.MultiCompartmentReaction, membrane=made.membrane, mass_action=False
    )
    carrying, breathed = (
        functools.partial(across, membrane_flux=True),
        rxd.Parameter(made.cyt, value=0),
    )
    made.states["breathed"] = breathed
    pump = (
        per_area
        * laws.pump(m, nai, ko, o2, vi, vo, options.pump)
        * _working(rxd, made, made.cyt, options)
    )
    current = laws.PER_MICROAMPERE
    found = [
        carrying(
            nai, nao, current * laws.sodium_current(m, rxd.v, gate_m, gate_h, nai, nao, vi, vo)
        ),
        carrying(ki, ko, current * laws.potassium_current(m, rxd.v, gate_n, ki, ko, vi, vo)),
        carrying(cli, clo, current * laws.chloride_out(m, rxd.v, cli, clo, vi, vo)),
        across(ki + cli, ko + clo, per_area * laws.kcc2(m, ki, ko, cli, clo, vi, vo)),
        across(
            2 * cli + ki + nai,
            2 * clo + ko + nao,
            per_area * laws.nkcc1(m, nai, nao, ki, ko, cli, clo, vi, vo),
        ),
        carrying(3 * nai, 3 * nao, pump),
        carrying(2 * ko, 2 * ki, pump),
        across(o2, breathed[made.cyt], pump),
    ]
    drift = (laws.cell_volume(m, nai, nao, ki, ko, cli, clo, vi, vo) - vi) / laws.VOLUME_TIME
    swollen = 1 if "volumes" in options.as_published else neuron.volume
    return [*found, across(vo, vi, laws.MOLECULES * swollen * drift, scale_by_area=False)]


def of_glia(rxd, made, options):
    """Pumps and uptake of glia, and what they breathe."""
    ko, nao, _, o2, vo = made.outside.values()
    pump = laws.glial_pump(rxd.rxdmath, ko, o2, vo, options.pump)
    in_ecs, in_air = (
        pump * _working(rxd, made, region, options) for region in (made.ecs, made.air)
    )
    return [
        rxd.Rate(nao, 3 * in_ecs),
        rxd.Rate(ko, -laws.glial_uptake(rxd.rxdmath, ko, o2, vo) - 2 * in_ecs),
        rxd.Rate(o2, -in_air),
    ]


def _working(rxd, made, region, options):
    """What part of the pumps in a region works: all, but for those that ouabain stops in the core."""
    if options.core != "ouabain":
        return 1
    name = f"working in {region!r}"
    made.states[name] = rxd.Parameter(region, value=_in_core(options, 0, 1))
    return made.states[name][region]
