"""Any number of ranks has NEURON's own answer, live: its extracellular space on one rank.

Most models run on 2 or 3 ranks. The long form has every model on 1, 2, 3 and 4 ranks,
and on 8 those that many thin slabs could get wrong. Grids, concentrations of segments, and voltages
agree over 200 steps to 1e-12 of their largest value, or to TOLERANCE.
"""

from pathlib import Path
import shutil
import subprocess
import sys

import numpy as np
import pytest

from support.long_form import in_every_run, long
from support.neuron_reference import FOLDER, MODELS, TOLERANCE, disagreements, run_model


@pytest.fixture(scope="session")
def mechanisms(tmp_path_factory):
    """Compile the mechanism that only tests have, and return its folder.

    scripts/setup has compiled those of mod/.
    """
    folder = tmp_path_factory.mktemp("mechanisms")
    shutil.copy(FOLDER / "leaks.mod", folder)
    compiler = shutil.which("nrnivmodl", path=str(Path(sys.executable).parent)) or "nrnivmodl"
    made = subprocess.run([compiler], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="session")
def reference(mechanisms, tmp_path_factory):
    """`reference(model)`: the arrays of NEURON on one rank, computed once."""
    folder = tmp_path_factory.mktemp("reference")
    known = {}

    def of(model):
        if model not in known:
            known[model] = run_model(model, "neuron", None, mechanisms, folder / f"{model}.npz")
        return known[model]

    return of


# Models that many thin slabs could get wrong.
CUT = ("tutorial", "odd box", "network", "thin boxes", "varying tissue", "reactions")
# Only with --long: other models of every run have what they have.
LARGE = (
    "tutorial with walls",
    "tutorial, c91662",
    "slice",
    "one reaction across the membrane in moving tissue",
)
OF_EVERY_RUN = [model for model in MODELS if model not in LARGE]
# The models of every run, by ranks: two slabs settle their interface between them, the third has
# neighbours on both sides, and 8 ranks are more than cores. Where a model is about something else
# than slabs, two are enough.
ON_TWO = ("odd box", "thin boxes", "restart", "recorded", "intracellular", "nodes", "dirichlet")
ON_FOUR = ("across the membrane",)
SHORT = {
    None: ("odd box", "network"),
    2: ON_TWO,
    3: [model for model in OF_EVERY_RUN if model not in ON_TWO + ON_FOUR],
    4: ON_FOUR,
    8: (),
}


def in_runs():
    """Return (model, ranks), those of the long form marked."""
    found = []
    for ranks, short in SHORT.items():
        for model in CUT if ranks == 8 else MODELS:
            found.append((model, ranks) if model in short else long(model, ranks))
    return found


@pytest.mark.parametrize("model, ranks", in_runs())
def test_any_number_of_ranks_gives_neurons_answer(
    model, ranks, reference, mechanisms, tmp_path
):
    found = run_model(model, "ecsmpi", ranks, mechanisms, tmp_path / "found.npz")
    said = disagreements(found, reference(model), TOLERANCE.get(model, 1e-12))
    assert not said, "\n".join([f"{model} on {ranks} ranks:", *said])


@pytest.mark.parametrize("model", in_every_run(MODELS, OF_EVERY_RUN))
def test_reference_is_finite_and_moves(model, reference):
    saved = reference(model)
    assert all(np.isfinite(array).all() for array in saved.values())
    for name in (name for name in saved if name.endswith("step 200")):
        if name.startswith("(1, 1, 1)") or "walls 2" in name:
            continue  # one voxel alone, or thin boxes that are all wall
        before, after = saved[name.replace("step 200", "step 1")], saved[name]
        assert np.abs(after - before).max() > 1e-6 * np.abs(after).max(), f"{name} stands still"


def test_a_difference_of_1e_9_is_seen_in_every_array(reference):
    for model in ("odd box", "network", "thin boxes"):
        expected = reference(model)
        assert disagreements(expected, expected) == []
        for name, array in expected.items():
            found = {**expected, name: array.copy()}
            found[name].flat[array.size // 2] += 1e-9 * np.abs(array).max()
            said = disagreements(found, expected)
            assert len(said) == 1
            assert said[0].startswith(name)
            assert "1 of" in said[0]


def test_what_is_missing_or_not_a_number_is_seen():
    expected = {"k": np.ones((2, 3))}
    assert "arrays" in disagreements({}, expected)[0]
    assert "shape" in disagreements({"k": np.ones((3, 2))}, expected)[0]
    assert "nan" in disagreements({"k": np.array([[1, 1, np.nan], [1, 1, 1]])}, expected)[0]
