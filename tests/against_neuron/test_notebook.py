"""`scripts/test-neuron-suite --notebook` runs a notebook's cells beside NEURON.

It compares the boxes after each.
"""

import numpy as np
import pytest

from support import neuron_suite
from support.notebook import agreement
from support.programs import PROGRAMS

TUTORIAL = PROGRAMS / "against_neuron" / "tiny_notebook" / "tutorial.ipynb"


@pytest.mark.long  # in every run: a notebook that fails, and boxes that differ
def test_cells_with_commands_downloads_and_animations_agree_with_neuron_on_1_and_2_ranks(
    capsys,
):
    assert (
        neuron_suite.main(["--notebook", str(TUTORIAL), "--ranks", "1", "2", "--frames", "3"])
        == 0
    )
    said = capsys.readouterr().out.splitlines()
    for line, ranks in zip(said, ("1 rank", "2 ranks"), strict=True):
        assert line.startswith(
            f"tutorial.ipynb on {ranks}: all cells run; 2 with boxes agree with NEURON to "
        )


def test_a_notebook_that_fails_says_why(tmp_path, capsys):
    (tmp_path / "no_file.ipynb").write_text(TUTORIAL.read_text())
    assert (
        neuron_suite.main(["--notebook", str(tmp_path / "no_file.ipynb"), "--ranks", "1"]) == 1
    )
    said = capsys.readouterr().out
    assert (
        "the notebook downloads leak.mod: put it into a folder, and name that by --files"
        in said
    )
    assert neuron_suite.main(["--notebook", str(tmp_path / "none.ipynb")]) == 2


def test_boxes_that_differ_are_an_error():
    expected = {
        "cell 3, k": np.array([1.0, 2.0]),
        "cell 4, k": np.zeros(2),
        "cell 4, gone": np.ones(2),
    }
    same = {name: array for name, array in expected.items() if name != "cell 4, gone"}
    assert agreement(same, expected) == (
        "all cells run; 2 with boxes agree with NEURON to 0.0e+00 (none)",
        False,
    )
    assert agreement(same | {"cell 3, k": np.array([1.0, 2.1])}, expected)[1]
    assert agreement(same | {"cell 4, k": np.array([0.0, np.nan])}, expected)[1]
    assert agreement({}, expected) == ("no cell has a box in both", True)
