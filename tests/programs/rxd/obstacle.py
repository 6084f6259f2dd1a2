"""Planes of infinite tortuosity along y: nothing passes them."""

import numpy as np

from support.model import n, run_case, rxd, save, steps, uneven


def within(x, y, z):
    """Return the tortuosity at a point."""
    return 1.0 if -15 <= y <= 20 else np.inf


def potassium(**named):
    """Return the box and its species."""
    low, high = (-50, -40, -40), (51, 42, 60)
    tissue = dict(volume_fraction=0.3, tortuosity=within)
    ecs = rxd.Extracellular(*low, *high, (7, 8, 9), **tissue, **named)
    return ecs, rxd.Species(ecs, d=2, initial=uneven)


def as_neuron():
    ecs, k = potassium()
    n.finitialize(-65)
    steps(50)
    save(k=np.array(k[ecs].states3d))


def nothing_passes():
    ecs, k = potassium(face_average="symmetric")
    n.finitialize(-65)
    before = np.array(k[ecs].states3d)
    steps(50)
    after = np.array(k[ecs].states3d)
    is_open = np.array([within(0, -40 + 8 * j, 0) == 1 for j in range(before.shape[1])])
    assert is_open.any() and not is_open.all()
    assert (after[:, ~is_open] == before[:, ~is_open]).all()
    assert abs(after[:, is_open] - before[:, is_open]).max() > 0.01
    assert abs(after[:, is_open].sum() / before[:, is_open].sum() - 1) < 1e-12


if __name__ == "__main__":
    run_case(globals())
