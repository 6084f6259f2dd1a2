r"""Measure what a rank takes of memory and how long it starts, with NEURON or with ecsmpi.

    mpirun -n 2 python rank.py neuron|ecsmpi box
    mpirun -n 2 python rank.py neuron|ecsmpi slice scripts/models --size mini

The box has a cell for each rank and a reaction. After some steps rank 0 prints a JSON object:

    pss                 memory of each rank at the end (bytes), pages that processes share divided
                        among them
    start_seconds       seconds of the import and of n.finitialize, on the slowest rank
"""

import json
import re
import sys
from pathlib import Path
from time import perf_counter

STEPS = 20
MAXIMUM = 2  # of pc.allreduce


def main(library, model, *words):
    """Measure and print."""
    began = perf_counter()
    if library == "ecsmpi":
        from ecsmpi import rxd
    else:
        from neuron import rxd
    from neuron import n

    start_seconds = perf_counter() - began
    pc = n.ParallelContext()
    made = _box(rxd, n, pc) if model == "box" else _slice(rxd, n, *words)
    pc.barrier()
    began = perf_counter()
    n.finitialize(-65)
    start_seconds += perf_counter() - began
    for _ in range(STEPS):
        n.fadvance()
    pc.barrier()  # all ranks are there while each looks
    result = {
        "pss": pc.py_allgather(_proportional_memory()),
        "start_seconds": pc.allreduce(start_seconds, MAXIMUM),
    }
    if pc.id() == 0:
        print(json.dumps(result), flush=True)
    pc.barrier()
    del made  # it had to be alive until now
    n.quit()


def _box(rxd, n, pc):
    """A cell for each rank in a box of 16,000 voxels, with a reaction in each."""
    cell = n.Section(f"cell{int(pc.id())}")
    cell.pt3dadd(50, 50, 20, 5)
    cell.pt3dadd(50, 50, 180, 5)
    cell.insert("hh")
    ecs = rxd.Extracellular(0, 0, 0, 200, 200, 400, dx=10, volume_fraction=0.2, tortuosity=1.6)
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    return cell, ecs, k, rxd.Rate(k, -0.01 * (k - 3))


def _slice(rxd, n, folder, *options):
    """The slice of scripts/models, whose folder is given."""
    sys.path.insert(0, folder)
    import slice_tissue
    from slice_options import parsed

    chosen = parsed(options)
    n.celsius, n.dt = 37, chosen.dt
    return slice_tissue.build(rxd, chosen)


def _proportional_memory():
    """PSS of this process, bytes."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return 1024 * int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
