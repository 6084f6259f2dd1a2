"""Chooses what is written: `chosen_items.py OUTPUT BACKEND FOLDER` writes FOLDER/run.h5 twice."""

import sys

import numpy as np

from support.model import box, cells, message_of, n, rxd, save, steps, uneven

folder = sys.argv[3]


def error_of(item):
    """Return the message of the ValueError that an Output with a wrong item raises."""
    wrong = rxd.Output(f"{folder}/wrong.h5", every=0.5, items=item, attach=False)
    return message_of(ValueError, wrong.started, rxd.session.simulation, 0)


made, ecs, far = cells(), box(), box(at=80)
k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
items = [
    rxd.Field(k, every=1, precision="float32", compression=4, region=ecs),
    rxd.Slice(k, z=0),
    rxd.Slice("na", z=30.0),
    rxd.Slice(k, z=20, region=ecs),
    rxd.Mean(na, axis="x", every=2),
    rxd.Subvolume(k, x=(-20, 30), stride=2, name="coarse", region=ecs),
]
rxd.Output(f"{folder}/run.h5", every=0.5, items=items)
for _ in range(2):
    n.finitialize(-65)
    frames = [[one.states3d.copy() for one in (k[ecs], na[ecs], k[far])]]
    for _ in range(4):
        steps(5)
        frames.append([one.states3d.copy() for one in (k[ecs], na[ecs], k[far])])
assert "x = 70 um is outside the box" in error_of(rxd.Slice(k, x=70))
unknown = error_of([rxd.Mean("cl", axis="x")])
assert "no species cl to write: the model has k, na" in unknown
of_a_number = message_of(ValueError, lambda: rxd.Output("k.h5", 1, items=[7]))
assert "of a species, got 7" in of_a_number
assert "species na is not in" in error_of([rxd.Slice(na, x=0, region=far)])
k_ecs, na_ecs, k_far = (np.array(one) for one in zip(*frames))
save(k_ecs=k_ecs, na_ecs=na_ecs, k_far=k_far)
