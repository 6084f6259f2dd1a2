"""What the examples share: a pyramidal cell that releases potassium, the box around it, and a
picture.

The cell is the one that comes with NEURON. It lives on rank 0; every rank knows the box.
"""

import argparse
from pathlib import Path
import sys

import neuron
from neuron import n

from ecsmpi import rxd

MOD = Path(__file__).resolve().parents[2] / "mod"
PYRAMID = Path(neuron.__file__).parent / ".data/share/nrn/demo/pyramid.nrn"
PADDING = 50  # um between the cell and the walls of the box

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
accounts = {}  # of each species by name, kept for all runs


def options(what: str, seconds: float = 10.0, voxel: float = 20.0) -> argparse.Namespace:
    """The command line of an example: --seconds, --voxel (um along each axis), --picture."""
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument(
        "--seconds", type=float, default=seconds, help=f"how long to run (default {seconds:g})"
    )
    parser.add_argument(
        "--voxel", type=float, default=voxel, help=f"edge of a voxel, um (default {voxel:g})"
    )
    parser.add_argument(
        "--picture", type=Path, default=Path(f"{name}.png"), help=f"default {name}.png"
    )
    return parser.parse_args()


def pyramid() -> tuple[list[float], list[float]]:
    """Make the cell, releasing potassium at a constant rate, on rank 0; the box around it, (low,
    high) corners in um.
    """
    if not hasattr(n, "steady_k") and not neuron.load_mechanisms(str(MOD)):
        sys.exit(
            f"the mechanism steady_k is not compiled: run scripts/setup, or nrnivmodl in {MOD}"
        )
    n.xopen(str(PYRAMID))
    points = [(sec.x3d(i), sec.y3d(i), sec.z3d(i)) for sec in n.allsec() for i in range(sec.n3d())]
    for sec in n.allsec():
        if pc.id() == 0:
            sec.nseg = 1 + 2 * int(sec.L / 20)
            sec.insert("steady_k")
        else:
            n.delete_section(sec=sec)
    return [min(axis) - PADDING for axis in zip(*points)], [
        max(axis) + PADDING for axis in zip(*points)
    ]


def run(seconds: float, *species) -> None:
    """Run the model in steps of 20 ms, since no spikes are wanted, and print the balance of each
    species. Collective.
    """
    for one in species:
        if one.name not in accounts:
            accounts[one.name] = rxd.Diagnostics(one.name, every=1000 * seconds, balance=True)
    n.dt = 20
    n.steps_per_ms = 1 / n.dt
    n.finitialize(-65)
    n.continuerun(1000 * seconds)
    for one in species if pc.id() == 0 else ():
        print(
            f"{one.name} (amol):",
            ", ".join(f"{what} {much:.5g}" for what, much in accounts[one.name].balance().items()),
        )


def save_maps(path: Path, region, maps: dict, unit: str = "mM") -> None:
    """A PNG of maps {title: (x, y, z) array}, each a mean over z, side by side in one colour scale.
    On rank 0.
    """
    if pc.id() != 0:
        return
    from matplotlib.figure import Figure

    means = {title: array.mean(axis=2).T for title, array in maps.items()}
    low, high = (
        min(mean.min() for mean in means.values()),
        max(mean.max() for mean in means.values()),
    )
    (xlo, ylo, _), (xhi, yhi, _) = region.box.lo, region.box.hi
    figure = Figure(figsize=(1 + 4 * len(maps), 5), layout="compressed")
    every_axes = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
    for axes, (title, mean) in zip(every_axes, means.items()):
        image = axes.imshow(mean, origin="lower", extent=(xlo, xhi, ylo, yhi), vmin=low, vmax=high)
        axes.set(title=title, xlabel="x (µm)")
    every_axes[0].set_ylabel("y (µm)")
    figure.colorbar(image, ax=every_axes, label=unit)
    figure.savefig(path, dpi=150)
    print(f"picture: {path}")
