"""Potassium around a pyramidal cell.

This is the first model of NEURON's tutorial on extracellular diffusion: the membrane of one cell
releases potassium at a constant rate, which spreads through the extracellular space.

    python scripts/ca1_potassium.py
    mpirun -n 4 python scripts/ca1_potassium.py
    mpirun -n 4 ecsmpi run scripts/ca1_potassium.py --output ca1_potassium.h5

With `from neuron import rxd` in place of `from ecsmpi import rxd` it runs in NEURON alone.
"""

import argparse
from pathlib import Path
import sys

from ecsmpi import rxd
import neuron
from neuron import n
import numpy as np

MOD = Path(__file__).resolve().parent.parent / "mod"
PYRAMID = Path(neuron.__file__).parent / ".data/share/nrn/demo/pyramid.nrn"
PADDING = 50  # um between the cell and the walls of the box
VOXEL = (20, 20, 50)  # um
LARGEST = 1e4  # um: no cell is larger

n.load_file("stdrun.hoc")
n.load_file("import3d.hoc")
pc = n.ParallelContext()


def stop(message):
    """End every rank with status 1; rank 0 prints why."""
    sys.exit(f"ca1_potassium: {message}" if pc.id() == 0 else 1)


def load_cell(path):
    """Make the sections of NEURON's pyramid.nrn, or of an .swc file."""
    if not path.is_file():
        stop(f"no morphology at {path}: give an .swc file by --morphology")
    if path == PYRAMID:
        n.xopen(str(path))
        return
    flaw = flaw_of_swc(path)
    if flaw:
        stop(f"{path} is no morphology: {flaw}")
    reader = n.Import3d_SWC_read()
    reader.input(str(path))
    n.Import3d_GUI(reader, False).instantiate(None)


def flaw_of_swc(path):
    """What is wrong with an .swc file, or None; NEURON would read what it can of a wrong one."""
    try:
        points = np.loadtxt(path, ndmin=2)  # number, type, x, y, z, radius, number of the parent
    except (ValueError, UnicodeDecodeError) as error:
        return str(error)
    if not len(points) or points.shape[1] != 7:
        return "each point needs seven numbers"
    finite = np.isfinite(points).all()
    if not finite or points[:, 5].min() <= 0 or np.abs(points[:, 2:6]).max() > LARGEST:
        return (
            f"x, y, z and radius must be numbers up to {LARGEST:g} um, and a radius greater than 0"
        )
    known = {-1}
    for number, parent in points[:, [0, 6]]:
        lowest = 0 if len(known) == 1 else 1  # the first point may be number 0
        is_new = number not in known and number == int(number) and number >= lowest
        if not is_new or parent not in known:
            return (
                f"point {number:g} needs a number of its own, "
                f"and a parent before it, not {parent:g}"
            )
        known.add(number)
    return None


def padded_bounds():
    """Lowest and highest corner (x, y, z), um, of a box around all sections."""
    points = []
    for sec in n.allsec():
        for i in range(sec.n3d()):
            points.append((sec.x3d(i), sec.y3d(i), sec.z3d(i)))
    low = np.min(points, axis=0) - PADDING
    high = np.max(points, axis=0) + PADDING
    return low.tolist(), high.tolist()


def draw_cell(axes):
    """Draw the sections as lines, wide ones where they are thick, seen on dark and on light."""
    from matplotlib.patheffects import withStroke

    for sec in n.allsec():
        points = range(sec.n3d())
        x = [sec.x3d(i) for i in points]
        y = [sec.y3d(i) for i in points]
        width = np.clip(sec(0.5).diam / 3, 0.7, 9)  # points
        edge = withStroke(linewidth=width + 1, foreground="black")
        (line,) = axes.plot(x, y, color="white", linewidth=width, path_effects=[edge])
        line.set(solid_capstyle="round", zorder=2 + width)


def save_picture(concentration, low, path):
    """Write a PNG of the mean over z, with the cell.

    concentration: (x, y, z) mM. low: lowest corner of the box, um.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        print("no picture: python -m pip install 'ecsmpi[plot]' brings matplotlib")
        return
    nx, ny, _ = concentration.shape
    extent = (low[0], low[0] + VOXEL[0] * nx, low[1], low[1] + VOXEL[1] * ny)
    figure = Figure(layout="compressed")
    title = f"K⁺ after {n.t / 1000:g} s, mean over z"
    axes = figure.add_subplot(xlabel="x (µm)", ylabel="y (µm)", title=title)
    image = axes.imshow(concentration.mean(axis=2).T, origin="lower", extent=extent)
    draw_cell(axes)
    figure.colorbar(image, label="K⁺ (mM)")
    figure.savefig(path, dpi=150, bbox_inches="tight")
    print(f"picture: {path}")


parser = argparse.ArgumentParser(description="Potassium around a pyramidal cell.")
parser.add_argument(
    "--morphology", type=Path, default=PYRAMID, help="an .swc file (default: the pyramid)"
)
parser.add_argument(
    "--picture", type=Path, default=Path("ca1_potassium.png"), help="the PNG to write"
)
arguments = parser.parse_args()

if not hasattr(n, "steady_k") and not neuron.load_mechanisms(str(MOD)):
    stop(f"the mechanism steady_k is not compiled: run nrnivmodl in {MOD}")

# Every rank reads the cell to know the box; the cell itself lives on rank 0.
load_cell(arguments.morphology)
low, high = padded_bounds()
for sec in n.allsec():
    if pc.id() == 0:
        sec.nseg = 1 + 10 * int(sec.L / 5)
        sec.insert("steady_k")
    else:
        n.delete_section(sec=sec)

ecs = rxd.Extracellular(*low, *high, dx=VOXEL, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)

n.dt = 20  # ms: no spikes are wanted
n.steps_per_ms = 1 / n.dt
n.tstop = 20_000

if __name__ == "__main__":
    n.finitialize(-65)
    n.continuerun(n.tstop)
    concentration = k[ecs].states3d  # collective: every rank asks for it
    if pc.id() == 0:
        mean, highest = concentration.mean(), concentration.max()
        print(f"K+ after {n.t / 1000:g} s: mean {mean:.6g} mM, max {highest:.6g} mM")
        save_picture(concentration, low, arguments.picture)
