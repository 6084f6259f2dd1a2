r"""Time the slice of scripts/models with NEURON or with ecsmpi, with or without its cells.

    python slice.py neuron|ecsmpi scripts/models SETTINGS

SETTINGS are JSON: {"options": ["--size", "mini"], "cells": true, "repetitions": 20}.

Rank 0 prints a JSON object:

    finitialize_seconds     seconds of n.finitialize
    step_seconds            {what: [seconds of each repetition]}; what is "all" or, without cells,
                            "grid", where ions and oxygen diffuse, and "reactions", where glia act
                            too
    bytes                   resident memory of all ranks
"""

import json
import sys

from resources import resident, timed  # beside this script

WARM_UP = 20  # steps


def main(library, folder, settings):
    """Measure and print."""
    if library == "ecsmpi":
        from ecsmpi import rxd
    else:
        from neuron import rxd
    from neuron import n

    sys.path.insert(0, folder)
    import slice_tissue
    from slice_options import parsed

    options = parsed(settings["options"])
    pc = n.ParallelContext()
    n.celsius, n.dt = 37, options.dt
    step_seconds = {}
    repetitions = settings["repetitions"]
    if settings["cells"]:
        made = slice_tissue.build(rxd, options)
        finitialize_seconds = timed(pc, lambda: n.finitialize(slice_tissue.REST))
        step_seconds["all"] = time_steps(pc, n, repetitions)
    else:
        made = slice_tissue.build(rxd, options, count=int(pc.nhost()), reacting=False)
        finitialize_seconds = timed(pc, lambda: n.finitialize(slice_tissue.REST))
        step_seconds["grid"] = time_steps(pc, n, repetitions)
        made.reactions = slice_tissue.of_glia(rxd, made, options)
        n.finitialize(slice_tissue.REST)
        step_seconds["reactions"] = time_steps(pc, n, repetitions)
    result = {
        "finitialize_seconds": finitialize_seconds,
        "step_seconds": step_seconds,
        "bytes": resident(pc),
    }
    if pc.id() == 0:
        print(json.dumps(result), flush=True)
    pc.barrier()


def time_steps(pc, n, repetitions):
    """Seconds of single steps."""
    for _ in range(WARM_UP):
        timed(pc, n.fadvance)
    return [timed(pc, n.fadvance) for _ in range(repetitions)]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
