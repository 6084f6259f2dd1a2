"""Count calls of Python in making, starting and stepping many species.

They take a small multiple of as many times one.
"""

import cProfile
import pstats

from ecsmpi import rxd
from neuron import n

cell = n.Section("cell")
cell.pt3dadd(10, 10, 10, 5)
cell.pt3dadd(10, 10, 40, 5)
cell.insert("hh")
ecs = rxd.Extracellular(0, 0, 0, 100, 100, 100, dx=10)


def calls(action):
    """Return how many calls of Python functions an action makes."""
    profile = cProfile.Profile()
    profile.runcall(action)
    return pstats.Stats(profile).total_calls


def made(count):
    """Return the calls of Python in making species, in finitialize, in a first and another step."""
    species = []

    def make():
        for i in range(count):
            species.append(rxd.Species(ecs, name=f"s{i}", d=1 + i % 3, charge=0, initial=1))

    counts = [calls(make), calls(lambda: n.finitialize(-65)), calls(n.fadvance)]
    steps = [calls(n.fadvance) for _ in range(3)]
    return [*counts, min(steps)]  # one of the steps may make the ranks' health check


made(1)  # compiles
few, many = made(20), made(120)
for what, of_few, of_many in zip(("made", "begun", "first step", "step"), few, many):
    print(what, of_few, of_many)
    assert of_many < 6 * of_few, f"{what}: {of_few} calls for 20 species, {of_many} for 120"
