"""Run a model of tests/models, and say where two runs of it disagree."""

import numpy as np

from support.ranks import ROOT, TESTS, mpirun

FOLDER = TESTS / "models"
SWC = ROOT.parent / "shared" / "data" / "c91662.swc"

MODELS = {
    "tutorial": ("tutorial.py",),
    "tutorial with walls": ("tutorial.py", "--walls"),
    "odd box": ("odd.py",),
    "network": ("network.py",),
    "dirichlet": ("dirichlet.py",),
    "walls": ("walls.py",),
    "thin boxes": ("thin.py",),
    "varying tissue": ("tissue.py",),
    "moving tissue": ("moving_tissue.py",),
    "restart": ("restart.py",),
    "recorded": ("recorded.py",),
    "intracellular": ("intracellular.py",),
    "across the membrane": ("across.py",),
    "across the membrane in moving tissue": ("moving_across.py",),
    "one reaction across the membrane in moving tissue": ("moving_across.py", "--one"),
    "across the membranes of two regions": ("parted_across.py",),
    "nodes": ("nodes.py",),
    "reactions": ("reactions.py",),
    "slice": ("slice.py",),
    "spreading depression": ("spreading_depression.py",),
    "spreading depression, oedema and glia": ("spreading_depression.py", "--edema", "--buffer"),
}
# NEURON's derivatives of rates are difference quotients over 1.2e-7 mM: exact but for round-off
# where rates are linear, and wrong where the reactions of a segment name two extracellular species.
TOLERANCE = {
    "intracellular": 1e-10,
    "reactions": 1e-6,
    "across the membrane": 3e-6,
    "across the membrane in moving tissue": 3e-6,
    "slice": 1e-6,
    "spreading depression, oedema and glia": 1e-8,
}
if SWC.exists():
    MODELS["tutorial, c91662"] = ("tutorial.py", "--morphology", str(SWC))


def run_model(model, backend, ranks, mechanisms, path):
    """Return the arrays that a model saves in `path`, with "neuron" or "ecsmpi".

    `ranks` None starts it without mpirun. A run that fails is an AssertionError with its output.
    """
    script, *options = MODELS[model]
    done = mpirun(
        ranks, ["python", FOLDER / script, backend, path, mechanisms, *options], cwd=path.parent
    )
    assert done.returncode == 0, (
        f"{model} with {backend} on {ranks} ranks\n{done.stdout}\n{done.stderr}"
    )
    with np.load(path) as saved:
        return dict(saved)


def disagreements(found, expected, tolerance=1e-12):
    """Return a sentence on each array that differs, relative to its largest expected value."""
    if found.keys() != expected.keys():
        return [f"arrays {sorted(found)} instead of {sorted(expected)}"]
    said = (_disagreement(name, found[name], expected[name], tolerance) for name in expected)
    return [sentence for sentence in said if sentence]


def _disagreement(name, found, expected, tolerance):
    if found.shape != expected.shape:
        return f"{name}: shape {found.shape} instead of {expected.shape}"
    difference = np.abs(found - expected)
    largest = np.abs(expected).max()
    if np.all(difference <= tolerance * largest):  # false for NaN
        return None
    worst = np.unravel_index(
        np.nanargmax(np.nan_to_num(difference, nan=np.inf)), difference.shape
    )
    at = tuple(int(i) for i in worst)
    wrong = int(np.sum(~(difference <= tolerance * largest)))
    return (
        f"{name}: {found[worst]:.17g} instead of {expected[worst]:.17g} at {at}, a relative "
        f"{difference[worst] / largest:.2g}; {wrong} of {found.size} values differ"
    )
