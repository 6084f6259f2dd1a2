"""Pointers to nodes are recorded, set, played into and written to, as in NEURON."""

from pathlib import Path
import shutil
import subprocess
import sys

from ecsmpi.run.differing_writes import Part, apply_apart
import numpy as np
import pytest

from support.long_form import long
from support.neuron_reference import disagreements
from support.programs import PROGRAMS
from support.ranks import mpirun

RXD = PROGRAMS / "rxd"
SET = RXD / "pointers_set.py"
WITHOUT = RXD / "pointers_without_cells.py"
OTHERWISE = RXD / "set_otherwise.py"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder with the mechanism that writes through a pointer."""
    folder = tmp_path_factory.mktemp("setter")
    shutil.copy(RXD / "setter.mod", folder)
    subprocess.run(
        [Path(sys.executable).parent / "nrnivmodl"], cwd=folder, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def in_neuron(compiled):
    """What the program finds in NEURON."""
    return saved(None, compiled, SET, "neuron")


def saved(ranks, folder, program, *arguments):
    """Arrays that a program saves."""
    path = folder / "result.npz"
    path.unlink(missing_ok=True)
    done = mpirun(ranks, ["python", program, path, *arguments], cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        return dict(found) | {"said": done.stdout}


@pytest.mark.parametrize("ranks", [long(None), 2, long(3)])
def test_what_is_set_through_pointers_reaches_the_voxels_as_in_neuron(
    ranks, in_neuron, compiled
):
    found = saved(ranks, compiled, SET)
    wanted = {name: array for name, array in in_neuron.items() if name != "said"}
    assert wanted["tracer 5"].size == 17
    assert abs(wanted["seen"][4] - 44) < 1e-12  # NEURON has the mechanism, and 44
    assert not (said := disagreements({name: found[name] for name in wanted}, wanted, 1e-13)), (
        said
    )


@pytest.mark.parametrize("ranks", [long(2), 3])
def test_rank_without_sections_takes_pointers_in_mid_run(ranks, tmp_path):
    alone = saved(None, tmp_path, WITHOUT)
    assert alone["states"][5, 1, 1] > 5 > alone["states"][5].mean()
    found = saved(ranks, tmp_path, WITHOUT)
    for name in ("states", "again"):
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-12, err_msg=name)


@pytest.mark.long  # in every run: a rank without sections takes pointers
def test_a_run_without_sections_goes_on_from_a_checkpoint_taken_after_that(tmp_path):
    first = saved(2, tmp_path, WITHOUT, tmp_path / "checkpoints")
    assert "begins at 0\n" in first["said"]
    again = saved(2, tmp_path, WITHOUT, tmp_path / "checkpoints")
    assert "begins at 0.1\n" in again["said"]


@pytest.mark.parametrize("ranks", [long(None), 2, long(3)])
def test_what_is_set_in_other_ways_does_what_it_does_in_neuron(ranks, tmp_path):
    """At segments, by handlers, events, parameters, ions' defaults and transfers between ranks."""
    wanted = saved(None, tmp_path, OTHERWISE, "neuron")
    wanted.pop("said")
    assert len(wanted) == 22
    found = saved(ranks, tmp_path, OTHERWISE)
    said = disagreements({name: found[name] for name in wanted}, wanted, 1e-12)
    assert not said, "\n".join(said)


# ---------------------------------------------------------------- which value counts where ranks
# differ


@pytest.mark.parametrize(
    "of_ranks, expected",
    [
        ([[(0, [0, 1], 5.0)], [(0, [1, 2], 6.0)]], [5, 6, 6]),  # the highest rank
        ([[(2, [0, 1], 5.0)], [(1, [1, 2], 6.0)]], [5, 5, 6]),  # the later step
        (
            [[(0, [0, 1], [4.0, 5.0]), (0, [1], 7.0)], [(0, [0, 1], [4.0, 5.0])]],
            [4, 7, 0],
        ),  # a call of all, then one's own
        ([[(0, [1, 1], [5.0, 7.0])], [(0, [1], 5.0)]], [0, 7, 0]),
        ([[(0, [1], 5.0), (0, [1], 7.0)], [(0, [1], 7.0)]], [0, 7, 0]),
        ([[(0, [1], 5.0), (1, [1], 6.0)], [(0, [1], 5.0), (0, [1], 9.0)]], [0, 6, 0]),
        ([[], [(0, [2], 1.0)]], [0, 0, 1]),
        ([[], []], [0, 0, 0]),
        ([[(0, [], np.zeros(0))], []], [0, 0, 0]),
        ([[(3, slice(0, 3), 2.0)], [(3, slice(0, 3), np.array([1.0, 2.0, 3.0]))]], [1, 2, 3]),
    ],
)
def test_which_value_counts(of_ranks, expected):
    parts = [[parted(*call) for call in calls] for calls in of_ranks]
    slab = np.zeros((3, 1, 1))
    apply_apart(parts, slab)
    assert slab.reshape(-1).tolist() == expected


def parted(moment, index, values, is_done=False):
    local = index if isinstance(index, slice) else np.array(index, dtype=np.int64)
    return Part(0, moment, is_done, local, np.array(values))


def test_planes_that_have_their_values_keep_what_the_script_has_written_since():
    slab = np.array([9.0, 9.0, 9.0]).reshape(3, 1, 1)
    apply_apart([[parted(0, [0, 1], 5.0, True)], []], slab)
    assert slab.reshape(-1).tolist() == [9, 9, 9]
    apply_apart([[parted(1, [0, 1], 5.0, True)], [parted(0, [1, 2], 6.0)]], slab)
    assert slab.reshape(-1).tolist() == [9, 9, 6]
    apply_apart([[parted(1, [0, 1], 5.0, True)], [parted(2, [1, 2], 7.0)]], slab)
    assert slab.reshape(-1).tolist() == [9, 7, 7]


@pytest.mark.parametrize("ranks, when", [(None, "step"), (3, "read"), long(None, "read")])
def test_pointer_set_to_nan_is_refused(ranks, when):
    done = mpirun(ranks, ["python", RXD / "pointers_not_finite.py", when])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("goes on") == (ranks or 1)


def test_pointer_set_to_nan_ends_a_step_of_several_ranks():
    done = mpirun(2, ["python", RXD / "pointers_not_finite.py", "step"])
    assert done.returncode == 1
    assert (
        "k is set to nan mM through the pointer (_ref_value) to voxel (3, 2, 1)" in done.stderr
    )
