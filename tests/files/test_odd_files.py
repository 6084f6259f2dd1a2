"""Whole files are never called damaged, and odd ones are refused by a clear error.

Nothing hangs, and nothing strange is printed.
"""

import os
import re
import subprocess
import sys

import ecsmpi
from ecsmpi.cli import main
from ecsmpi.cli.child_process import read_in_child
from ecsmpi.description.grid import Box
from ecsmpi.description.profiles import FileProfile
from ecsmpi.files.items import Encoding
from ecsmpi.files.output import GridFile
from ecsmpi.files.parts import PartSource, virtual_field
from ecsmpi.files.recording import load
import h5py
import numpy as np
import pytest

from support.frames import BOX, Alone, write
from support.long_form import long
from support.ranks import ROOT, mpirun

MAIN = "import sys; from ecsmpi.cli import main; sys.exit(main())"
LITTLE_MEMORY = ROOT / "tests" / "programs" / "files" / "little_memory.py"


def command(capsys, *words):
    """Return the status of `ecsmpi WORDS`, and all that it printed."""
    status = main([str(word) for word in words])
    told = capsys.readouterr()
    return status, told.out + told.err


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Write a file whose two frames take 64 MB each, but little on the disk; one voxel differs."""
    path = tmp_path_factory.mktemp("large") / "k.h5"
    box = Box((0.0,) * 3, (1.0,) * 3, (200, 200, 200))
    file = GridFile(path, box, {"k": Encoding("float64", 1)}, (0, 200), Alone())
    field = np.full(box.shape, 3.0)
    field[150, 20, 199] = 7.0
    for t in (0.0, 1.0):
        file.append(t, {"k": field})
    file.close()
    return path


@pytest.mark.parametrize(
    "words, said", [("info", r"k +1 +3 +3 +7\n"), ("verify", "2 frames of k: whole")]
)
def test_whole_file_is_read_with_less_memory_than_a_frame(words, said, large):
    done = mpirun(None, ["python", LITTLE_MEMORY, 40, words, large])
    assert done.returncode == 0 and re.search(said, done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("words", ["info", "verify"])
def test_want_of_memory_is_no_damage(words, large):
    done = mpirun(None, ["python", LITTLE_MEMORY, 2, words, large])
    said = done.stdout + done.stderr
    assert (
        done.returncode in (1, 2)
        and "too little memory here to read" in said
        and "damaged" not in said
    ), said


def test_process_that_the_system_ends_lacked_memory(tmp_path):
    (tmp_path / "k.h5").write_bytes(b"")
    with pytest.raises(MemoryError, match="too little memory here to read .*k.h5"):
        read_in_child(lambda path: os.kill(os.getpid(), 9), tmp_path / "k.h5")
    with pytest.raises(MemoryError, match="too little memory here"):
        read_in_child(lambda path: np.zeros(1 << 50), tmp_path / "k.h5")


# -- what no run writes


def replaced(make):
    """Return a change of a file: the field k is made anew."""

    def change(file):
        del file["k"], file["VTKHDF/CellData/k"]
        make(file["VTKHDF/CellData"])

    return change


def shifted(file):
    file["x"][...] = file["x"][:] + 1.0


CHANGES = {
    "k has the shape (3, 3, 4, 6), expected (frames, 3, 4, 7)": replaced(
        lambda group: group.create_dataset("k", data=np.zeros((3, 3, 4, 6)))
    ),
    "k has the shape (3,), expected": replaced(
        lambda group: group.create_dataset("k", data=np.zeros(3))
    ),
    "it has 2 of 3 frames of k": replaced(
        lambda group: group.create_dataset("k", data=np.zeros((2, 3, 4, 7)))
    ),
    "k has numbers of the type int32": replaced(
        lambda group: group.create_dataset("k", data=np.zeros((3, 3, 4, 7), "i4"))
    ),
    "k has numbers of the type |S8": replaced(
        lambda group: group.create_dataset("k", data=np.zeros((3, 3, 4, 7), "S8"))
    ),
    "k has numbers of the type [('a'": replaced(
        lambda group: group.create_dataset(
            "k", data=np.zeros((3, 3, 4, 7), [("a", "f8"), ("b", "i4")])
        )
    ),
    "k has numbers of the type complex128": replaced(
        lambda group: group.create_dataset("k", data=np.zeros((3, 3, 4, 7), complex))
    ),
    "k is in other files": replaced(
        lambda group: group.create_dataset("k", (3, 3, 4, 7), "f8", external="raw")
    ),
    "the parts of k do not have all of its 7 planes": replaced(
        lambda group: virtual_field(
            group,
            "k",
            BOX.shape,
            [PartSource("k.rank00000.h5", "k", 0, 3), PartSource("k.rank00000.h5", "k", 3, 6)],
            Encoding(),
        )
    ),
    "points to '../k.rank00000.h5', which is not beside it": replaced(
        lambda group: virtual_field(
            group, "k", BOX.shape, [PartSource("../k.rank00000.h5", "k", 0, 7)], Encoding()
        )
    ),
}


@pytest.mark.parametrize("said", CHANGES)
def test_field_that_no_run_writes_is_refused_by_all(said, tmp_path, capsys):
    path = tmp_path / "k.h5"
    write(path)
    with h5py.File(path, "r+") as file, h5py.File(tmp_path / "k.rank00000.h5", "w") as part:
        part.attrs["run"] = file.attrs["run"]
        part["k"] = np.zeros((3, 3, 4, 3))
        CHANGES[said](file)
    with pytest.raises((OSError, ValueError)) as error:
        load(path)
    assert said in str(error.value) and str(path) in str(error.value)
    for word in ("plot", "info", "verify"):
        status, told = command(
            capsys, word, path, *(["--species", "k"] if word == "plot" else [])
        )
        assert status in (1, 2) and said in told and "Traceback" not in told


def test_axis_that_is_not_that_of_the_voxels_is_found(tmp_path, capsys):
    write(tmp_path / "k.h5")
    with h5py.File(tmp_path / "k.h5", "r+") as file:
        shifted(file)
    status, told = command(capsys, "verify", tmp_path / "k.h5")
    assert status == 1 and "its axis x is not that of its voxels" in told


@pytest.mark.parametrize("where", ["part", long("link"), "linked part", long("file")])
def test_pipe_is_not_waited_for(where, tmp_path):
    write(tmp_path / "k.h5", storage="parts")
    path, part = tmp_path / "k.h5", tmp_path / "k.rank00000.h5"
    if where == "part":
        part.unlink()
        os.mkfifo(part)
    elif where == "file":
        path.unlink()
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "pipe")
        with h5py.File(path if where == "link" else part, "r+") as file:
            file["more"] = h5py.ExternalLink("pipe", "/k")
    for word in ("verify", "info", "plot"):
        done = mpirun(None, ["ecsmpi", word, path], timeout=30)
        assert done.returncode in (1, 2) and (
            "is missing" in done.stdout + done.stderr or "pipe" in done.stdout + done.stderr
        )


def test_control_characters_of_a_file_are_shown_not_sent(tmp_path, capsys):
    path = tmp_path / "k.h5"
    write(path)
    with h5py.File(path, "r+") as file:
        file.attrs["title"] = "\x1b]0;owned\x07 \x1b[2J\nsecond"
        file.attrs["\x1b[31m"] = np.bytes_(b"\xe9\x9b")
        file.move("VTKHDF/CellData/k", "VTKHDF/CellData/k\x1b[5m")
    for words in (["info", path], ["verify", path], ["plot", path, "--species", "absent"]):
        _, told = command(capsys, *words)
        assert not [one for one in told if not one.isprintable() and one != "\n"], told
        assert words[0] == "verify" or r"\x1b[5m" in told
    _, told = command(capsys, "info", path)
    assert r"\x1b]0;owned\x07 \x1b[2J\nsecond" in told


def test_reader_that_goes_is_no_error(tmp_path):
    write(tmp_path / "k.h5")
    program = ROOT / "tests" / "programs" / "files" / "reader_that_goes.py"
    done = mpirun(None, ["python", program, tmp_path / "k.h5"])
    assert done.stderr == "" and done.returncode == 141, done.stderr


# -- beside other programs


def test_array_of_a_file_that_another_handle_locks_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["alpha"] = np.full(BOX.shape, 0.2)
        file.flush()
        assert (FileProfile(tmp_path / "a.h5", "alpha").planes(BOX, 2, 4) == 0.2).all()


def test_report_is_told_from_a_recording(tmp_path):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.attrs.update({"format": "ecsmpi report 1", "variable": "v"})
    how = r"libsonata.ElementReportReader\('.*v.h5'\)"
    with pytest.raises(
        ValueError, match=f"holds a report of 'v' of cells in SONATA's format.*{how}"
    ):
        ecsmpi.load(tmp_path / "v.h5")
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file.attrs["format"] = "ecsmpi spikes 1"
    with pytest.raises(ValueError, match=r"holds spikes of cells.*SpikeReader"):
        ecsmpi.load(tmp_path / "s.h5")
    with pytest.raises(OSError, match="is a folder"):
        ecsmpi.load(tmp_path)


def test_recording_shows_what_info_prints(tmp_path, capsys):
    write(tmp_path / "k.h5")
    recording = ecsmpi.load(tmp_path / "k.h5")
    assert command(capsys, "info", tmp_path / "k.h5") == (0, repr(recording) + "\n")
    recording.close()
    assert "is closed: load it again" in repr(recording)
    assert "load" in dir(ecsmpi)


@pytest.mark.parametrize("storage", ["single", "parts"])
def test_file_has_the_name_that_the_user_says(storage, tmp_path, capsys):
    path = tmp_path / "k.vtkhdf"
    write(path, storage=storage)
    write(tmp_path / "k.h5", storage=storage, times=(0.0,))
    assert len(load(path)) == 3 and command(capsys, "plot", path)[0] == 0
    status, told = command(capsys, "verify", tmp_path)
    assert status == 0 and told.count(": whole") == 2


def test_names_beyond_ascii_are_printed_to_a_terminal_of_ascii_alone(tmp_path):
    box = Box((0.0,) * 3, (1.0,) * 3, (2, 2, 2))
    file = GridFile(tmp_path / "k.h5", box, {"γ": Encoding("float64", 0)}, (0, 2), Alone())
    file.append(0.0, {"γ": np.ones(box.shape)})
    file.close()
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "info", tmp_path / "k.h5"],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONPATH": str(ROOT),
        },
    )
    assert done.returncode == 0, done.stderr
    assert "\\u03b3" in done.stdout
