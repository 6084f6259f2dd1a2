"""Checkpoints on the disk are whole or not there, and every byte is under a digest.

No MPI and no NEURON here.
"""

import errno
import os
import random
import shutil

from ecsmpi.files import checkpoint_folder, disk_errors
from ecsmpi.files.checkpoint_folder import CheckpointFolder
from ecsmpi.files.checkpoint_part import Damaged, PartWriter
from ecsmpi.files.checkpoint_part_reader import PartReader
from ecsmpi.files.manifest import Manifest
from ecsmpi.files.saved_checkpoint import SavedCheckpoint
from ecsmpi.run.checkpoint.walltime import seconds
from ecsmpi.run.resource_trends import ResourceTrends
from hypothesis import example, given
from hypothesis import strategies as st
import numpy as np
import pytest

from support.forged import write_manifest
from support.frames import Alone

FIELD = np.arange(7 * 3 * 4, dtype=float).reshape(7, 3, 4)
CELLS = bytes(range(256)) * 9000  # more than two rows


def fill(part):
    part.add_planes("box 0 k", FIELD, 0)
    part.add_bytes("cells", CELLS)
    part.add_bytes("nothing", b"")


def manifest(step=100, **changed):
    return Manifest(
        **{
            "model": {"box": ["a box"], "dt": 0.025},
            "t": 0.005 * step,
            "dt": 0.025,
            "step": step,
            "planes": [[[0, 7]]],
            "cell_fingerprints": ["c"],
            "gids": [[3, 5]],
            "without_gids": None,
            "connected": True,
            "vectors": [["spikes"]],
            "observers": [["output", "k.h5", [{"": 3}], [[0.0, 2]]]],
            "statements": [],
            **changed,
        }
    )


def written(folder, count=1, **options):
    sets = CheckpointFolder(Alone(), folder, **options)
    return [sets.write(manifest(100 * (i + 1)), fill) for i in range(count)]


def newest(folder):
    said = []
    return CheckpointFolder(Alone(), folder).newest(said.append), said


def test_planes_and_bytes_come_back(tmp_path):
    found = SavedCheckpoint(written(tmp_path)[0])
    found.verify()
    assert found.manifest == manifest() and found.ranks == 1
    part = found.part(0)
    assert part.read_bytes("cells") == CELLS and part.read_bytes("nothing") == b""
    assert part.planes("box 0 k") == (0, 7)
    out = np.full((4, 3, 4), -1.0)
    part.read_planes("box 0 k", out, 5)  # planes 5 to 8, of which 5 and 6 are here
    assert np.array_equal(out[:2], FIELD[5:]) and np.all(out[2:] == -1)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), max_size=5))
def test_any_sections_come_back(tmp_path_factory, sections):
    folder = tmp_path_factory.mktemp("part")
    arrays = {
        f"a{i}": np.random.default_rng(i).random((n, m, 2)) for i, (n, m) in enumerate(sections)
    }
    writer = PartWriter(folder / "p")
    for name, array in arrays.items():
        writer.add_planes(name, array, 0)
    reader = PartReader(folder / "p", writer.close())
    reader.verify()
    for name, array in arrays.items():
        out = np.empty_like(array)
        reader.read_planes(name, out, 0)
        assert np.array_equal(out, array)


def test_the_previous_set_is_kept_and_older_ones_go(tmp_path):
    paths = written(tmp_path, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in paths[2:]]
    assert newest(tmp_path)[0].path == paths[3]
    assert len(list(tmp_path.iterdir())) == 2
    written(
        tmp_path, 2, keep=5
    )  # another run, that began anew: its sets are newer, whatever their step
    assert newest(tmp_path)[0].path.name == "000006-step-200"


def test_what_a_killed_run_left_is_no_set_and_goes_with_the_next(tmp_path):
    (tmp_path / "000009-step-900.part").mkdir(parents=True)
    (tmp_path / "000009-step-900.part" / "rank00000").write_bytes(b"half")
    (tmp_path / "mine.part").mkdir()
    assert newest(tmp_path) == (None, [])
    path = written(tmp_path)[0]
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, "mine.part"]


