"""The tutorial's model, timed in a process of its own, with NEURON's extracellular space, ecsmpi's
or none.

    python tutorial.py neuron|ecsmpi|none scripts/ca1_potassium.py '["arguments", "of", "the",
    "model"]'

Prints a JSON object: segments, finitialize_seconds; then, for each number of steps that it reads,
one with step_seconds, a list.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

IMPORT = "from ecsmpi import rxd\n"
SPACE = ("ecs = rxd.", "k = rxd.")  # the lines that make the extracellular space begin so
WARM_UP = 20  # steps


def main(library, script, arguments):
    """Measure and print."""
    source = with_space_of(library, Path(script).read_text())
    if library == "ecsmpi":
        compile_kernels()
    sys.argv = [script, *arguments]
    model = {"__name__": "tutorial", "__file__": script}
    exec(compile(source, script, "exec"), model)
    n = model["n"]
    began = perf_counter()
    n.finitialize(-65)
    finitialize = perf_counter() - began
    segments = sum(sec.nseg for sec in n.allsec())
    print(json.dumps({"segments": segments, "finitialize_seconds": finitialize}), flush=True)
    for line in sys.stdin:
        steps = [timed(n.fadvance) for _ in range(WARM_UP + int(line))][WARM_UP:]
        print(json.dumps({"step_seconds": steps}), flush=True)


def with_space_of(library, source):
    """The script with another import, or without its extracellular space."""
    lines = source.splitlines(keepends=True)
    if lines.count(IMPORT) != 1 or any(
        sum(line.startswith(begin) for line in lines) != 1 for begin in SPACE
    ):
        sys.exit(
            f"the script must have one line each that begins with {IMPORT.strip()!r}, {' and '.join(SPACE)}"
        )
    if library == "none":
        return "".join(line for line in lines if line != IMPORT and not line.startswith(SPACE))
    return source.replace(IMPORT, f"from {library} import rxd\n")


def compile_kernels():
    """Compilation apart: a box of short z-lines and one of longer ones need all kernels."""
    from neuron import n

    from ecsmpi import rxd
    from ecsmpi.solver.short_lines import SHORT

    species = [
        rxd.Species(rxd.Extracellular(0, 0, 0, 4, 4, height, dx=1), d=1, initial=1)
        for height in (SHORT - 1, SHORT)
    ]
    n.finitialize(-65)
    n.fadvance()
    del species


def timed(work):
    """Seconds of some work."""
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
