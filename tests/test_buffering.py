"""The examples with buffers: what they print, a picture, and the same on several ranks."""

import re

import pytest
from conftest import ROOT, mpirun


@pytest.mark.parametrize("script, conserved", [("buffering", 2), ("sphere", 1)])
def test_free_and_bound_potassium_is_what_was_released_at_any_number_of_ranks(script, conserved, tmp_path):
    said = []
    for ranks in (None, 3):
        picture = tmp_path / f"on_{ranks}.png"
        words = ["--seconds", "4", "--voxel", "40", "--picture", picture]
        done = mpirun(ranks, ["python", ROOT / "scripts" / "tutorial" / f"{script}.py", *words], cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert picture.read_bytes().startswith(b"\x89PNG")
        said.append(re.findall(r"(?:max|free and bound) ([\d.e+-]+) mM", done.stdout))
    totals = [float(total) for total in re.findall(r"free and bound ([\d.]+) mM", done.stdout)]
    assert said[0] == said[1] and len(totals) == conserved and max(totals) - min(totals) < 2e-11 * max(totals)
    assert 3 < totals[0] < 4 and float(said[0][0]) > 0.1
