"""Run a notebook's code cells in one process; keep all boxes after each.

    python notebook_cells.py neuron|ecsmpi RESULT NOTEBOOK FRAMES FILES

Lines that begin with `!` are commands, run by rank 0, and the mechanisms that `nrnivmodl` makes are
loaded. Files that a cell downloads are taken from the folder FILES, by their names or by the last
part of the address. Animations have FRAMES frames at most, and are drawn but not encoded where
there is no ffmpeg. RESULT.npz has an array for each species and cell, from rank 0.
"""

import ast
import gc
import json
import linecache
from pathlib import Path
import re
import shutil
import subprocess
import sys
import types
import urllib.request

backend, result, notebook, frames, files = sys.argv[1:6]

import matplotlib  # noqa: E402

matplotlib.use("Agg")
if backend == "ecsmpi":
    import ecsmpi.rxd
else:
    from mpi4py import MPI  # noqa: F401  NEURON takes its world
from matplotlib import animation  # noqa: E402
import neuron  # noqa: E402
from neuron import n  # noqa: E402
from neuron import rxd as neuron_rxd  # noqa: E402
import numpy as np  # noqa: E402

from support.published_models import changed_line  # noqa: E402

pc = n.ParallelContext()
RANK = int(pc.id())


class Drawn(animation.AbstractMovieWriter):
    """Draws all frames, and keeps none."""

    @classmethod
    def isAvailable(cls):
        return True

    def setup(self, fig, outfile, dpi=None):
        super().setup(fig, outfile, dpi)

    def grab_frame(self, **options):
        self.fig.canvas.draw()

    def finish(self):
        pass


def few_frames(self, *args, frames_most=int(frames), **options):
    given = options.get("frames")
    if isinstance(given, int):
        options["frames"] = min(given, frames_most)
    made(self, *args, **options)


def drawn_only(self, *args, **options):
    self.save("", writer=Drawn())
    return "<video>"


def downloaded(address, name=None, *args):
    for wanted in (Path(name or "").name, address.rpartition("/")[2]):
        if wanted and (Path(files) / wanted).is_file():
            if RANK == 0 and name:
                shutil.copy(Path(files) / wanted, name)
            pc.barrier()
            return name, None
    raise FileNotFoundError(
        f"the notebook downloads {name}: put it into a folder, and name that by --files"
    )


def command(line: str) -> None:
    if RANK == 0:
        subprocess.run(line, shell=True, check=True, stdout=subprocess.DEVNULL)
    pc.barrier()
    if line.startswith("nrnivmodl"):
        neuron.load_mechanisms(".")


def source_of(cell: dict) -> str:
    """The cell's Python, with commands as calls and import lines changed."""
    lines = "".join(cell["source"]).splitlines()
    lines = [re.sub(r"^!(.*)$", lambda found: f"command({found[1]!r})", line) for line in lines]
    lines = [line for line in lines if not line.startswith("%")]
    return "\n".join(changed_line(line) if backend == "ecsmpi" else line for line in lines)


def run_cell(title: str, source: str, names: dict) -> None:
    """As notebooks do: run it, and keep the value of a last expression as `_`."""
    linecache.cache[title] = (len(source), None, source.splitlines(True), title)
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, title, "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), title, "eval"), names)
        if value is not None:
            names["_"] = value


def boxes() -> dict:
    if backend == "ecsmpi":
        return {
            one.name: np.array(one[region].states3d)
            for one in ecsmpi.rxd.all_species()
            for region in one.regions
        }
    found = {}
    for one in filter(None, (reference() for reference in neuron_rxd.species._all_species)):
        for region in one.regions if isinstance(one.regions, list) else [one.regions]:
            found[one.name] = np.array(one[region].states3d)
    return found


made = animation.FuncAnimation.__init__
animation.FuncAnimation.__init__ = few_frames
if shutil.which("ffmpeg") is None:
    animation.FuncAnimation.to_html5_video = drawn_only
try:
    import IPython.display  # noqa: F401
except ModuleNotFoundError:
    display = types.ModuleType("IPython.display")
    display.HTML = str
    package = types.ModuleType("IPython")
    package.version_info, package.get_ipython = (
        (9, 0),
        lambda: None,
    )  # which matplotlib asks for
    sys.modules |= {"IPython": package, "IPython.display": display}
urllib.request.urlretrieve = downloaded

names = {"__name__": "__main__", "command": command}
left = {}
cells = [
    cell
    for cell in json.loads(Path(notebook).read_text())["cells"]
    if cell["cell_type"] == "code"
]
for number, cell in enumerate(cells):
    if RANK == 0:
        print(f"cell {number}", flush=True)
    if backend == "neuron":
        # NEURON refuses a species made again while the animation of the one before waits for it
        gc.collect()
    run_cell(f"cell {number}", source_of(cell), names)
    for name, states in boxes().items():
        left[f"cell {number}, {name}"] = states
if RANK == 0:
    np.savez(result, **left)
    print(f"all {len(cells)} cells", flush=True)
