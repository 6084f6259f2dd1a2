"""Spreading depression in a cubic millimetre of tissue, after Newton et al. 2018 (ModelDB 238892).

90,000 neurons, each a soma and a dendrite, take potassium and sodium from the extracellular space
and release them into it. In a sphere with high potassium at the start, the trigger, they
depolarise, and a wave spreads from there.

    python scripts/models/spreading_depression.py --size 300 --dx 25
    mpirun -n 4 python scripts/models/spreading_depression.py --tstop 5000 --edema --buffer

With `--neuron` the same runs in NEURON alone. Defaults are the published values. The model differs
from the published one on purpose:

    A cell's position depends on its gid alone, not on the number of ranks.
    Currents declare their conductances, so that steps of 10 ms stay stable (see tnak.mod). In
    oedema the step is 2 ms: in 10 ms some cells would take up more potassium than their voxel has.
    The persistent sodium current has no third gate: nothing used it.
    The buffer has no charge: no current carries it.
    `--whole-cells` keeps all dendrites inside the box; else one in twenty is outside.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path
import sys

import numpy as np

if "--neuron" in sys.argv:
    from neuron import rxd
else:
    from ecsmpi import rxd
from wave import wave_of

import neuron
from neuron import n
from outcome import gathered, print_table

MOD = Path(__file__).resolve().parents[2] / "mod"
SOMA = (22, 22)  # um, length and diameter
DENDRITE = (100, 2.8)  # um, length and diameter
K, NA = 3.5, 133.574  # mM at rest
HALF = 15  # mM: the buffer binds half as fast as it can
WIDTH = 1.15  # mM, over which it begins to bind
SITES = 10  # mM of the buffer
KB = 0.0008  # /ms
RECORDED = 1000  # cells, at most
DEPOLARISED = -30  # mV

n.load_file("stdrun.hoc")
pc = n.ParallelContext()


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--neuron",
        action="store_true",
        help="in NEURON's own extracellular space",
    )
    add(
        "--size",
        type=float,
        default=1000,
        help="edge of the box, um (default 1000)",
    )
    add(
        "--dx",
        type=float,
        default=10,
        help="edge of a voxel, um (default 10)",
    )
    add(
        "--density",
        type=float,
        default=90_000,
        help="neurons in a cubic millimetre (default 90000)",
    )
    add(
        "--dt",
        type=float,
        help="time step, ms (default 10, as no spikes are wanted; with --edema 2)",
    )
    add(
        "--tstop",
        type=float,
        default=200,
        help="end, ms (default 200)",
    )
    add(
        "--edema",
        action="store_true",
        help="tissue that is swollen around the trigger",
    )
    add(
        "--buffer",
        action="store_true",
        help="glia that bind potassium where there is much",
    )
    add(
        "--k0",
        type=float,
        default=40,
        help="potassium of the trigger, mM (default 40)",
    )
    add(
        "--r0",
        type=float,
        default=100,
        help="radius of the trigger, um (default 100)",
    )
    add(
        "--nseg",
        type=int,
        default=1,
        help="segments of each dendrite (default 1)",
    )
    add(
        "--pump",
        type=float,
        default=0,
        help="sodium-potassium pump, uA/cm2 (default 0: none)",
    )
    add(
        "--whole-cells",
        action="store_true",
        help="keep the dendrites in the box",
    )
    add(
        "--seed",
        type=int,
        default=6324555,
        help="of the cells' places",
    )
    add(
        "--every",
        type=float,
        default=100,
        help="time between maps, ms (default 100)",
    )
    add(
        "--picture",
        type=Path,
        default=Path("spreading_depression.png"),
        help="the PNG to write",
    )
    add(
        "--output",
        type=Path,
        default=Path("spreading_depression.h5"),
        help="file of the maps and the front",
    )
    given = parser.parse_args()
    if find_spec("matplotlib") is None:
        parser.error("--picture needs matplotlib: python -m pip install 'ecsmpi[plot]'")
    if given.dt is None:
        given.dt = 2 if given.edema else 10
    for name in ("size", "dx", "density", "dt", "tstop", "r0", "nseg", "every"):
        if not getattr(given, name) > 0:
            parser.error(f"--{name} must be > 0, got {getattr(given, name):g}")
    lowest = -given.size / 2 + SOMA[0] / 2 + DENDRITE[0] * given.whole_cells
    if lowest >= given.size / 2 - SOMA[0] / 2:
        parser.error(f"--size {given.size:g} has no room for a cell")
    return given


def places(given):
    """(cells, 3) centres of the somata, um.

    A row, which is a gid, is the same for any number of ranks and of cells.
    """
    count = int(given.density * given.size**3 * 1e-9)
    high = given.size / 2 - SOMA[0] / 2
    low = np.full(3, -high)
    low[2] += (SOMA[0] / 2 + DENDRITE[0]) * given.whole_cells
    random = np.random.default_rng(given.seed)
    return low + (high - low) * random.random((count, 3))


class Neuron:
    """A soma and, below it, a dendrite with the same membrane."""

    def __init__(self, gid, x, y, z, given):
        self.gid = gid
        self.at = (x, y, z)
        self.soma = n.Section("soma", self)
        self.dendrite = n.Section("dendrite", self)
        for sec, (length, diam), top in (
            (self.soma, SOMA, z + SOMA[0] / 2),
            (self.dendrite, DENDRITE, z - SOMA[0] / 2),
        ):
            sec.pt3dadd(x, y, top, diam)
            sec.pt3dadd(x, y, top - length, diam)
            for mechanism in ("tnak", "tnap", "kleak", "accumulation"):
                sec.insert(mechanism)
            if given.pump:
                sec.imax_tnak = given.pump
        self.dendrite.nseg = given.nseg
        self.dendrite.connect(self.soma(1))

    def __str__(self):
        return f"Neuron[{self.gid}]"


def space(given):
    """The extracellular space of healthy tissue, or with --edema of swollen tissue.

    Cells are swollen around the trigger, and leave less space between them.
    """

    def outward(x, y, z):
        """0 in the trigger, 1 from 500 um beyond it on."""
        return np.clip((np.sqrt(x**2 + y**2 + z**2) - given.r0) / 500, 0, 1)

    healthy = {"volume_fraction": 0.2, "tortuosity": 1.6}
    swollen = {
        "volume_fraction": lambda x, y, z: 0.07 + 0.13 * outward(x, y, z),
        "tortuosity": lambda x, y, z: 1.8 - 0.2 * outward(x, y, z),
    }
    tissue = swollen if given.edema else healthy
    half = given.size / 2
    return rxd.Extracellular(-half, -half, -half, half, half, half, dx=given.dx, **tissue)


def in_trigger(node):
    """Whether a voxel's centre is in the trigger, the sphere where the wave begins."""
    return node.x3d**2 + node.y3d**2 + node.z3d**2 < given.r0**2


