"""The first script a user reads: it runs plainly and on several ranks, and says what is missing."""

import os
import re

import pytest

from support.ranks import ROOT, mpirun

SCRIPT = ROOT / "scripts" / "ca1_potassium.py"


def run_script(ranks, tmp_path, *options, source=None):
    script = SCRIPT
    if source is not None:
        (tmp_path / "scripts").mkdir()
        script = tmp_path / "scripts" / SCRIPT.name
        script.write_text(source)
    return mpirun(ranks, ["python", script, *options], cwd=tmp_path)


def test_ranks_print_what_one_prints(tmp_path):
    said = []
    for ranks in (None, 2):
        picture = tmp_path / f"on_{ranks}.png"
        done = run_script(ranks, tmp_path, "--picture", picture)
        assert done.returncode == 0, done.stdout + done.stderr
        assert picture.read_bytes().startswith(b"\x89PNG")
        said.append(re.findall(r"K\+ after.*", done.stdout))
    assert said[0] == said[1] and len(said[0]) == 1
    assert said[0][0].startswith("K+ after 20 s: mean ")


@pytest.mark.parametrize("ranks", [None, 3])
def test_missing_morphology_is_named_once(ranks, tmp_path):
    done = run_script(ranks, tmp_path, "--morphology", tmp_path / "nowhere.swc")
    assert done.returncode != 0
    assert done.stderr.count(f"no morphology at {tmp_path / 'nowhere.swc'}") == 1


def test_mechanism_that_is_not_compiled_names_the_cure(tmp_path):
    copy = SCRIPT.read_text()  # without a mod folder beside it
    done = run_script(None, tmp_path, source=copy)
    assert done.returncode != 0
    assert f"steady_k is not compiled: run nrnivmodl in {tmp_path / 'mod'}" in done.stderr


def test_without_matplotlib_the_answer_is_printed_and_no_picture(tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "matplotlib.py").write_text("raise ModuleNotFoundError('no matplotlib')\n")
    path = f"{blocked}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = mpirun(None, ["python", SCRIPT], cwd=tmp_path, env={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert "K+ after 20 s: mean " in done.stdout
    assert "no picture: python -m pip install 'ecsmpi[plot]'" in done.stdout
    assert not (tmp_path / "ca1_potassium.png").exists()
