"""What any program finds in a file of frames, and how writing fails."""

import shutil

from ecsmpi.files.file_layout import CHUNK_BYTES, chunk_shape
from ecsmpi.files.output import GridFile
from ecsmpi.files.recording import load
import h5py
from hypothesis import given
from hypothesis import strategies as st
import netCDF4
import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline as Pipeline
from vtkmodules.vtkIOHDF import vtkHDFReader
import xarray

from support.frames import BOX, NAMES, TIMES, Alone, coded, expected, opened, storages, write
from support.long_form import long
from support.ranks import TESTS, mpirun

PROGRAMS = TESTS / "programs" / "files"
KINDS = [(ranks, storage) for ranks in (1, 2, 3) for storage in storages(ranks)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return {(ranks, storage): file} of the same frames.

    One of three ranks has no planes, the other two have theirs in reversed order.
    """
    files = {}
    for ranks in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        done = mpirun(ranks, ["python", TESTS / "support" / "frames.py", folder], timeout=60)
        assert done.returncode == 0, done.stderr
        files |= {(ranks, storage): folder / f"{storage}.h5" for storage in storages(ranks)}
    return files


def early_end(tmp_path, ranks, how, *arguments):
    program = PROGRAMS / "early_ends.py"
    return mpirun(ranks, ["python", program, tmp_path, how, *arguments], timeout=30)


# -- what other programs see


@pytest.mark.parametrize("kind", KINDS)
def test_vtk_sees_every_voxel_where_and_when_it_is(written, kind):
    reader = vtkHDFReader()
    reader.SetFileName(str(written[kind]))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == len(TIMES)
    assert reader.GetOutputInformation(0).Get(Pipeline.TIME_STEPS()) == TIMES
    for step in range(len(TIMES)):
        reader.SetStep(step)
        reader.Update()
        image = reader.GetOutputDataObject(0)
        assert image.GetExtent() == (0, 7, 0, 4, 0, 3)
        assert image.GetOrigin() == BOX.lo and image.GetSpacing() == BOX.spacing
        for name in NAMES:
            values = (
                vtk_to_numpy(image.GetCellData().GetArray(name))
                .reshape(3, 4, 7)
                .transpose(2, 1, 0)
            )
            np.testing.assert_array_equal(values, expected(name)[step])


@pytest.mark.parametrize("kind", KINDS)
def test_xarray_sees_fields_with_axes_and_units(written, kind):
    with xarray.open_dataset(written[kind], engine="h5netcdf") as data:
        assert data.k.dims == ("time", "z", "y", "x")
        assert (data.k.units, data.time.units, data.x.units) == ("mM", "ms", "um")
        np.testing.assert_array_equal(data.time, TIMES)
        np.testing.assert_array_equal(data.x, [-9, -7, -5, -3, -1, 1, 3])
        # One voxel by its coordinates: i = 5, j = 1, k = 2 at the second time.
        assert data.k.sel(time=0.5, x=1.0, y=9.5, z=112.5) == coded("k", 0.5)[5, 1, 2]
        for name in NAMES:
            np.testing.assert_array_equal(
                data[name].transpose("time", "x", "y", "z"), expected(name)
            )


@pytest.mark.parametrize("kind", KINDS)
def test_netcdf_library_sees_the_same_fields_with_unlimited_time(written, kind):
    with netCDF4.Dataset(written[kind]) as data:
        assert data.dimensions["time"].isunlimited()
        assert data["k"].dimensions == ("time", "z", "y", "x")
        for name in NAMES:
            np.testing.assert_array_equal(data[name][:].transpose(0, 3, 2, 1), expected(name))


def test_whole_tree_of_groups_opens_in_xarray(written):
    tree = xarray.open_datatree(written[3, "parts"], engine="h5netcdf")
    np.testing.assert_array_equal(tree["VTKHDF/Steps"]["Values"], TIMES)
    np.testing.assert_array_equal(tree["VTKHDF/Steps/CellDataOffsets"]["k"], [0, 1, 2])
    tree.close()


def test_only_ranks_with_planes_have_a_part(written):
    folder = written[3, "parts"].parent
    parts = sorted(path.name for path in folder.glob("*.rank*"))
    assert parts == ["parts.rank00000.h5", "parts.rank00002.h5"]


def test_provenance_says_how_the_file_came_about(written):
    with h5py.File(written[2, "parts"]) as file:
        attributes = dict(file.attrs)
    assert (attributes["ranks"], attributes["ecsmpi"], attributes["seed"]) == (2, "1.2.3", 7)
    assert attributes["species"] == "na, k" and "frames.py" in attributes["command"]
    assert list(attributes["box_lo_um"]) == list(BOX.lo) and list(
        attributes["box_hi_um"]
    ) == list(BOX.hi)


@given(shape=st.tuples(*[st.integers(1, 2000)] * 3), slabs=st.integers(1, 300))
def test_chunks_stay_small_and_waste_little(shape, slabs):
    chunks = chunk_shape(shape, -(-shape[0] // slabs))
    assert chunks[0] == 1 and 8 * np.prod(chunks) <= CHUNK_BYTES
    for chunk, count in zip(chunks[1:], shape[::-1]):
        pieces = -(-count // chunk)
        assert 1 <= chunk <= count and pieces * chunk < count + pieces


# -- while it is written, and after an early end


def test_reader_sees_each_frame_as_soon_as_it_is_appended(tmp_path):
    file, frames = opened(tmp_path / "k.h5", Alone(), "single")
    for count, t in enumerate(TIMES[:2], start=1):
        file.append(t, frames(t))
        seen = mpirun(
            None, ["python", PROGRAMS / "read_frames.py", tmp_path / "k.h5"], timeout=30
        )
        assert seen.stdout.split() == [str(count), str(expected("k")[:count].sum())], (
            seen.stderr
        )
    file.close()


def test_killed_job_leaves_the_frames_before(tmp_path):
    done = early_end(tmp_path, 2, "is_killed")
    assert done.returncode != 0
    for kind in storages(2):
        with load(tmp_path / f"{kind}.h5") as recording:
            np.testing.assert_array_equal(recording["k"], expected("k")[:2])


def test_new_run_replaces_an_old_file(tmp_path):
    for count in (3, 1):
        write(tmp_path / "k.h5", storage="parts", times=TIMES[:count])
    with load(tmp_path / "k.h5") as recording:
        np.testing.assert_array_equal(recording["k"], expected("k")[:1])


# -- failures


def test_missing_folder_is_the_same_error_on_every_rank_and_ends_the_job(tmp_path):
    done = early_end(tmp_path, 3, "has_no_folder")
    assert done.returncode != 0
    assert done.stdout.count("create it first") == len(storages(3)), done.stdout + done.stderr


def test_part_that_cannot_be_written_is_an_error_on_every_rank(tmp_path):
    done = early_end(tmp_path, 2, "cannot_write_a_part")
    assert done.stdout.count("k.rank00001.h5: [Errno 27] File too large") == 2, (
        done.stdout + done.stderr
    )


@pytest.mark.parametrize("storage", storages(2))
def test_full_disk_ends_all_ranks_with_the_file_named(tmp_path, storage):
    done = early_end(tmp_path, 2, "fills_the_disk", storage)
    assert done.returncode == 3
    assert (
        "OSError: cannot write" in done.stderr
        and "see that the disk has space left" in done.stderr
    )


def test_frame_without_room_leaves_the_frames_before_it_whole(tmp_path, monkeypatch):
    file, frames = opened(tmp_path / "k.h5", Alone(), "single")
    file.append(0.0, frames(0.0))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**6, 10**6, 100)
    )
    with pytest.raises(OSError, match=r"k\.h5: a frame takes .* bytes, the disk has 100 left"):
        file.append(0.5, frames(0.5))
    file.close()
    with load(tmp_path / "k.h5") as recording:
        np.testing.assert_array_equal(recording["k"], expected("k")[:1])


def test_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(OSError, match="it is a folder; give the name of a file"):
        opened(tmp_path, Alone(), "single")


@pytest.mark.parametrize(
    "t, fields, message",
    [
        (0.0, coded, "time must increase from frame to frame, got 0.0 ms after 0.0 ms"),
        (np.nan, coded, "time must increase"),
        (1.0, {"k": np.zeros(BOX.shape)}, "holds na, k; got k"),
        (
            1.0,
            {"k": np.zeros(BOX.shape), "na": np.zeros((7, 3, 4))},
            r"\(7, 4, 3\) voxels of na, got .*\(7, 3, 4\)",
        ),
    ],
)
def test_wrong_frame_is_refused_before_anything_is_written(tmp_path, t, fields, message):
    file, frames = opened(tmp_path / "k.h5", Alone(), "single")
    file.append(0.0, frames(0.0))
    with pytest.raises(ValueError, match=message):
        file.append(t, frames(t) if fields is coded else fields)
    file.append(0.5, frames(0.5))
    file.close()
    with load(tmp_path / "k.h5") as recording:
        np.testing.assert_array_equal(recording["na"], expected("na")[:2])


def test_closed_file_stays_closed(tmp_path):
    file, frames = opened(tmp_path / "k.h5", Alone(), "single")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="is closed: open a new GridFile"):
        file.append(0.0, frames(0.0))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"species": []}, "at least one species"),
        ({"species": ["k", "time"]}, "got 'time': rename it"),
        ({"species": ["k/o"]}, "got 'k/o': rename it"),
        ({"species": ["k", "k"]}, "must have different names"),
        ({"planes": (0, 6)}, r"must cover 0 to 7 once, got \[\(0, 6\)\]"),
        ({"planes": (5, 2)}, "must cover 0 to 7 once"),
        ({"storage": "both"}, "must be one of auto, single, parts, got 'both'"),
    ],
)
def test_wrong_description_is_refused(tmp_path, changes, message):
    description = {"species": ["k"], "planes": (0, 7), "storage": "single"} | changes
    with pytest.raises(ValueError, match=message):
        GridFile(tmp_path / "k.h5", BOX, comm=Alone(), **description)
    assert not list(tmp_path.iterdir())


class Two(Alone):
    """A communicator as the first of two ranks sees it, which agree."""

    size = 2

    def allgather(self, value):
        return [(0, 5), (5, 7)] if value == (0, 5) else [value, value]


def test_several_ranks_need_parallel_hdf5_for_one_file_and_write_parts_without(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(h5py, "get_config", lambda: type("Config", (), {"mpi": False}))
    monkeypatch.delenv("ECSMPI_STORAGE", raising=False)
    with pytest.raises(ValueError, match="needs an h5py built with MPI"):
        GridFile(tmp_path / "k.h5", BOX, ["k"], (0, 5), Two(), storage="single")
    GridFile(tmp_path / "k.h5", BOX, ["k"], (0, 5), Two()).close()
    assert (tmp_path / "k.rank00000.h5").is_file()


def test_environment_decides_what_auto_storage_is(tmp_path, monkeypatch):
    monkeypatch.setenv("ECSMPI_STORAGE", "parts")
    write(tmp_path / "k.h5", storage="auto")
    assert (tmp_path / "k.rank00000.h5").is_file()


@pytest.mark.parametrize("value", [object(), np.zeros((30, 30, 30))])
def test_attribute_that_hdf5_cannot_hold_is_an_error_that_names_it(tmp_path, value):
    with pytest.raises(ValueError, match="attribute 'model'"):
        GridFile(tmp_path / "k.h5", BOX, ["k"], (0, 7), Alone(), {"model": value})


@pytest.mark.parametrize("planes, size", [(5, 30), long(272, 1000)])
def test_a_rank_may_write_more_than_two_gigabytes_of_a_frame(planes, size, tmp_path):
    """271 planes of a million voxels are 2.17 GB, more than the 2**31 bytes that an int counts."""
    path = tmp_path / "k.h5"
    argv = ["python", PROGRAMS / "large_frame.py", path, planes, size]
    done = mpirun(2, argv, timeout=400)
    assert done.returncode == 0, done.stderr
    numbers = np.arange(0, planes * size**2, size, dtype=float).reshape(planes, size)
    with h5py.File(path) as file:
        for z in (0, size // 2, size - 1):
            assert np.array_equal(file["k"][0, z], numbers.T + z)
    path.unlink()
