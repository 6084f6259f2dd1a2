"""NEURON moves its variables in memory when a script changes cells."""

import numpy as np

from support.model import (
    box,
    cells,
    n,
    of_segments,
    pc,
    rank,
    ranks,
    run_case,
    rxd,
    save,
    steps,
    uneven,
)


def changes():
    made, ecs = cells(range(8), apart=8), box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    n.finitialize(-65)
    steps(30)
    for i, sec in made.items():
        if i % 2:
            sec.insert("pas")
    steps(10)
    clamps = [n.IClamp(sec(0.1)) for sec in made.values()]
    for clamp in clamps:
        clamp.delay, clamp.dur, clamp.amp = 4, 1, 1
    steps(10)
    clamps.clear()
    for order in (1, 2, 0):
        pc.optimize_node_order(order)
        steps(5)
    for sec in made.values():
        if sec.has_membrane("pas"):
            sec.uninsert("pas")
    steps(30)
    save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))


def segments_follow_voxels():
    def cell(i, nseg):
        sec = n.Section(name=f"c{i}")
        sec.pt3dadd(10 * i, 5, 5, 2)
        sec.pt3dadd(10 * i + 9, 5, 5, 2)
        sec.nseg = nseg
        sec.insert("hh")
        return sec

    def follow(count):
        for _ in range(count):
            n.fadvance()
            states = k[ecs].states3d
            for i, sec in made.items():
                for seg in sec:
                    expected = states[10 * i + int(9 * seg.x), 0, 0]
                    assert seg.ko == expected, (rank, i, seg, seg.ko, expected)

    ecs = rxd.Extracellular(0, 0, 0, 200, 10, 10, (1, 10, 10), volume_fraction=0.2)
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    made = {i: cell(i, 1 + 2 * (i % 3)) for i in range(rank, 12, ranks)}
    n.finitialize(-65)
    follow(3)
    for turn in range(3):
        if rank == turn % ranks:  # one rank alone: the others' memory stays where it is
            passing = [cell(19, 5) for _ in range(300)]
            for sec in passing:
                n.delete_section(sec=sec)
            del passing, sec
        follow(3)
    for i in list(made)[::3]:
        n.delete_section(sec=made.pop(i))
    for i in made:
        made[i].nseg += 4
    for i in range(12 + rank, 20, ranks):
        made[i] = cell(i, 7)
    n.finitialize(-65)
    follow(5)
    for sec in made.values():
        sec.insert("pas")
    follow(3)


if __name__ == "__main__":
    run_case(globals())
