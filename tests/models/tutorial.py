"""200 steps of scripts/ca1_potassium.py itself.

Its first import is all that differs between the backends.

Options: --walls holds all walls at 3 mM; --morphology FILE.swc takes another cell.
"""

from pathlib import Path
import sys

from harness import BACKEND, OPTIONS, n, run

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "ca1_potassium.py"


def replaced(text, old, new):
    if text.count(old) != 1:
        sys.exit(f"{SCRIPT} has {old!r} {text.count(old)} times, expected once")
    return text.replace(old, new)


source = SCRIPT.read_text()
if BACKEND == "neuron":
    source = replaced(source, "\nfrom ecsmpi import rxd\n", "\nfrom neuron import rxd\n")
if "--walls" in OPTIONS:
    source = replaced(source, "initial=3)", "initial=3, ecs_boundary_conditions=3)")
sys.argv = [str(SCRIPT), *(option for option in OPTIONS if option != "--walls")]
model = {"__name__": "model", "__file__": str(SCRIPT)}
exec(compile(source, SCRIPT, "exec"), model)

sections = list(n.allsec())
run(n.dt, {"k": model["k"][model["ecs"]]}, {0: sections} if sections else {})
