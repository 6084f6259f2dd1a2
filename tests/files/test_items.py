"""A selection is what numpy selects of the box, in any storage and on any ranks.

It has its own place and its own times.
"""

import shutil

from ecsmpi.description.grid import Box
from ecsmpi.files.cadence import Cadence
from ecsmpi.files.items import Encoding, Field, Mean, Slice, Subvolume
from ecsmpi.files.recording import load
from ecsmpi.files.selection import Selection
from ecsmpi.run.observers.fields import Output
import h5py
from hypothesis import given
from hypothesis import strategies as st
import netCDF4
import numpy as np
import pytest
import xarray

from support.frames import BOX, Alone, coded, expected, storages
from support.long_form import long
from support.ranks import TESTS, mpirun
from support.selected import ITEMS, TIMES_OF, write

PROGRAM = TESTS / "programs" / "files" / "chosen_items.py"
KINDS = [(ranks, storage) for ranks in (1, 2, 3, 4) for storage in storages(ranks)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return {(ranks, storage): file} of the same frames and items.

    Some ranks have no planes, some have none of an item.
    """
    files = {}
    for ranks in (1, 2, 3, 4):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        done = mpirun(ranks, ["python", TESTS / "support" / "selected.py", folder], timeout=60)
        assert done.returncode == 0, done.stderr
        files |= {(ranks, storage): folder / f"{storage}.h5" for storage in storages(ranks)}
    return files


def selected(name):
    """Return (time, x, y, z) that numpy selects."""
    return np.stack([ITEMS[name][2](coded("k", t)) for t in TIMES_OF[name]])


@pytest.mark.parametrize("kind", KINDS)
def test_selections_are_what_numpy_selects(written, kind):
    with load(written[kind]) as recording:
        np.testing.assert_array_equal(recording["na"], expected("na"))
        assert list(recording.selections) == sorted(ITEMS)
        for name, (_, encoding, _) in ITEMS.items():
            found = recording.selections[name]
            np.testing.assert_array_equal(found.time, TIMES_OF[name])
            assert found["k"].dtype == encoding.precision
            limit = 1e-15 if encoding.precision == "float64" else 6e-8
            np.testing.assert_allclose(
                found["k"], selected(name), rtol=limit, atol=0, err_msg=name
            )


@pytest.mark.parametrize("kind", KINDS)
def test_other_programs_find_selections_where_and_when_they_are(written, kind):
    with xarray.open_dataset(written[kind], engine="h5netcdf", group="middle") as middle:
        assert middle.k.dims == ("time", "z", "y", "x") and (
            middle.k.units,
            middle.x.units,
        ) == (
            "mM",
            "um",
        )
        assert middle.k.sel(time=1.0, x=-1.0, y=12.5, z=107.5) == coded("k", 1.0)[4, 2, 1]
    with netCDF4.Dataset(written[kind]) as data:
        mean = data["mean_x"]
        assert (
            mean["k"].cell_methods == "x: mean"
            and mean.voxels == "mean over x"
            and mean["x"][:] == [-3.0]
        )
        assert mean.dimensions["time"].isunlimited()
        np.testing.assert_allclose(
            mean["k"][:].transpose(0, 3, 2, 1), selected("mean_x"), rtol=1e-15
        )
        np.testing.assert_array_equal(data["coarse"]["x"][:], [-9, -5, -1, 3])
        assert "slice at y = 15.5 um" in data["slice_y"].voxels


@pytest.mark.parametrize("kind", KINDS)
def test_compression_is_that_of_the_item_and_makes_files_smaller(written, kind):
    ranks, storage = kind
    path = (
        written[kind] if storage == "single" else written[kind].with_name("parts.rank00000.h5")
    )
    with h5py.File(path) as file:
        for name, (_, encoding, _) in ITEMS.items():
            if name in file and "k" in file[name]:
                assert (file[name]["k"].compression_opts or 0) == encoding.compression


def test_file_without_whole_boxes_has_its_selections(tmp_path):
    write(tmp_path / "k.h5", Alone(), "single", whole=())
    with load(tmp_path / "k.h5") as recording:
        assert recording.names == [] and len(recording) == 0 and recording.box == BOX
        assert recording.of(None) is recording.selections["coarse"]
        np.testing.assert_array_equal(recording.selections["slice_x"]["k"], selected("slice_x"))
        with pytest.raises(
            ValueError, match="has no selection 'middel'; it has coarse, corner"
        ):
            recording.of("middel")


def test_missing_part_of_a_selection_is_an_error(tmp_path):
    write(tmp_path / "k.h5", Alone(), "parts", whole=())
    shutil.move(tmp_path / "k.rank00000.h5", tmp_path / "elsewhere.h5")
    with pytest.raises(OSError, match="k.rank00000.h5 is missing"):
        load(tmp_path / "k.h5")


bounds = st.one_of(
    st.none(),
    st.tuples(st.floats(0, 8), st.floats(9, 17)),
    st.floats(0, 17),
    st.just(slice(1, 9)),
)


@given(
    x=bounds,
    y=bounds,
    stride=st.integers(1, 4),
    mean=st.sampled_from([None, *"xyz"]),
    cuts=st.sets(st.integers(0, 17)),
)
def test_slabs_together_have_every_selected_voxel_once(x, y, stride, mean, cuts):
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (17, 17, 2))
    whole = np.arange(17.0 * 17 * 2).reshape(box.shape)
    item = (
        Mean("k", axis=mean, x=x, y=y, stride=stride)
        if mean
        else Subvolume("k", x=x, y=y, stride=stride)
    )
    selection = item.selection(box)
    ends = sorted({0, 17} | cuts)
    slabs = list(zip(ends, ends[1:]))
    extracted = [selection.extract(whole[lo:hi], lo) for lo, hi in slabs]
    found = sum(extracted) if mean == "x" else np.concatenate(extracted)
    np.testing.assert_allclose(
        found, Selection(box, selection.ranges, mean).extract(whole, 0), rtol=1e-14
    )
    shares = [selection.planes(lo, hi) for lo, hi in slabs]
    assert sorted(p for lo, hi in shares for p in range(lo, hi)) == list(
        range(selection.grid.shape[0])
    )


def test_cadence_is_due_once_for_each_interval_whatever_the_steps():
    cadence = Cadence(0.1)
    cadence.begin(5.0)
    times = 5.0 + 0.025 * np.arange(1, 41)
    assert np.allclose([t for t in times if cadence.due(t)], 5.0 + 0.1 * np.arange(1, 11))
    cadence.begin(0.0)
    assert [cadence.due(t) for t in (0.35, 0.39, 0.4)] == [True, False, True]


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: Slice("k", z=99.9),
            "z = 99.9 um is outside the box, which goes from 100 to 115 um",
        ),
        (
            lambda: Subvolume("k", x=(5, 9)),
            r"x = \(5, 9\) has no voxel .* x goes from -10 to 4 um",
        ),
        (lambda: Subvolume("k", x=(-8.9, -7.1)), r"x = \(-8.9, -7.1\) has no voxel"),
        (
            lambda: Subvolume("k", y=slice(4, 9)),
            r"y = slice\(4, 9, None\) has no voxel .* y goes from 0 to 3",
        ),
        (lambda: Subvolume("k", y=slice(0, 4, 2)), "give the step as stride=2"),
        (lambda: Subvolume("k", x="left"), "x must be a number, .* got 'left'"),
        (lambda: Subvolume("k", x=(1, "b")), "x must be a number, got 'b'"),
        (
            lambda: Subvolume("k", stride=0),
            "stride must be a whole number of at least 1, got 0",
        ),
        (lambda: Subvolume("k", stride=(1, 1.5, 1)), "stride must be a whole number"),
        (lambda: Slice("k", z=(0, 1)), "a slice is at one number"),
        (lambda: Slice("k", z=0, x=0), "a slice is at one number"),
        (lambda: Mean("k", axis="r"), "axis must be x, y or z, got 'r'"),
        (lambda: Field("k", every=0), "every must be > 0 ms, got 0"),
        (
            lambda: Field("k", precision="float16"),
            "precision must be float64 or float32, got 'float16'",
        ),
        (
            lambda: Encoding(compression=10),
            "compression must be a whole number from 0 .* to 9, got 10",
        ),
        (
            lambda: Output("k.h5", 1, items=[Field("k", every=2), Field("na")]),
            "every = 2 for k, None for na: use an Output",
        ),
        (
            lambda: Output("k.h5", 1, species=["k"], items=[Field("na")]),
            "give species or items, not both",
        ),
    ],
)
def test_item_that_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        item = make()
        item.selection(BOX)


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_script_chooses_what_is_written(ranks, on_ranks, tmp_path):
    saved = on_ranks(ranks, PROGRAM, "ecsmpi", tmp_path)
    with load(tmp_path / "run.h5") as recording:
        np.testing.assert_allclose(recording.time, [0, 1, 2], atol=1e-9)
        np.testing.assert_array_equal(recording["k"], saved["k_ecs"][::2].astype("float32"))
        chosen = recording.selections
        assert sorted(chosen) == [
            "coarse",
            "k_slice_z",
            "k_slice_z_2",
            "na_mean_x",
            "na_slice_z",
        ]
        np.testing.assert_array_equal(chosen["k_slice_z"]["k"], saved["k_ecs"][:, :, :, 4:5])
        np.testing.assert_array_equal(chosen["k_slice_z_2"]["k"], saved["k_ecs"][:, :, :, 6:7])
        np.testing.assert_array_equal(chosen["na_slice_z"]["na"], saved["na_ecs"][:, :, :, 7:8])
        np.testing.assert_allclose(
            chosen["na_mean_x"]["na"],
            saved["na_ecs"][::4].mean(axis=1, keepdims=True),
            rtol=1e-14,
        )
        np.testing.assert_array_equal(
            chosen["coarse"]["k"], saved["k_ecs"][:, 4:11:2, ::2, ::2]
        )
    with load(tmp_path / "run.box1.h5") as recording:
        assert list(recording.selections) == ["k_slice_z"] and not recording.names
        np.testing.assert_array_equal(
            recording.selections["k_slice_z"]["k"], saved["k_far"][:, :, :, 4:5]
        )
