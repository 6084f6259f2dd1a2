r"""Species in a box, timed in a process of their own.

    python box.py neuron|ecsmpi \
        '{"shape": [64, 64, 64], "dx": 5, "dt": 0.025, "threads": [1, 2], "repetitions": 10, "model": "potassium"}'

The model is potassium; or tissue: the same where volume fraction and tortuosity vary from voxel to voxel; or buffer:
potassium with the buffer of NEURON's tutorial, which makes three species.

Rank 0 prints a JSON object: start_seconds (import, and all that a small first box needs),
finitialize_seconds, step_seconds {threads: [seconds of each repetition]}, bytes (resident, all ranks
together, more than after that first box).
"""

import json
import math
import sys
from time import perf_counter

from measures import resident, timed  # beside this script

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
    started = perf_counter() - began
    del first
    before = resident(pc)
    box = model(rxd, n, settings["shape"], settings["dx"])
    finitialize = timed(pc, lambda: n.finitialize(-65))
    steps = time_steps(rxd, n, pc, settings["threads"], settings["repetitions"])
    result = {
        "start_seconds": pc.allreduce(started, 2),
        "finitialize_seconds": finitialize,
        "step_seconds": steps,
        "bytes": resident(pc) - before,
    }
    del box  # it was measured alive
    if pc.id() == 0:
        print(json.dumps(result), flush=True)
    pc.barrier()


def potassium(rxd, n, shape, dx, volume_fraction=0.2, tortuosity=1.6):
    """Potassium in a box of `shape` voxels, around one compartment."""
    section = n.Section(name="compartment")
    section.pt3dadd(dx, dx, dx, 1)
    section.pt3dadd(2 * dx, dx, dx, 1)
    region = rxd.Extracellular(
        0,
        0,
        0,
        *[count * dx for count in shape],
        dx=dx,
        volume_fraction=volume_fraction,
        tortuosity=tortuosity,
    )
    return section, region, rxd.Species(region, d=2.62, name="k", charge=1, initial=3)


def tissue(rxd, n, shape, dx):
    """Potassium in a box whose tissue differs from voxel to voxel."""

    def volume_fraction(x, y, z):
        return 0.2 + 0.1 * math.sin(x / 50) * math.cos(y / 70)

    def tortuosity(x, y, z):
        return 1.6 + 0.3 * math.sin(y / 60) * math.cos(z / 40)

    return potassium(rxd, n, shape, dx, volume_fraction, tortuosity)


def buffer(rxd, n, shape, dx):
    """Potassium in such a box that a buffer A takes up where there is much: k + A <> AK."""
    section, region, k = potassium(rxd, n, shape, dx)
    free = rxd.Species(region, name="A", charge=1, initial=10)
    bound = rxd.Species(region, name="AK", charge=1, initial=0)
    backward = 0.0008
    forward = backward / (1 + rxd.rxdmath.exp(-(k[region] - 15) / 1.15))
    return section, region, k, free, bound, rxd.Reaction(k[region] + free, bound, forward, backward)


MODELS = {"potassium": potassium, "tissue": tissue, "buffer": buffer}


def time_steps(rxd, n, pc, threads, repetitions):
    """Seconds of single steps with each number of threads, in turn."""
    taken = {count: [] for count in threads}
    for repetition in range(-WARM_UP, repetitions):
        for count in threads:
            rxd.nthread(count)
            seconds = timed(pc, n.fadvance)
            if repetition >= 0:
                taken[count].append(seconds)
    rxd.nthread(1)  # NEURON does not end while its threads wait for work
    return taken


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
