"""200 steps of scripts/models/spreading_depression.py itself, in a small box with few cells.

Options are the script's.
"""

from pathlib import Path
import sys

from harness import BACKEND, OPTIONS, n, run

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "models" / "spreading_depression.py"
SMALL = ["--size", "240", "--dx", "20", "--density", "20000", "--output", "watched.h5"]

sys.path.insert(0, str(SCRIPT.parent))
sys.argv = [str(SCRIPT), *SMALL, *OPTIONS, *(["--neuron"] if BACKEND == "neuron" else [])]
model = {"__name__": "model", "__file__": str(SCRIPT)}
exec(compile(SCRIPT.read_bytes(), SCRIPT, "exec"), model)

ecs = model["ecs"]
cells = {cell.gid: [cell.soma, cell.dendrite] for cell in model["cells"]}
grids = {name: model[name][ecs] for name in ("k", "na")} | (
    {"AK": model["buffer"][1][ecs]} if model["buffer"] else {}
)
run(n.dt, grids, cells, ("ko", "ki", "nao", "nai", "v"))
