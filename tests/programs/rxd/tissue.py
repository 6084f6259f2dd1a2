"""One tissue, said in many ways: `tissue.py OUTPUT FILE`; FILE is written and read."""

import math
import sys

from ecsmpi import rxd
import h5py
from neuron import n
import numpy as np

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
saved = {}
LOW, SHAPE = (-5.0, 3.0, 1.0), (9, 8, 7)
HIGH = [low + 2.0 * count for low, count in zip(LOW, SHAPE)]
lines = [low + 2.0 * np.arange(count) for low, count in zip(LOW, SHAPE)]
X, Y, Z = np.meshgrid(*lines, indexing="ij")
alpha = 0.3 + 0.01 * X + 0.02 * np.sin(Y)
winding = 1.5 + 0.3 * np.cos(Z * X)
if pc.id() == 0:
    with h5py.File(sys.argv[2], "w") as file:
        file["alpha"], file["winding"], file["start"] = alpha, winding, 3 + X**2 / 100
pc.barrier()


def only_numbers(function):
    def of_numbers(x, y, z):
        return function(*(np.float64(float(each)) for each in (x, y, z)))

    return of_numbers


def box(volume_fraction, tortuosity=None, permeability=None, **more):
    return rxd.Extracellular(
        *LOW, *HIGH, 2.0, volume_fraction, tortuosity, permeability, **more
    )


def fraction(x, y, z):
    return 0.3 + 0.01 * x + 0.02 * np.sin(y)


def turns(x, y, z):
    return 1.5 + 0.3 * np.cos(z * x)


def start(node):
    return 3 + (node.x3d - 1) ** 2 / 100


described = {
    "array": box(alpha, winding),
    "function": box(fraction, turns),
    "permeability": box(alpha, None, winding**-2.0),
    "function of numbers": box(only_numbers(fraction), only_numbers(turns)),
    "dataset": box(rxd.from_file(sys.argv[2], "alpha"), rxd.from_file(sys.argv[2], "winding")),
    "symmetric": box(alpha, winding, face_average="symmetric"),
}
made = {name: rxd.Species(region, d=1.5, initial=start) for name, region in described.items()}
made["dataset"].initial = rxd.from_file(sys.argv[2], "start")
made["function"].initial = rxd.from_function(lambda x, y, z: 3 + (x - 1) ** 2 / 100)

changing = box(0.25, 1.1)
made["set later"] = rxd.Species(changing, d=1.5, initial=start)
of_states = box(0.25)
share = rxd.Parameter(of_states, value=0.5)
open_ = rxd.State(of_states, initial=0.5)
of_states.alpha, of_states.permeability = share, open_
made["of species"] = rxd.Species(of_states, d=1.5, initial=start)
ions = box(0.25, 1.3)
made["own tissue"] = rxd.Species(
    ions, d=1.5, initial=start, volume_fraction=alpha, tortuosity=winding
)
beside = rxd.Species(ions, d=1.5, initial=start)
plain = box(0.25, 1.3)
made["beside"], made["plain"] = beside, rxd.Species(plain, d=1.5, initial=start)
kept = box(0.3)
ion = rxd.Species(kept, d=1.5, initial=start)
shrinking = box(0.3)
size = rxd.State(shrinking, name="size", initial=lambda node: 0.3 + 0.01 * math.sin(node.y3d))
shrinking.set_volume_fraction(size)
later = box(0.3)
size_later = rxd.State(later, initial=0.2)
in_later = rxd.Species(later, d=1.5, initial=3)
squeezed = rxd.Species(shrinking, d=1.5, initial=start)
shrinks = rxd.Rate(size, -0.5 * size * squeezed)

n.finitialize(-65)
later.set_volume_fraction(size_later)
changing.alpha, changing.tortuosity = fraction, winding
share[of_states].concentration = alpha
open_[of_states].concentration = winding**-2.0
saved["amounts"] = [(size[shrinking].states3d * squeezed[shrinking].states3d).sum()]
for step in range(5):
    if step == 3:
        before = (kept.alpha * ion[kept].states3d).sum()
        kept.set_volume_fraction(lambda x, y, z: 0.2 + 0.01 * x)
        saved["kept"] = np.array([before, (kept.alpha * ion[kept].states3d).sum()])
    n.fadvance()
    sizes = np.array(size[shrinking].states3d)
    saved["amounts"].append((sizes * squeezed[shrinking].states3d).sum())
saved["sizes"] = sizes
saved["later"] = np.array([size_later[later].states3d, in_later[later].states3d])
saved["kept on"] = np.array([(kept.alpha * ion[kept].states3d).sum()])
assert of_states.alpha is share
assert of_states.permeability is open_
for name, species in made.items():
    saved[name] = np.array(species[species.regions[0]].states3d)
region = described["function"]
node = made["function"][region].node_by_ijk(4, 3, 2)
saved["volumes"] = np.array(
    [region.volume(), region.volume((4, 3, 2)), node.volume, described["dataset"].volume()]
)
saved["shown"], saved["alpha"] = region.alpha, alpha
saved["winding"] = described["permeability"].tortuosity
if pc.id() == 0:
    np.savez(sys.argv[1], **saved)
