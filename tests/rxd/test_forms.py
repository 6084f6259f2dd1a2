"""Unusual forms mean what they mean in NEURON; what nobody takes is an error with its cure."""

import pytest

from support.long_form import long
from support.neuron_reference import disagreements
from support.programs import PROGRAMS
from support.ranks import mpirun


@pytest.mark.parametrize(
    "across",
    [
        pytest.param((), id="NEURON's reactions inside"),
        long(("across",), id="ecsmpi's reactions inside"),
    ],
)
def test_forms_mean_what_they_mean_in_neuron(on_ranks, across, request):
    """A dict or a late State as tissue, late regions, regions=[], numpy's numbers.

    NEURON differences rates: 4e-12 here.
    """
    expected = on_ranks(None, PROGRAMS / "rxd" / "forms.py", "neuron", *across)
    for ranks in (1, 3) if request.config.getoption("--long") else (3,):
        found = on_ranks(ranks, PROGRAMS / "rxd" / "forms.py", "ecsmpi", *across)
        assert not (said := disagreements(found, expected, 1e-11)), said


@pytest.mark.parametrize("ranks", [long(1), 2])
def test_names_that_nobody_has_are_told_and_names_that_are_not_ascii_are_written(
    on_ranks, tmp_path, ranks
):
    on_ranks(ranks, PROGRAMS / "rxd" / "names.py")
    done = mpirun(None, ["ecsmpi", "verify", tmp_path / "run0.npz.h5"])
    assert done.returncode == 0 and "κ naïve" in done.stdout and "Ça" in done.stdout, (
        done.stdout + done.stderr
    )
