"""Work through drawn models, with NEURON or ecsmpi: `python drawn_worker.py BACKEND`.

Models come as lines of JSON, one after the other.

A line is {"path": where to save, "model": see `Model`}. What it answers, a line each: "saved", or
"refused: why" where the extracellular space said so on all ranks. A failure that ends all ranks,
ends the worker. NEURON has a new process for each model; ecsmpi has to go on after another model in
the same one.
"""

import gc
import json
import os
import sys

BACKEND = sys.argv[1]
if BACKEND == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n  # noqa: E402
import numpy as np  # noqa: E402

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())


class Model:
    """A drawn model. saved: {what and when: array}, the same at any number of ranks."""

    def __init__(self, drawn):
        self.saved, self._clamps, self._drawn = {}, [], drawn
        self.cells = {}
        for cell in drawn["cells"]:
            if cell["rank"] % ranks == rank:
                self.cells[cell["gid"]] = self._cell(cell)
        self.ecs = rxd.Extracellular(
            *drawn["lo"],
            *drawn["hi"],
            dx=drawn["dx"],
            volume_fraction=drawn["alpha"],
            tortuosity=drawn["lambda"],
        )
        self.species = [
            rxd.Species(
                self.ecs,
                name=one["name"],
                charge=one["charge"],
                d=one["d"],
                initial=linear(*one["initial"]),
                ecs_boundary_conditions=one["wall"],
            )
            for one in drawn["species"]
        ]
        n.dt, n.celsius = drawn["dt"], 6.3

    def _cell(self, drawn):
        sec = n.Section(name=f"cell{drawn['gid']}")
        for point in drawn["points"]:
            sec.pt3dadd(*point, drawn["diam"])
        sec.nseg = drawn["nseg"]
        sec.insert("hh")
        self._clamps.append(n.IClamp(sec(0.5)))
        self._clamps[-1].delay, self._clamps[-1].dur, self._clamps[-1].amp = (
            0.1,
            1,
            drawn["amp"],
        )
        if drawn["rank"] % ranks == rank:
            pc.set_gid2node(drawn["gid"], rank)
            pc.cell(drawn["gid"], n.NetCon(sec(0.5)._ref_v, None, sec=sec))
        return sec

    def run(self):
        pc.set_maxstep(
            10
        )  # before finitialize: NEURON crashes else in psolve, where it has MPI
        n.finitialize(-65)
        self._save("begin")
        for number, (action, *arguments) in enumerate(self._drawn["actions"]):
            getattr(self, action)(*arguments)
            self._save(f"{number} {action}")

    def steps(self, count):
        for _ in range(count):
            n.fadvance()

    def psolve(self, count):
        pc.psolve(n.t + count * n.dt)

    def dt(self, dt):
        n.dt = dt

    def finitialize(self):
        n.finitialize(-65)

    def nseg(self, gid, count, again):
        if gid in self.cells:
            self.cells[gid].nseg = count
        if again:
            n.finitialize(-65)

    def set(self, number, value):
        self.species[number][self.ecs].nodes.value = value

    def _save(self, when):
        for number, species in enumerate(self.species):
            self.saved[f"{when}: box {number}"] = np.array(species[self.ecs].states3d)
        names = ["v", *(f"{one['name']}o" for one in self._drawn["species"] if one["name"])]
        mine = {}
        for gid, sec in self.cells.items():
            mine[gid] = [[getattr(seg, name) for name in names] for seg in sec]
        everyone = {}
        for rows_of_rank in pc.py_allgather(mine):
            everyone.update(rows_of_rank)
        rows = []
        for gid in sorted(everyone):
            rows += everyone[gid]
        for at, name in enumerate(names if everyone else []):
            self.saved[f"{when}: {name}"] = np.array([row[at] for row in rows])


def linear(mean, *slopes):
    return lambda node: (
        mean + sum(slope * x for slope, x in zip(slopes, (node.x3d, node.y3d, node.z3d)))
    )


def work(line):
    """Build and run; the answer."""
    drawn, model = json.loads(line), None
    try:
        model = Model(drawn["model"])
        model.run()
        if rank == 0:
            np.savez(drawn["path"], **model.saved)
        return "saved"
    except (rxd.RxDException, ValueError) as error:
        return f"refused: {error}"
    finally:
        pc.gid_clear()  # while the cells are there: NEURON crashes else
        del model
        gc.collect()


def lines():
    """What stands on rank 0's standard input, on every rank; others sleep until it is there."""
    if ranks == 1:
        yield from sys.stdin
        return
    from ecsmpi.ranks.launch import own_communicator  # noqa: F401  MPI has been started
    from ecsmpi.ranks.meeting import wait
    from mpi4py import MPI

    comm = MPI.COMM_WORLD.Dup()
    while True:
        line = sys.stdin.readline() if rank == 0 else None
        wait(comm.Ibarrier(), float("inf"))
        line = comm.bcast(line)
        if not line:
            return
        yield line


def apart(line):
    """Work in a process of its own."""
    child = os.fork()
    if child == 0:
        answer = work(line)
        print(answer, flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(f"failed: status {status}", flush=True)


if rank == 0:
    print("ready", flush=True)
for line in lines():
    if BACKEND == "neuron":
        apart(line)
    else:
        answer = work(line)
        if rank == 0:
            print(answer.replace("\n", " "), flush=True)
