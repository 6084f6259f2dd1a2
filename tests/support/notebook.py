"""A notebook of NEURON's tutorials, cell by cell, with ecsmpi's rxd and with NEURON's own.

`scripts/test-neuron-suite --notebook FILE` runs this. The cells run in one process with the import
changed, and the same with NEURON on as many ranks: a notebook makes its cells on every rank. After
each cell the concentrations of all boxes are compared.
"""

from pathlib import Path
import sys
import tempfile

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from support.ranks import mpirun  # noqa: E402

RUNNER = TESTS / "programs" / "against_neuron" / "notebook_cells.py"
TOLERANCE = 1e-9  # NEURON differences the rates of reactions


def run(notebook: Path, all_ranks: list, frames: int, files: Path, seconds: float) -> int:
    """Run the notebook on all these numbers of ranks and print what came of it.

    Returns
    -------
    The exit status.
    """
    failed = 0
    for ranks in all_ranks:
        with tempfile.TemporaryDirectory(prefix="notebook-") as work:
            said, fails = compared(notebook, ranks, frames, files, seconds, Path(work))
        failed += fails
        print(
            f"{notebook.name} on {ranks} {'rank' if ranks == 1 else 'ranks'}: {said}",
            flush=True,
        )
    return 1 if failed else 0


def compared(
    notebook: Path, ranks: int, frames: int, files: Path, seconds: float, work: Path
) -> tuple[str, bool]:
    """Return what came of the notebook on some ranks, and whether that is an error."""
    answers = {}
    for backend in ("ecsmpi", "neuron"):
        folder = work / backend
        folder.mkdir()
        argv = ["python", RUNNER, backend, work / f"{backend}.npz", notebook.resolve()]
        argv += [frames, files.resolve()]
        try:
            done = mpirun(ranks if ranks > 1 else None, argv, cwd=folder, timeout=seconds)
        except pytest.fail.Exception:
            return f"{backend} has no end after {seconds:g} s", True
        if done.returncode:
            printed = f"{done.stdout[-600:]}\n{done.stderr[-2000:]}"
            return f"{backend} fails with status {done.returncode}\n{printed}", True
        with np.load(work / f"{backend}.npz") as saved:
            answers[backend] = dict(saved)
    return agreement(answers["ecsmpi"], answers["neuron"])


def agreement(found: dict, expected: dict) -> tuple[str, bool]:
    """Return how well the boxes agree after each cell, and whether that is an error.

    A species that a notebook deletes may live on in an animation, in one of the two.
    """
    differences = {"none": 0.0}
    for name in expected.keys() & found.keys():
        scale = np.abs(expected[name]).max() or 1.0
        difference = float(np.abs(found[name] - expected[name]).max() / scale)
        differences[name] = np.inf if np.isnan(difference) else difference
    where = max(differences, key=differences.get)
    worst = differences[where]
    cells = {name.partition(",")[0] for name in expected.keys() & found.keys()}
    if not cells:
        return "no cell has a box in both", True
    said = f"all cells run; {len(cells)} with boxes agree with NEURON to {worst:.1e} ({where})"
    if not worst <= TOLERANCE:
        said = f"differs by {worst:.1e} ({where}), more than {TOLERANCE:.0e}"
    return said, not worst <= TOLERANCE
