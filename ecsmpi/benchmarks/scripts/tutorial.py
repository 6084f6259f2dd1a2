"""Time the tutorial's model with NEURON's extracellular space, with ecsmpi's or without one.

    python tutorial.py neuron|ecsmpi|none scripts/ca1_potassium.py ARGUMENTS

ARGUMENTS of the model are a JSON list of words. It prints a JSON object with segments and
finitialize_seconds. Then it reads lines, each a number of steps, and answers each with a JSON
object whose step_seconds are a list.
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
    finitialize_seconds = timed(lambda: n.finitialize(-65))
    segments = sum(sec.nseg for sec in n.allsec())
    ready = {"segments": segments, "finitialize_seconds": finitialize_seconds}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        for _ in range(WARM_UP):
            n.fadvance()
        step_seconds = [timed(n.fadvance) for _ in range(int(line))]
        print(json.dumps({"step_seconds": step_seconds}), flush=True)


def with_space_of(library, source):
    """The script with another import, or without its extracellular space."""
    lines = source.splitlines(keepends=True)
    as_expected = lines.count(IMPORT) == 1
    for begin in SPACE:
        as_expected &= sum(line.startswith(begin) for line in lines) == 1
    if not as_expected:
        sys.exit(
            "the script must have one line each that begins with "
            f"{IMPORT.strip()!r}, {' and '.join(SPACE)}"
        )
    if library == "none":
        return "".join(line for line in lines if line != IMPORT and not line.startswith(SPACE))
    return source.replace(IMPORT, f"from {library} import rxd\n")


def compile_kernels():
    """Compile before anything is timed: a box of short z-lines and one of longer ones need all."""
    from neuron import n

    from ecsmpi import rxd
    from ecsmpi.solver.sizes import SHORT

    species = []
    for height in (SHORT - 1, SHORT):
        region = rxd.Extracellular(0, 0, 0, 4, 4, height, dx=1)
        species.append(rxd.Species(region, d=1, initial=1))
    n.finitialize(-65)
    n.fadvance()
    species.clear()


def timed(work):
    """Seconds of `work()`."""
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
