r"""The slice of scripts/models, timed in a process of its own, or only what is outside its cells.

    python slice.py neuron|ecsmpi scripts/models '{"options": ["--size", "mini"], "cells": true, "repetitions": 20}'

Rank 0 prints a JSON object: finitialize_seconds, step_seconds {what: [seconds of each repetition]} and bytes, resident on all
ranks together. What is "all"; or, without cells, "grid", where ions and oxygen diffuse, and "reactions", where glia act, too.
"""

import json
import sys

from measures import resident, timed  # beside this script

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

    options, pc = parsed(settings["options"]), n.ParallelContext()
    n.celsius, n.dt = 37, options.dt
    steps, repetitions = {}, settings["repetitions"]
    if settings["cells"]:
        made = slice_tissue.build(rxd, options)
        finitialize = timed(pc, lambda: n.finitialize(slice_tissue.REST))
        steps["all"] = step_times(pc, n, repetitions)
    else:
        made = slice_tissue.build(rxd, options, count=int(pc.nhost()), reacting=False)
        finitialize = timed(pc, lambda: n.finitialize(slice_tissue.REST))
        steps["grid"] = step_times(pc, n, repetitions)
        made.reactions = slice_tissue.of_glia(rxd, made, options)
        n.finitialize(slice_tissue.REST)
        steps["reactions"] = step_times(pc, n, repetitions)
    result = {"finitialize_seconds": finitialize, "step_seconds": steps, "bytes": resident(pc)}
    if pc.id() == 0:
        print(json.dumps(result), flush=True)
    pc.barrier()


def step_times(pc, n, repetitions):
    """Seconds of single steps."""
    return [timed(pc, n.fadvance) for _ in range(WARM_UP + repetitions)][WARM_UP:]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
