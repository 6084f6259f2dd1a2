"""Run a published script as it is and leave the final state of its model.

tests/support/published.py compares such states.

    python published_run.py neuron|ecsmpi RESULT SCRIPT [its own arguments]

RESULT.RANK.npz holds the boxes' concentrations and the cells' variables at the end, and the time a
step took. The script sees NEURON through an object that measures `psolve`, `continuerun` and
`fadvance`, and that saves before `quit`. Where a script seeds numpy with a number for each rank and
draws three coordinates for each cell, as all of these do, the ranks are dealt the cells of one
stream in turn, so that the cells are the same on any number of ranks.
"""

import os
import runpy
import sys
import time

backend, result, script = sys.argv[1:4]

import numpy as np  # noqa: E402

if backend == "ecsmpi":
    from ecsmpi import rxd
    import neuron
else:
    from mpi4py import MPI  # noqa: F401  before NEURON, which then takes its world
    import neuron
    from neuron import rxd

from neuron import h  # noqa: E402
from neuron import rxd as neuron_rxd  # noqa: E402

pc = h.ParallelContext()
RANK, RANKS = int(pc.id()), int(pc.nhost())
CELL_VARIABLES = ["v", "ki", "ko", "nai", "nao", "cli", "clo", "volumei"]


class Instead:
    """An object with some of its names replaced."""

    def __init__(self, original, **names):
        self.__dict__["_original"] = original
        self.__dict__.update(names)

    def __getattr__(self, name):
        return getattr(self._original, name)

    def __setattr__(self, name, value):
        setattr(self._original, name, value)


class Clock:
    """Time (s) and steps of the calls that it wraps."""

    def __init__(self):
        self.seconds = []

    def timed(self, function):
        def call(*args):
            begin, at = time.perf_counter(), h.t
            answer = function(*args)
            steps = round((h.t - at) / h.dt)
            if steps:
                self.seconds += [(time.perf_counter() - begin) / steps] * steps
            return answer

        return call


class DealtPlaces:
    """numpy.random.random for a script that draws three coordinates for each cell of its rank."""

    def __init__(self):
        self.stream = None
        self.drawn = 0

    def seed(self, number=None):
        self.stream = np.random.RandomState(number - RANK).random_sample(300_000)
        real_seed(number - RANK)

    def random(self, *args):
        if args or self.stream is None:
            return real_random(*args)
        cell, axis = divmod(self.drawn, 3)
        self.drawn += 1
        return self.stream[3 * (cell * RANKS + RANK) + axis]


def save() -> None:
    """Leave what the model holds now. On every rank."""
    arrays = {"seconds": np.array(clock.seconds)}
    if RANK == 0:
        for name, states in boxes():
            arrays[f"box {name}"] = np.array(states)
    arrays |= cells()
    np.savez(f"{result}.{RANK}.npz", **arrays)


def boxes():
    """Names and concentrations of the species in boxes, without those of Parameters, which stay."""
    species = (
        rxd.all_species()
        if backend == "ecsmpi"
        else [ref() for ref in neuron_rxd.species._all_species]
    )
    for one in species:
        if one is None or type(getattr(one, "_without", one)).__name__ == "Parameter":
            continue
        regions = one.regions if isinstance(one.regions, (list, tuple)) else [one.regions]
        for region in regions:
            if type(region).__name__ == "Extracellular":
                number = regions.index(region) - len(
                    [r for r in regions if isinstance(r, neuron_rxd.Region)]
                )
                yield f"{one.name} {number}", one[region].states3d


def cells() -> dict:
    """{variable: values at the middle of sections}, and where the sections are (um)."""
    sections = [sec for sec in h.allsec() if sec.n3d() and not sec.name().startswith("ecsmpi")]
    found = {
        "place": np.array(
            [[sec.x3d(0), sec.y3d(0), sec.z3d(0), sec.diam] for sec in sections]
        ).reshape(-1, 4)
    }
    for name in CELL_VARIABLES:
        if sections and all(hasattr(sec(0.5), name) for sec in sections):
            found[f"cell {name}"] = np.array([getattr(sec(0.5), name) for sec in sections])
    return found


def saved_then(function):
    def call(*args):
        save()
        return function(*args)

    return call


def parallel_context():
    return Instead(h.ParallelContext(), psolve=clock.timed(pc.psolve))


clock = Clock()
places = DealtPlaces()
real_seed, real_random = np.random.seed, np.random.random
np.random.seed, np.random.random = places.seed, places.random
neuron.h = Instead(
    h,
    ParallelContext=parallel_context,
    continuerun=lambda t: clock.timed(h.continuerun)(t),
    fadvance=clock.timed(h.fadvance),
    quit=saved_then(h.quit),
)
sys.argv = [script, *sys.argv[4:]]
sys.path[0] = os.path.dirname(os.path.abspath(script))
try:
    runpy.run_path(script, run_name="__main__")
finally:
    save()
