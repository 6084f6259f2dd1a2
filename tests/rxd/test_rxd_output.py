"""Output and progress of a script."""

import h5py
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

PROGRAM = PROGRAMS / "rxd" / "output.py"


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_output_of_a_script_holds_states3d(ranks, on_ranks, tmp_path):
    saved = on_ranks(ranks, PROGRAM, "ecsmpi", "holds_states3d", tmp_path)
    for name, species, states, frames, all_species in (
        ("all.h5", "k", "k_ecs", 5, {"k", "na"}),
        ("all.h5", "na", "na_ecs", 5, {"k", "na"}),
        ("all.box1.h5", "k", "k_far", 5, {"k"}),
        ("na.h5", "na", "na_ecs", 3, {"na"}),
        ("named.h5", "na", "na_ecs", 3, {"na"}),
    ):
        with h5py.File(tmp_path / name) as file:
            assert np.allclose(file["time"][:], np.linspace(0, 2, frames), rtol=1e-9, atol=1e-9)
            written = file["VTKHDF/CellData"][species][:].transpose(0, 3, 2, 1)
            assert np.array_equal(written, saved[states][:: (5 - 1) // (frames - 1)])
            assert set(file["VTKHDF/CellData"]) == all_species


@pytest.mark.parametrize("end", ["quit", "done"])
def test_output_is_whole_however_neuron_ends(end, tmp_path):
    done = mpirun(2, ["python", PROGRAM, "-", "ecsmpi", "ends", end], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "k.h5") as file:
        assert np.allclose(file["time"][:], [0, 0.5, 1])
        assert file["VTKHDF/CellData/k"].shape == (3, 12, 11, 15)
