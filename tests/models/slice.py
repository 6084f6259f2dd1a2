"""A small slice of brain under spreading depolarization.

It is the model of scripts/models, with its laws and on its scale of time.
"""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "models"))

from harness import n, run, rxd  # noqa: E402
from slice_options import parsed  # noqa: E402
import slice_tissue  # noqa: E402

n.celsius = 37
size = ["--size", "mini", "--thickness", "60", "--dx", "20", "--r0", "60"]
options = parsed([*size, "--dt", "0.004"])
made = slice_tissue.build(rxd, options)
ions = [f"{ion}{side}" for ion in slice_tissue.IONS for side in "io"]
run(options.dt, made.outside, made.cells, (*ions, "ik", "v"), v_init=slice_tissue.REST)