def glia():
    """Sites that bind potassium, k + A <> AK, all bound in the trigger.

    Returns species and reaction, which must be kept.
    """
    free = rxd.Species(ecs, name="A", initial=lambda node: 0 if in_trigger(node) else SITES)
    bound = rxd.Species(ecs, name="AK", initial=lambda node: SITES if in_trigger(node) else 0)
    forward = KB / (1 + rxd.rxdmath.exp(-(k - HALF) / WIDTH))
    return free, bound, rxd.Reaction(k + free, bound, forward, KB)


def recorded(cells, count):
    """{gid: (distance from the centre (um), recorded v of its soma)} of some of this rank's cells.

    count: cells of all ranks.
    """
    step = -(-count // RECORDED)
    found = {}
    for cell in cells:
        if cell.gid % step == 0:
            distance = float(np.linalg.norm(cell.at))
            found[cell.gid] = distance, n.Vector().record(cell.soma(0.5)._ref_v, given.every)
    return found


def report(voltages):
    """Print the table of published and computed values, and write the picture. On rank 0."""
    distance, v = voltages
    centres_of_dendrites = somata[:, 2] - SOMA[0] / 2 - DENDRITE[0] / 2
    outside = np.mean(centres_of_dendrites < -given.size / 2)
    speed = wave.speed(1.5 * given.r0, 0.45 * given.size)
    depolarised = "none"
    if len(v):
        depolarised = f"{np.mean(v[:, -1] > DEPOLARISED):.1%} of {len(v)}"
    lines = {
        "neurons": ("90,000", f"{len(somata):,}"),
        "voxels": ("1,000,000", f"{np.prod(wave.shape):,}"),
        "dendrites whose centre is outside": ("5 %", f"{100 * outside:.2g} %"),
        "front (um)": ("-", f"{wave.front[-1]:.4g} at {wave.times[-1]:g} ms"),
        "speed (mm/min)": ("-", f"{60 * speed:.3g}"),
        f"recorded cells above {DEPOLARISED} mV": ("-", depolarised),
    }
    print_table(lines)
    wave.save_picture(given.picture, v, distance)


given = options()
if not hasattr(n, "tnak") and not neuron.load_mechanisms(str(MOD)):
    sys.exit(f"the mechanism tnak is not compiled: run nrnivmodl in {MOD}")

somata = places(given)
ranks, rank = int(pc.nhost()), int(pc.id())
cells = [Neuron(gid, *somata[gid].tolist(), given) for gid in range(rank, len(somata), ranks)]
for cell in cells:
    pc.set_gid2node(cell.gid, rank)
    pc.cell(cell.gid, n.NetCon(cell.soma(0.5)._ref_v, None, sec=cell.soma))

n.celsius = 37
n.dt = given.dt
n.steps_per_ms = 1 / n.dt
n.tstop = given.tstop

ecs = space(given)
k = rxd.Species(
    ecs,
    name="k",
    d=2.62,
    charge=1,
    initial=lambda node: given.k0 if in_trigger(node) else K,
    ecs_boundary_conditions=K,
)
na = rxd.Species(ecs, name="na", d=1.78, charge=1, initial=NA, ecs_boundary_conditions=NA)
buffer = glia() if given.buffer else None
wave = wave_of(rxd, k, ecs, threshold=15, every=given.every, path=given.output)

if __name__ == "__main__":
    voltages = recorded(cells, len(somata))
    n.finitialize(-65)
    wave.run(given.tstop)
    voltages = gathered(voltages.values())
    if rank == 0:
        report(voltages)