@pytest.mark.parametrize("number", range(20))
def test_a_set_cut_anywhere_is_passed_over(number, tmp_path):
    before, last = written(tmp_path, 2)
    name = "manifest.json" if number % 4 == 0 else "rank00000"
    size = (last / name).stat().st_size
    os.truncate(last / name, (size * number) // 20)
    found, said = newest(tmp_path)
    assert found.path == before and last.name in said[0]


@pytest.mark.parametrize("number", range(50))
def test_a_flipped_byte_anywhere_is_found(number, tmp_path):
    before, last = written(tmp_path, 2)
    name, rng = "manifest.json" if number % 5 == 0 else "rank00000", random.Random(number)
    data = bytearray((last / name).read_bytes())
    at = (
        rng.randrange(len(data))
        if number % 2
        else len(data) - 1 - rng.randrange(min(len(data), 2000))
    )
    data[at] ^= 1 << rng.randrange(8)
    (last / name).write_bytes(data)
    found, said = newest(tmp_path)
    assert found.path == before and last.name in said[0]


def test_a_missing_part_is_found_and_with_no_whole_set_left_it_is_an_error(tmp_path):
    before, last = written(tmp_path, 2)
    (last / "rank00000").unlink()
    assert newest(tmp_path)[0].path == before
    (before / "manifest.json").write_text("{}")
    with pytest.raises(
        Damaged, match="none of the 2 checkpoints in .* is whole: start the run anew"
    ):
        newest(tmp_path)


@given(st.binary(max_size=300))
def test_no_bytes_pass_for_a_manifest(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("manifest")
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(Damaged):
        SavedCheckpoint(folder)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)


@example([])
@example({})
@example({"about": {}})
@example({"about": {}, "parts": []})
@given(JSON | st.fixed_dictionaries({"about": JSON, "parts": JSON}))
def test_no_json_passes_for_a_manifest(tmp_path_factory, body):
    """The digest is right, so that only checks of the structure can refuse the body."""
    folder = tmp_path_factory.mktemp("manifest")
    write_manifest(folder, body)
    with pytest.raises(Damaged, match="manifest.json") as refusal:
        SavedCheckpoint(folder)
    assert "is not what was written" not in str(refusal.value), "refused for its digest"


def test_nested_without_end_is_no_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text("[" * 1_000_000)
    with pytest.raises(Damaged):
        SavedCheckpoint(tmp_path)


def test_a_part_that_another_made_is_refused_however_well_formed(tmp_path):
    """The manifest has the digest of other bytes, and no name leads out of the folder."""
    path, other = written(tmp_path / "a")[0], written(tmp_path / "b")[0]
    part = PartWriter(tmp_path / "forged")
    part.add_bytes("../../outside", b"x")
    part.close()
    shutil.copy(tmp_path / "forged", path / "rank00000")
    with pytest.raises(Damaged):
        SavedCheckpoint(path).verify()
    assert SavedCheckpoint(other).part(0).path.parent == other


def test_a_full_disk_leaves_the_sets_before(tmp_path, monkeypatch):
    before = written(tmp_path)[0]

    def full(part):
        fill(part)
        monkeypatch.setattr(
            os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )

    with pytest.raises(
        OSError, match="No space left on device; see that the disk has space left"
    ):
        CheckpointFolder(Alone(), tmp_path).write(manifest(), full)
    monkeypatch.undo()
    assert newest(tmp_path)[0].path == before


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_that_cannot_sync_warns_once_and_takes_the_set(
    number, tmp_path, monkeypatch, capsys
):
    def refuses(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuses)
    monkeypatch.setattr(disk_errors, "_warned_of", set())
    paths = written(tmp_path, 2)
    assert newest(tmp_path)[0].path == paths[1]
    said = capsys.readouterr().err
    assert (
        said.count("cannot tell when data are on the disk") == 1 and os.strerror(number) in said
    )


def test_a_disk_that_fails_to_sync_is_an_error(tmp_path, monkeypatch):
    def fails(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="cannot write .*Input/output error"):
        written(tmp_path)


def test_a_folder_is_tried_and_left_as_it_was(tmp_path):
    written(tmp_path)
    before = sorted(tmp_path.iterdir())
    CheckpointFolder(Alone(), tmp_path).try_out()
    assert sorted(tmp_path.iterdir()) == before
    CheckpointFolder(Alone(), tmp_path / "new" / "one").try_out()
    assert list((tmp_path / "new" / "one").iterdir()) == []


def test_what_a_run_left_that_was_killed_while_it_tried_the_folder_goes_later(tmp_path):
    old, new = (tmp_path / f"{checkpoint_folder.PROBE}{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("")
    os.utime(old, (0, 0))
    path = written(tmp_path)[0]
    assert (
        sorted(tmp_path.iterdir()) == sorted([path, new]) and newest(tmp_path)[0].path == path
    )


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "sets").write_text("no folder")
    with pytest.raises(OSError, match="cannot write .*sets"):
        CheckpointFolder(Alone(), tmp_path / "sets").try_out()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("90", 90),
        (2.5, 2.5),
        ("90s", 90),
        ("15min", 900),
        ("2h", 7200),
        ("1.5h", 5400),
        ("1d", 86400),
        ("10:30", 630),
        ("23:50:00", 85800),
        ("1-02:00:00", 93600),
    ],
)
def test_times_are_read_as_people_write_them(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "0", "-5min", "15 parsecs", "1:2:3:4", "nan", "1.2.3"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a time must be such as 90s, 15min, 2h or 23:50:00"):
        seconds(text)


def test_growth_of_memory_and_slower_steps_are_told_with_the_rank(capsys):
    trends = ResourceTrends(3)
    for size in (1000e6, 1100e6, 1240e6):
        trends.judge_memory(int(size))
    for pace in (0.010, 0.012, 0.008, 0.015):
        trends.judge_pace(pace)
    assert capsys.readouterr().err == ""
    trends.judge_memory(int(1300e6))
    trends.judge_pace(0.017)
    said = capsys.readouterr().err
    assert "rank 3: memory has grown from 1,000 to 1,300 MB" in said
    assert "rank 3: computing a step takes 17 ms, it took 8 ms" in said
