r"""Time a box of voxels with NEURON or with ecsmpi.

    python box.py neuron|ecsmpi SETTINGS

SETTINGS are JSON: {"shape": [64, 64, 64], "dx": 5, "dt": 0.025, "threads": [1, 2],
"repetitions": 10, "model": "potassium"}. The model is one of

    potassium   potassium diffuses
    tissue      the same where volume fraction and tortuosity vary from voxel to voxel
    buffer      potassium with the buffer of NEURON's tutorial, which makes three species

Rank 0 prints a JSON object:

    start_seconds           seconds of the import and of all that a small first box needs
    finitialize_seconds     seconds of n.finitialize
    step_seconds            {threads: [seconds of each repetition]}
    bytes                   resident memory of all ranks, above that after the small first box
"""

import json
import math
import sys
from time import perf_counter

from resources import MAXIMUM, resident, timed  # beside this script

WARM_UP = 2  # steps


def main(library, settings):
    """Measure and print."""
    began = perf_counter()
    if library == "ecsmpi":
        from ecsmpi import rxd
    else:
        from neuron import rxd
    from neuron import n

    pc = n.ParallelContext()
    n.dt = settings["dt"]
    model = MODELS[settings["model"]]
    first = model(rxd, n, [4 * int(pc.nhost()), 4, settings["shape"][2]], settings["dx"])
    n.finitialize(-65)
    n.fadvance()
    start_seconds = perf_counter() - began
    del first
    before = resident(pc)
    box = model(rxd, n, settings["shape"], settings["dx"])
    finitialize_seconds = timed(pc, lambda: n.finitialize(-65))
    step_seconds = time_steps(rxd, n, pc, settings["threads"], settings["repetitions"])
    result = {
        "start_seconds": pc.allreduce(start_seconds, MAXIMUM),
        "finitialize_seconds": finitialize_seconds,
        "step_seconds": step_seconds,
        "bytes": resident(pc) - before,
    }
    del box  # it had to be alive while it was measured
    if pc.id() == 0:
        print(json.dumps(result), flush=True)
    pc.barrier()


def potassium(rxd, n, shape, dx, volume_fraction=0.2, tortuosity=1.6):
    """Make potassium in a box of `shape` voxels, around one compartment."""
    section = n.Section(name="compartment")
    section.pt3dadd(dx, dx, dx, 1)
    section.pt3dadd(2 * dx, dx, dx, 1)
    high = [count * dx for count in shape]
    region = rxd.Extracellular(
        0, 0, 0, *high, dx=dx, volume_fraction=volume_fraction, tortuosity=tortuosity
    )
    return section, region, rxd.Species(region, d=2.62, name="k", charge=1, initial=3)


def tissue(rxd, n, shape, dx):
    """Make potassium in a box whose tissue differs from voxel to voxel."""

    def volume_fraction(x, y, z):
        return 0.2 + 0.1 * math.sin(x / 50) * math.cos(y / 70)

    def tortuosity(x, y, z):
        return 1.6 + 0.3 * math.sin(y / 60) * math.cos(z / 40)

    return potassium(rxd, n, shape, dx, volume_fraction, tortuosity)


def buffer(rxd, n, shape, dx):
    """Make potassium in a box with a buffer A that binds it where there is much: k + A <> AK."""
    section, region, k = potassium(rxd, n, shape, dx)
    free = rxd.Species(region, name="A", charge=1, initial=10)
    bound = rxd.Species(region, name="AK", charge=1, initial=0)
    backward = 0.0008
    forward = backward / (1 + rxd.rxdmath.exp(-(k[region] - 15) / 1.15))
    return section, region, k, free, bound, rxd.Reaction(k[region] + free, bound, forward, backward)


MODELS = {"potassium": potassium, "tissue": tissue, "buffer": buffer}


def time_steps(rxd, n, pc, threads, repetitions):
    """Seconds of single steps with each number of threads, in turn."""
    step_seconds = {count: [] for count in threads}
    for repetition in range(-WARM_UP, repetitions):
        for count in threads:
            rxd.nthread(count)
            seconds = timed(pc, n.fadvance)
            if repetition >= 0:
                step_seconds[count].append(seconds)
    rxd.nthread(1)  # NEURON does not end while its threads wait for work
    return step_seconds


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
