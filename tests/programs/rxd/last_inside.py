"""The last of NEURON's species inside cells goes: with its cell, or while cell and box stay."""

import gc

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")


def cell():
    section = n.Section("s")
    section.pt3dadd(-40, -30, 5, 8)
    section.pt3dadd(-40, 30, 5, 8)
    section.insert("hh")
    return section


def inside(section):
    cytosol = rxd.Region([section], name="cytosol", nrn_region="i")
    return rxd.Species([cytosol], name="k", charge=1, d=1, initial=54)


def box():
    ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
    return ecs, rxd.Species(ecs, name="k", d=2, charge=1, initial=3)


def total(with_cell):
    """The sum of a model of its own after 1 ms."""
    ecs, k = box()
    section = cell() if with_cell else None
    within = inside(section) if with_cell else None
    n.finitialize(-65)
    n.continuerun(1)
    assert (within is None) != with_cell
    return float(k[ecs].states3d.sum())


sums = [total(True), total(False), total(True)]
assert all(
    abs(found - right) < 1e-8
    for found, right in zip(sums, (3000.00033529, 3000, 3000.00033529))
), sums

ecs, k = box()
section = cell()
stimulus = n.IClamp(section(0.5))
stimulus.dur, stimulus.amp = 5, 1
within = inside(section)
n.finitialize(-65)
n.continuerun(1)
assert abs(section.ki - 53.996014221889915) < 1e-11
del within
gc.collect()
n.finitialize(-65)
n.continuerun(1)
assert section.ki == 54.4, section.ki
assert (
    abs(section.ko - 3.01177356874648) < 1e-11 and abs(section.v - 42.0037261189789) < 1e-8
), (
    section.ko,
    section.v,
)
