"""`scripts/test-published` runs models with their import lines changed.

It says where they disagree with NEURON.
"""

import shutil

import numpy as np
import pytest

from support import published
from support.long_form import long
from support.programs import PROGRAMS
from support.published_answers import Answer, disagreements
from support.published_models import MODELS, Case, Model, change_imports

TINY = PROGRAMS / "against_neuron" / "tiny_model"


@pytest.fixture
def folder(tmp_path):
    """A folder that has a model, under any name."""
    shutil.copytree(TINY, tmp_path / "models" / "any name")
    return tmp_path / "models"


def model(*cases):
    return Model("Tiny et al.", "nowhere", ("tiny.py",), cases)


@pytest.mark.parametrize("ranks", [("2",), long(("1", "2"))])
def test_a_model_agrees_with_neuron_on_ranks_and_others_are_skipped(ranks, folder, capfd):
    tiny = model(
        Case("tiny.py", ("0",), (("tiny.py", "Ncell = 600", "Ncell = 6"),), tolerance=1e-10)
    )
    assert published.main([str(folder), "--ranks", *ranks], models=(tiny, *MODELS)) == 0
    printed = capfd.readouterr().out
    for title in ("Newton et al. 2018", "Kelley et al. 2022", "SDinVivo"):
        assert f"{title}: skipped, no folder of " in printed
    assert "tiny.py: Ncell = 6; 0" in printed
    assert "- from neuron import h, rxd\n" in printed
    assert "+ from ecsmpi import rxd\n" in printed
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith("| tiny.py")]
    assert [row[1:3] for row in rows] == [
        ["NEURON", "to its end"],
        *([number, "to its end"] for number in ranks),
    ]
    assert all("at most 1e-10" in row[3] and "of NEURON's" in row[4] for row in rows[1:])


@pytest.mark.long  # in every run: a model that agrees, and those that are skipped
def test_what_differs_fails_or_has_changed_is_an_error(folder, capfd):
    smaller = ("tiny.py", "Ncell = 600", "Ncell = 6")
    differs = Case("tiny.py", ("0.1",), (smaller,))
    division = (
        "tiny.py",
        "h.finitialize(-65)",
        "h.finitialize(-65 + 0 / rxd.__name__.find('ecsmpi'))",
    )
    fails = Case("tiny.py", ("0", "--fails"), (division, smaller))
    changed = Case("tiny.py", ("0", "--changed"), (("tiny.py", "Ncell = 601", "Ncell = 6"),))
    assert (
        published.main([str(folder), "--ranks", "1"], models=(model(differs, fails, changed),))
        == 1
    )
    rows = [
        line for line in capfd.readouterr().out.splitlines() if line.startswith("| tiny.py")
    ]
    assert "box k 0: a relative 0.02" in rows[1]
    assert "k.npy: a relative 0.02" in rows[1]
    assert "progress.txt" in rows[1]
    assert "status 1: ZeroDivisionError" in rows[3]
    assert (
        "tiny.py has no 'Ncell = 601', which makes the model smaller: it is another version"
        in rows[4]
    )


def test_no_folder_is_an_error(tmp_path, capsys):
    assert published.main([str(tmp_path / "none")]) == 2
    assert f"no folder {tmp_path}/none" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, changed",
    [
        (
            "from neuron import h, crxd as rxd",
            "from ecsmpi import crxd as rxd\nfrom neuron import h",
        ),
        ("from neuron import rxd", "from ecsmpi import rxd"),
        (
            "    from neuron import n, rxd",
            "    from ecsmpi import rxd\n    from neuron import n",
        ),
        ("from neuron.crxd import rxdmath", "from ecsmpi.crxd import rxdmath"),
        ("from neuron.rxd.rxdmath import exp, log", "from ecsmpi.rxd.rxdmath import exp, log"),
        ("from neuron import h", "from neuron import h"),
        ("from netpyne import sim", "import ecsmpi.netpyne\nfrom netpyne import sim"),
        ("# from neuron import rxd", "# from neuron import rxd"),
    ],
)
def test_import_lines_change_by_a_rule(line, changed, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"{line}\nx = 1\n")
    said = change_imports(script)
    assert script.read_text() == f"{changed}\nx = 1\n"
    assert bool(said) == (line != changed)


def test_answers_disagree_where_numbers_shapes_or_pictures_do(tmp_path):
    expected = Answer(
        {"box k": np.array([1.0, 2.0]), "box na": np.zeros(3)}, {"k.png": tmp_path}, 1.0
    )
    same = Answer(expected.arrays, expected.files, 1.0)
    assert disagreements(same, expected, 1e-12) == (0.0, [])
    near = Answer(expected.arrays | {"box k": np.array([1.0, 2.0 + 2e-9])}, expected.files, 1.0)
    assert disagreements(near, expected, 1e-8)[1] == []
    assert disagreements(near, expected, 1e-10)[1] == ["box k: a relative 1e-09"]
    wrong = Answer({"box k": np.array([1.0, np.nan]), "box na": np.zeros(4)}, {}, 1.0)
    assert disagreements(wrong, expected, 1e-8)[1] == [
        "box k: a relative nan",
        "box na: (4,) where NEURON has (3,)",
        "k.png: no such picture",
    ]
    none = Answer({"box k": expected.arrays["box k"]}, expected.files, 1.0)
    assert disagreements(none, expected, 1e-8)[1] == ["box na: missing where NEURON has (3,)"]
