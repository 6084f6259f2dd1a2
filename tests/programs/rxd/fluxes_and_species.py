"""Fluxes into nodes that go with their species, and fluxes in long steps of the grid."""

import gc
import itertools

from support.model import box, n, run_case, rxd, steps


def species_that_goes():
    ecs = box()
    one, other = (rxd.Species(ecs, d=2, initial=1) for _ in range(2))
    for species in (one, other):
        species[ecs].nodes[300].include_flux(6e5)
    del species, one
    gc.collect()
    one = rxd.Species(ecs, d=2, initial=1)
    n.finitialize(-65)
    steps(5)
    assert (one[ecs].states3d == 1).all()
    assert (other[ecs].states3d != 1).any()


def fluxes_in_long_steps():
    rxd.options.grid_steps = 4
    ecs = box()
    s = rxd.Species(ecs, d=2, initial=1)
    s[ecs].nodes[300].include_flux(6e5)
    count = itertools.count()
    s[ecs].nodes[900].include_flux(lambda: 1e5 * next(count))  # asked in every step of NEURON's
    n.finitialize(-65)
    steps(12)
    taken = (12 * 6e5 + 1e5 * sum(range(12))) * n.dt * 1e18 / n.Avogadro_constant
    found = (s[ecs].states3d.sum() - 1980) * s[ecs].nodes[0].volume
    assert abs(found / taken - 1) < 1e-8, (found, taken)


if __name__ == "__main__":
    run_case(globals())
