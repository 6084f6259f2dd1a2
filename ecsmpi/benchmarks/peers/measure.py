r"""Measure a step of one solver: its accuracy, or its time and memory.

    python measure.py accuracy|time SETTINGS

SETTINGS are JSON: {"module": "with_rxd", "arguments": ["neuron"], "package": "neuron",
"distribution": "neuron", "scheme": "douglas_gunn", "edge": 64, "r": 0.1, "half_waves": 16,
"seconds": 0.4, "repetitions": 5}. The script prints a JSON object:

    missing             why the solver cannot be imported, "" if it is not there; then nothing else
    version             of the solver
    step_error          of one step of the mode, against the exact decay in time
    space_error         what the differences in space add to it
    from_scheme         how far the step is from that of the scheme

and for the accuracy

    from_scheme         also of a step of a field that has all modes
    end_errors          after STEPS steps of r, and after twice as many of r / 2
    order               log2 of their ratio; null where the first is round-off

or for the time

    step_seconds        [processor seconds of a step, of each repetition]
    steps               steps of each repetition
    processors          processors that the repetitions kept busy
    setup_seconds       until the first step has been made
    bytes               resident memory of this process then
"""

import importlib
import json
import math
import re
import resource
import sys
from importlib import metadata, util
from pathlib import Path
from time import perf_counter, process_time

import cosine_modes  # beside this script
import numpy as np

STEPS = 8
ROUND_OFF = 1e-12


def main(task, settings):
    """Measure and print."""
    _limit_memory()
    found = _import(settings)
    if "missing" not in found:
        found |= TASKS[task](settings)
    print(json.dumps(found), flush=True)


def _limit_memory():
    """Let allocations fail that the machine has no memory for, before it ends other processes."""
    text = Path("/proc/meminfo").read_text()
    available = 1024 * int(re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)[1])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        available = min(available, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (available, hard))


def _import(settings):
    """The version of the solver, or why it cannot be imported."""
    if util.find_spec(settings["package"]) is None:
        return {"missing": ""}
    try:
        importlib.import_module(settings["module"])
    except ImportError as error:
        return {"missing": f"cannot be imported: {error}".splitlines()[0]}
    try:
        return {"version": metadata.version(settings["distribution"])}
    except metadata.PackageNotFoundError:
        return {"version": ""}


def accuracy(settings):
    """Errors of one step, and of steps to an end, with r and with r / 2."""
    edge, r = settings["edge"], settings["r"]
    box = _box(settings, edge, r)
    found = step_of_mode(box, settings)
    field = cosine_modes.rough(edge)
    box.set(field)
    box.advance(1)
    scheme = cosine_modes.SCHEMES[settings["scheme"]]
    off = _largest(box.field() - cosine_modes.stepped(scheme, field, r))
    found["from_scheme"] = max(off, found["from_scheme"])
    errors = [end_error(box, settings, STEPS)]
    del box
    box = _box(settings, edge, r / 2)
    errors.append(end_error(box, settings, 2 * STEPS))
    found["end_errors"] = errors
    found["order"] = None
    if errors[0] > ROUND_OFF:
        found["order"] = math.log2(errors[0] / errors[1])
    return found


def time(settings):
    """Processor seconds of steps, bytes, and the error of one step."""
    edge, r = settings["edge"], settings["r"]
    began = perf_counter()
    box = _box(settings, edge, r)
    box.advance(1)
    setup_seconds = perf_counter() - began
    resident = _resident()
    found = timed(box, cosine_modes.rough(edge), settings)
    found["setup_seconds"] = setup_seconds
    found["bytes"] = resident
    return found | step_of_mode(box, settings)


TASKS = {"accuracy": accuracy, "time": time}


def step_of_mode(box, settings):
    """Errors of one step of a mode along x."""
    edge, r, k = settings["edge"], settings["r"], settings["half_waves"]
    wave = cosine_modes.mode(edge, k)
    box.set(cosine_modes.MEAN + wave)
    box.advance(1)
    found = box.field() - cosine_modes.MEAN
    scheme = cosine_modes.SCHEMES[settings["scheme"]]
    exact = cosine_modes.factor_of(cosine_modes.exact, edge, k, r)
    ideal = cosine_modes.factor_of(scheme, edge, k, r)
    return {
        "step_error": _largest(found - exact * wave),
        "from_scheme": _largest(found - ideal * wave),
        "space_error": abs(exact - cosine_modes.continuous(edge, k, r)),
    }


def end_error(box, settings, steps):
    """Error of the mode after STEPS steps of r, which the box makes in some steps of its own."""
    edge, r, k = settings["edge"], settings["r"], settings["half_waves"]
    wave = cosine_modes.mode(edge, k)
    box.set(cosine_modes.MEAN + wave)
    box.advance(steps)
    exact = cosine_modes.factor_of(cosine_modes.exact, edge, k, r) ** STEPS
    return _largest(box.field() - cosine_modes.MEAN - exact * wave)


def timed(box, field, settings):
    """Processor seconds of a step, in repetitions that each begin with the field.

    Other processes of a shared machine do not lengthen them, and threads do not shorten them.
    """
    box.set(field)
    steps = 1
    while _processor_seconds(box, steps) < settings["seconds"] / 2:
        steps *= 2
    step_seconds = []
    whole = 0.0
    for _ in range(settings["repetitions"]):
        box.set(field)
        began = perf_counter()
        step_seconds.append(_processor_seconds(box, steps) / steps)
        whole += perf_counter() - began
    processors = steps * sum(step_seconds) / whole
    return {"step_seconds": step_seconds, "steps": steps, "processors": processors}


def _processor_seconds(box, steps):
    began = process_time()
    box.advance(steps)
    return process_time() - began


def _box(settings, edge, r):
    module = importlib.import_module(settings["module"])
    return module.Box(edge, r, *settings["arguments"])


def _largest(difference):
    return float(np.abs(difference).max())


def _resident():
    """Resident bytes of this process."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
