"""`ecsmpi run` of a model, and what it wrote."""

import textwrap

import h5py

from support.ranks import mpirun

MODEL = """
import sys
from ecsmpi import rxd
from neuron import n
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
cells = []
for i in range(rank, 4, ranks):
    sec = n.Section(name=f"cell{i}")
    sec.pt3dadd(20 * i - 30, 0, 0, 5)
    sec.pt3dadd(20 * i - 25, 8, 30, 4)
    sec.insert("hh")
    cells.append(sec)
ecs = rxd.Extracellular(-50, -40, -40, 51, 42, 60, (7, 8, 9), volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 2
"""

BY_ITSELF = """
if __name__ == "__main__":
    import numpy as np
    n.dt = 0.05
    frames, times = {"k": [], "na": []}, []
    n.finitialize(-65)
    while True:
        times.append(n.t)
        for name, one in (("k", k), ("na", na)):
            frames[name].append(one[ecs].states3d.copy())
        if n.t > 0.99:
            break
        for _ in range(5):
            n.fadvance()
    if rank == 0:
        np.savez(sys.argv[1], t=times, **frames)
"""


def ecsmpi_run(tmp_path, source, *options, ranks=None, env=None):
    """Run `ecsmpi run model.py OPTIONS` in tmp_path, where model.py has the text `source`."""
    (tmp_path / "model.py").write_text(textwrap.dedent(source))
    return mpirun(ranks, ["ecsmpi", "run", "model.py", *options], cwd=tmp_path, env=env)


def read(path):
    """Times and {name: (time, x, y, z) concentrations} of a file."""
    with h5py.File(path) as file:
        cells = file["VTKHDF/CellData"]
        return file["time"][:], {name: cells[name][:].transpose(0, 3, 2, 1) for name in cells}


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done
