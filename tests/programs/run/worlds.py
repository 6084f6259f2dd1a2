"""Models in worlds of some ranks each: `worlds.py WAY`.

Prints what each world's first rank found, by the way that made the worlds.

python worlds.py DIRECT           one process: the values that the worlds are to find
mpirun -n P python worlds.py WAY  subworlds1, subworlds2, comm_self, split, board1, board2
"""

import json
import sys

from ecsmpi import rxd
from ecsmpi.rxd.session import simulation
from mpi4py import MPI
from neuron import n

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
way = sys.argv[1]


def model(number):
    """Return [a voxel, the sum over the box, ko of a cell] (mM) of the model of a number.

    On all ranks of a world.

    Odd numbers have two boxes, one of them with a reaction and a baseline that is recorded.
    """
    rank, ranks = rxd.rank(), simulation.solvers.worlds.size
    ecs = rxd.Extracellular(
        -50, -50, -50, 50, 50, 50, dx=10, volume_fraction=0.2, tortuosity=1.6
    )
    k = rxd.Species(ecs, name="k", d=number, charge=1, initial=lambda node: 3 + node.x3d / 100)
    kept = []
    if number % 2:
        other = rxd.Extracellular(-20, -20, -20, 20, 20, 20, dx=10)
        ca = rxd.Species(other, name="ca", d=0.5, charge=2, initial=1)
        kept += [other, ca, rxd.Rate(ca, -0.1 * ca)]
    cell = n.Section(f"s{number}")
    cell.pt3dadd(0, -30, 5, 20)
    cell.pt3dadd(0, 30, 5, 20)
    cell.insert("hh")
    stimulus = n.IClamp(cell(0.5))
    stimulus.amp, stimulus.dur = 5.0 * number, 10
    mine = rank == ranks - 1  # the cell is on the last rank of its world alone
    if not mine:
        del stimulus, cell
    n.finitialize(-65)
    n.continuerun(1)
    box = k[ecs].states3d
    found = [float(box[2, 3, 4]), float(box.sum()), cell(0.5).ko if mine else 0.0]
    if number % 2:
        found.append(float(ca[other].states3d.sum()))
    found[2] = simulation.comm.allreduce(found[2])
    return found


NUMBERS = [1, 2, 3, 4, 5]
found = {}
if way == "direct":
    found = {number: model(number) for number in NUMBERS}
elif way.startswith("subworlds"):
    everyone = model(2)
    size = int(way[-1])
    pc.subworlds(size)
    world, worlds = int(pc.id_world()) // size, -(-int(pc.nhost_world()) // size)
    found = {number: model(number) for number in NUMBERS[world::worlds]}
    assert abs(everyone[0] - found.get(2, everyone)[0]) < 1e-12
elif way in ("comm_self", "split"):
    job = MPI.COMM_WORLD
    part = job.rank % 2 if way == "split" else job.rank
    parts = 2 if way == "split" else job.size
    rxd.options.comm = job.Split(part, job.rank) if way == "split" else MPI.COMM_SELF
    found = {number: model(number) for number in NUMBERS[part::parts]}
    before = rxd.options.comm
    rxd.options.comm = None
    assert before is not None and rxd.options.comm is None
    again = model(2)
    assert abs(again[0] - found.get(2, again)[0]) < 1e-12
elif way.startswith("board"):
    pc.subworlds(int(way[-1]))
    pc.runworker()
    for number in NUMBERS:
        pc.submit(number, model, number)
    while pc.working():
        found[int(pc.userid())] = pc.pyret()
    pc.done()

if way.startswith("board"):
    print("found", json.dumps(found), flush=True)
else:
    everywhere = MPI.COMM_WORLD.gather(found)
    if MPI.COMM_WORLD.rank == 0:
        print(
            "found",
            json.dumps(
                {
                    number: value
                    for part in reversed(everywhere)
                    for number, value in part.items()
                }
            ),
            flush=True,
        )
