"""The examples of scripts/tutorial: the same on any ranks, every ion accounted for, a picture."""

import re

import pytest

from support.long_form import in_every_run
from support.ranks import ROOT, mpirun

SCRIPTS = sorted(
    path.stem for path in (ROOT / "scripts" / "tutorial").glob("*.py") if path.stem != "cell"
)
SHORT = ("buffering",)  # of every run
BALANCES = {  # that each example prints
    "anisotropy": 2,
    "buffering": 4,
    "kymograph": 1,
    "point_source": 2,
    "recording": 1,
    "sphere": 3,
    "tissue": 2,
    "walls": 2,
}


def run(script, ranks, tmp_path, seconds=4):
    """What the example prints, at a reduced size; its picture is there."""
    picture = tmp_path / f"on_{ranks}.png"
    path = ROOT / "scripts" / "tutorial" / f"{script}.py"
    words = ["python", path, "--seconds", seconds, "--voxel", "40", "--picture", picture]
    done = mpirun(ranks, words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    return done.stdout


def balances(printed):
    """Amounts (amol) by name of each line of balance."""
    found = []
    for line in re.findall(r"^\w+ \(amol\): (.*)", printed, re.MULTILINE):
        amounts = re.findall(r"(\w+) (\S+?)(?:,|$)", line)
        found.append({name: float(amount) for name, amount in amounts})
    return found


@pytest.mark.parametrize("script", in_every_run(SCRIPTS, SHORT))
def test_every_ion_is_accounted_for_and_results_are_the_same_at_any_number_of_ranks(
    script, tmp_path, request
):
    said = []
    for ranks in (None, 2, 3, 4) if request.config.getoption("--long") else (None, 3):
        printed = run(script, ranks, tmp_path)
        found = balances(printed)
        assert len(found) == BALANCES[script]
        for each in found:
            assert abs(each["residual"]) <= 1e-12 * each["stored"], (ranks, each)
        said.append(re.findall(r"(?:max|mean|bound|after|:) ([\d.]+) mM", printed))
    assert said[0] and all(other == said[0] for other in said)


def test_half_the_voxel_leaves_a_quarter_of_a_point_sources_error(tmp_path):
    printed = run("point_source", None, tmp_path, seconds=10)
    coarse, fine = (float(error) for error in re.findall(r"at 80 um: .* \+([\d.]+) %", printed))
    assert 10 < coarse < 20
    assert 3.5 < coarse / fine < 4.5


@pytest.mark.long
def test_what_is_bound_is_missing_from_what_is_free(tmp_path):
    k, bound = (balances(run("sphere", 2, tmp_path))[i] for i in (0, 2))
    assert bound["reacted"] == pytest.approx(-k["reacted"], rel=1e-4)
    assert bound["reacted"] > 1e-3 * k["came_in"]
    assert k["came_in"] > 0.05 * k["stored"]
