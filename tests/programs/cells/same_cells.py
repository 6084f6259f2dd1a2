"""Print which sections a warning names, for several ways of making cells on the ranks.

The line is {way: words, or None}, in JSON.
"""

import json
import re
import warnings

from ecsmpi import rxd
from ecsmpi.cells.duplicates import SameOnSeveralRanks
from neuron import n

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n(
    """begintemplate Ball
    public soma
    create soma
    proc init() { soma { insert hh  pt3dadd($1, 0, 0, 10)  pt3dadd($1, 10, 0, 10) } }
    endtemplate Ball"""
)


class Cell:
    def __init__(self, x=0.0, gid=None, mechanism="hh"):
        self.soma = n.Section("soma", cell=self)
        self.soma.pt3dadd(x, 0, 0, 10)
        self.soma.pt3dadd(x, 10, 0, 10)
        self.soma.insert(mechanism)
        if gid is not None:
            give_gid(gid, self.soma)


def give_gid(gid, section):
    pc.set_gid2node(gid, rank)
    pc.cell(gid, n.NetCon(section(0.5)._ref_v, None, sec=section))


def bare(name, gid=None):
    section = n.Section(name)
    section.L = section.diam = 10
    section.insert("hh")
    if gid is not None:
        give_gid(gid, section)
    return section


def clamped():
    section = n.Section("clamped")
    section.L = section.diam = 10
    return section, n.IClamp(section(0.5))


WAYS = {
    "serial, one section": lambda: bare("soma"),
    "serial, cells of Python": lambda: [Cell(10 * i) for i in range(3)],
    "serial, cells of hoc": lambda: [n.Ball(5 * i) for i in range(7)],
    "serial, with gids": lambda: [Cell(0, 100 + i) for i in range(2)],
    "one gid, other places": lambda: Cell(10 * rank, 200),
    "serial, a clamp": clamped,
    "on some ranks only": lambda: bare("soma") if rank < 2 else None,
    "shared out": lambda: [bare(f"s{i}") for i in range(rank, 5, ranks)],
    "other positions": lambda: [Cell(5 * i) for i in range(rank, 7, ranks)],
    "templates, other positions": lambda: [n.Ball(5 * i) for i in range(rank, 7, ranks)],
    "other gids, one place": lambda: [Cell(0, i) for i in range(rank, 7, ranks)],
    "bare, other gids": lambda: [bare("soma", 300 + rank)],
    "nothing that acts": lambda: [Cell(0, None, "pas"), n.Section("place")],
    "outside of the box": lambda: Cell(1000.0),
}
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=25)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
named = {}
for way, make in WAYS.items():
    cells = make()
    for again in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            n.finitialize(-65)
        told = [str(one.message) for one in caught if one.category is SameOnSeveralRanks]
        assert not (again and told), "said once for the same cells"
        if not again:
            named[way] = (
                re.search(r"the same cells: (.*?)\. THE BOX", told[0])[1] if told else None
            )
            assert not told or "if i % int(pc.nhost()) == int(pc.id()):" in told[0]
    pc.gid_clear()
    del cells
if rank == 0:
    print("named", json.dumps(named), flush=True)
