"""A box with a crowd of cells in its first quarter: `partition.py OUTPUT BACKEND CASE`."""

import sys

import numpy as np

from support.model import BACKEND, box, kept, n, rank, ranks, run_case, rxd, save, steps, uneven

CASE = sys.argv[3]
if CASE == "reproducible_box":
    rxd.options.reproducible = True
for i in range(80):
    if i % ranks == rank:
        sec = n.Section(name=f"crowd{i}")
        x, y, z = np.random.default_rng(i).uniform((-50, -40, -40), (-30, 25, 40))
        sec.pt3dadd(x, y, z, 2)
        sec.pt3dadd(x, y + 15, z + 15, 2)
        sec.nseg = 5
        sec.insert("hh")
        kept.append(sec)
ecs = box()
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)


def thicknesses(region):
    """Return how many planes each rank has, with ecsmpi."""
    from ecsmpi.rxd.session import simulation

    return simulation.space(region).slabs.thicknesses()


def crowded_box():
    n.finitialize(-65)
    steps(50)
    if BACKEND == "ecsmpi":
        thick = thicknesses(ecs)
        assert sum(thick) == 15
        assert ranks == 1 or min(thick) == thick[0] < max(thick), thick
    save(k=np.array(k[ecs].states3d))


def box_that_is_looked_into():
    if rank == 0:
        assert k[ecs].local.size > 0
    n.finitialize(-65)
    assert thicknesses(ecs) == [5, 5, 5], thicknesses(ecs)


def reproducible_box():
    n.finitialize(-65)
    assert thicknesses(ecs) == [15], thicknesses(ecs)


def boxes_that_are_alike():
    air, far = box(), box(at=1000)
    o2 = rxd.Species(air, d=3.3, name="o2", initial=0.1)
    other = rxd.Species(far, d=1, initial=1)
    uptake = rxd.Rate(o2, -1e-4 * k[ecs])
    n.finitialize(-65)
    assert thicknesses(ecs) == thicknesses(air) != [5, 5, 5], thicknesses(ecs)
    assert thicknesses(far) == [5, 5, 5]
    steps(3)


if __name__ == "__main__":
    run_case(globals())
