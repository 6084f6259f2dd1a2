"""What is read is what was written, at once or in pieces; and what cannot be read says why."""

import shutil

from ecsmpi.files.recording import load
import h5py
import numpy as np
import pytest

from support.frames import BOX, NAMES, TIMES, Alone, coded, expected, opened, write
from support.ranks import mpirun


@pytest.fixture(params=["single", "parts"])
def recording(request, tmp_path):
    write(tmp_path / "k.h5", storage=request.param)
    with load(tmp_path / "k.h5") as recording:
        yield recording


@pytest.fixture
def parts(tmp_path):
    """Write a file over one part; return both paths."""
    write(tmp_path / "k.h5", storage="parts")
    return tmp_path / "k.h5", tmp_path / "k.rank00000.h5"


def test_all_frames_come_back_in_the_order_time_x_y_z(recording):
    for name in NAMES:
        np.testing.assert_array_equal(recording[name], expected(name))


def test_one_frame_is_the_same_as_in_all_frames(recording):
    for index in (0, 2, -1, -3):
        np.testing.assert_array_equal(recording.frame("na", index), expected("na")[index])


@pytest.mark.parametrize(
    "axis, coordinate, layer",
    [
        ("x", -10.0, 0),
        ("x", 1.9, 5),
        ("y", 8.0, 1),
        ("z", 115.0, 2),
    ],
)
def test_layer_is_the_voxels_that_hold_the_coordinate(recording, axis, coordinate, layer):
    section = recording.section("k", 1, axis, at=coordinate)
    np.testing.assert_array_equal(section, coded("k", 0.5).take(layer, axis="xyz".index(axis)))


@pytest.mark.parametrize("axis", "xyz")
def test_section_without_a_coordinate_is_the_mean_over_the_axis(recording, axis):
    mean = coded("k", 1.0).mean(axis="xyz".index(axis))
    np.testing.assert_allclose(recording.section("k", -1, axis), mean, rtol=1e-15)


def test_series_is_one_voxel_through_time(recording):
    np.testing.assert_array_equal(
        recording.series("k", (1.0, 9.5, 112.5)), expected("k")[:, 5, 1, 2]
    )


def test_grid_times_names_and_provenance_come_back(recording):
    assert recording.box == BOX
    assert recording.names == list(NAMES) and "na" in recording and "cl" not in recording
    np.testing.assert_array_equal(recording.time, TIMES)
    np.testing.assert_array_equal(recording.y, [6.5, 9.5, 12.5, 15.5])
    assert recording.attributes["ecsmpi"] == "1.2.3" and recording.attributes["voxels"] == [
        7,
        4,
        3,
    ]


def test_nearest_frame_is_found_by_time(recording):
    assert [recording.index_at(time) for time in (0.0, 0.2, 0.3, 0.74, 0.76, 1.0)] == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]


@pytest.mark.parametrize(
    "question, message",
    [
        (lambda r: r["cl"], r"has no species 'cl'; it has na, k"),
        (lambda r: r.frame("k", 3), "has frames 0 to 2, got frame 3"),
        (lambda r: r.frame("k", -4), "got frame -4"),
        (lambda r: r.index_at(1.1), "time 1.1 ms is outside .* from 0 to 1 ms"),
        (
            lambda r: r.section("k", 0, "x", at=4.1),
            "x = 4.1 um is outside the box .* from -10 to 4 um",
        ),
        (lambda r: r.section("k", 0, "w"), "axis must be x, y or z, got 'w'"),
        (
            lambda r: r.series("k", (0.0, 4.9, 110.0)),
            "y = 4.9 um is outside the box .* from 5 to 17 um",
        ),
        (lambda r: r.series("k", (0.0, 6.0)), "three coordinates"),
        (lambda r: r.series("k", (0.0, 6.0, np.nan)), "z = nan um is outside"),
    ],
)
def test_question_without_an_answer_is_refused(recording, question, message):
    with pytest.raises(ValueError, match=message):
        question(recording)


def test_closed_recording_says_so(recording):
    recording.close()
    with pytest.raises(ValueError, match="is closed: load it again"):
        recording.frame("k", 0)


def test_file_without_frames_has_a_grid_and_no_frames(tmp_path):
    opened(tmp_path / "k.h5", Alone(), "single")[0].close()
    with load(tmp_path / "k.h5") as recording:
        assert len(recording) == 0 and recording["k"].shape == (0, 7, 4, 3)
        with pytest.raises(ValueError, match="has no frames yet"):
            recording.frame("k", 0)


def test_parts_are_found_beside_the_file_wherever_both_go(parts, tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    for path in parts:
        shutil.move(path, tmp_path / "new")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with load("../new/k.h5") as recording:
        np.testing.assert_array_equal(recording["k"], expected("k"))


def test_missing_part_is_an_error_that_names_it(parts):
    parts[1].unlink()
    with pytest.raises(OSError, match=r"part .*k\.rank00000\.h5 is missing"):
        load(parts[0])


def test_short_part_is_an_error_that_names_it(parts):
    with h5py.File(parts[1], "r+") as file:
        file["k"].resize(2, axis=0)
    with pytest.raises(OSError, match=r"part .*k\.rank00000\.h5 is short: 2 of 3 frames of k"):
        load(parts[0])


def test_part_of_another_run_is_an_error_that_names_it(parts, tmp_path):
    kept = shutil.copy(parts[1], tmp_path / "kept")
    write(parts[0], storage="parts")
    shutil.copy(kept, parts[1])
    with pytest.raises(OSError, match=r"part .*k\.rank00000\.h5 belongs to another run"):
        load(parts[0])


def test_truncated_file_is_called_truncated(tmp_path):
    write(tmp_path / "k.h5")
    with open(tmp_path / "k.h5", "r+b") as file:
        file.truncate(3000)
    with pytest.raises(
        OSError, match=r"k\.h5 is truncated: .* copy it again or run the simulation again"
    ):
        load(tmp_path / "k.h5")


def test_file_with_a_lost_field_is_called_damaged(tmp_path):
    write(tmp_path / "k.h5")
    with h5py.File(tmp_path / "k.h5", "r+") as file:
        del file["VTKHDF/Steps"]
    with pytest.raises(OSError, match=r"k\.h5 is damaged"):
        load(tmp_path / "k.h5")


def test_other_files_are_not_taken_for_frames(tmp_path):
    with pytest.raises(OSError, match="there is no file"):
        load(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("not HDF5" * 100)
    with pytest.raises(OSError, match="is not an HDF5 file"):
        load(tmp_path / "text.h5")
    h5py.File(tmp_path / "other.h5", "w").close()
    with pytest.raises(ValueError, match="is not a file of frames written by ecsmpi"):
        load(tmp_path / "other.h5")


def test_reading_starts_neither_mpi_nor_neuron(tmp_path):
    write(tmp_path / "k.h5")
    look = (
        "import sys; from ecsmpi.files.recording import load; load(sys.argv[1])['k']; "
        "print([name for name in ('mpi4py.MPI', 'neuron', 'numba') if name in sys.modules])"
    )
    done = mpirun(None, ["python", "-c", look, tmp_path / "k.h5"], timeout=30)
    assert done.stdout.strip() == "[]", done.stderr
