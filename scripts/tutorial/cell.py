"""What the examples share: a cell that releases potassium, the box around it, and a picture.

The pyramidal cell is the one that comes with NEURON. It lives on rank 0; every rank knows the box.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path
import sys

from ecsmpi import rxd
import neuron
from neuron import n
import numpy as np

MOD = Path(__file__).resolve().parents[2] / "mod"
PYRAMID = Path(neuron.__file__).parent / ".data/share/nrn/demo/pyramid.nrn"
PADDING = 50  # um between the cell and the walls of the box
DT = 20  # ms: no spikes are wanted

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
accounts = {}  # {name of a species: its diagnostics}, kept for all runs


def options(what: str, seconds: float = 10.0, voxel: float = 20.0) -> argparse.Namespace:
    """The command line of an example: --seconds, --voxel (um along each axis), --picture."""
    picture = f"{Path(sys.argv[0]).stem}.png"
    parser = argparse.ArgumentParser(description=what)
    add = parser.add_argument
    add(
        "--seconds",
        type=float,
        default=seconds,
        help=f"how long to run (default {seconds:g})",
    )
    add(
        "--voxel",
        type=float,
        default=voxel,
        help=f"edge of a voxel, um (default {voxel:g})",
    )
    add(
        "--picture",
        type=Path,
        default=Path(picture),
        help=f"PNG to write (default {picture})",
    )
    arguments = parser.parse_args()
    if find_spec("matplotlib") is None:
        parser.error("--picture needs matplotlib: python -m pip install 'ecsmpi[plot]'")
    return arguments


def pyramid() -> tuple[list[float], list[float]]:
    """Make the cell on rank 0, releasing potassium at a constant rate.

    Returns the lowest and the highest corner (x, y, z) of the box around it, um.
    """
    if not hasattr(n, "steady_k") and not neuron.load_mechanisms(str(MOD)):
        sys.exit(f"the mechanism steady_k is not compiled: run nrnivmodl in {MOD}")
    n.xopen(str(PYRAMID))
    points = []
    for sec in n.allsec():
        for i in range(sec.n3d()):
            points.append((sec.x3d(i), sec.y3d(i), sec.z3d(i)))
    for sec in n.allsec():
        if pc.id() == 0:
            sec.nseg = 1 + 2 * int(sec.L / 20)
            sec.insert("steady_k")
        else:
            n.delete_section(sec=sec)
    low = np.min(points, axis=0) - PADDING
    high = np.max(points, axis=0) + PADDING
    return low.tolist(), high.tolist()


def run(seconds: float, *species) -> None:
    """Run the model, and print the balance of each species. Collective."""
    for one in species:
        if one.name not in accounts:
            accounts[one.name] = rxd.Diagnostics(one.name, every=1000 * seconds, balance=True)
    n.dt = DT
    n.steps_per_ms = 1 / n.dt
    n.finitialize(-65)
    n.continuerun(1000 * seconds)
    if pc.id() != 0:
        return
    for one in species:
        balance = accounts[one.name].balance()
        amounts = ", ".join(f"{what} {amount:.5g}" for what, amount in balance.items())
        print(f"{one.name} (amol): {amounts}")


def save_maps(path: Path, region, maps: dict, unit: str = "mM") -> None:
    """Write a PNG of maps side by side in one colour scale, each a mean over z. On rank 0.

    maps: {title: (x, y, z) array}.
    """
    if pc.id() != 0:
        return
    from matplotlib.figure import Figure

    means = {title: array.mean(axis=2).T for title, array in maps.items()}
    low = min(mean.min() for mean in means.values())
    high = max(mean.max() for mean in means.values())
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
