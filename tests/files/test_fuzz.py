"""A file that is damaged anywhere is read whole, or refused by an error that names it.

There is no crash, no hang and no other exception. `ECSMPI_FILES=2000` damages so many files;
without it few.
"""

import os

from ecsmpi.description.grid import Box
from ecsmpi.description.profiles import FileProfile
import h5py
import numpy as np
import pytest

from support.fuzzing import outcomes
from support.ranks import ROOT, TESTS, mpirun

FILES = int(os.environ.get("ECSMPI_FILES", 20))
PROGRAMS = TESTS / "programs" / "files"


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    assert mpirun(None, ["python", PROGRAMS / "fuzzed_run.py"], cwd=folder).returncode == 0
    return folder / "k.h5"


def status_of(action, *arguments):
    """Return 0 where an action succeeds, 1 where it raises an error as it should."""
    try:
        return min(action(*arguments) or 0, 1)
    except (OSError, ValueError):
        return 1


def test_fuzz_frames(frames, tmp_path):
    from ecsmpi.cli import main

    def verify(path):
        return status_of(main, ["verify", str(path)])

    assert main(["verify", str(frames)]) == 0  # also imports what the children need
    whole, refused, odd = outcomes(verify, frames.read_bytes(), tmp_path / "k.h5", FILES // 2)
    assert not odd and whole and refused >= FILES // 10, (whole, refused, odd)


def test_fuzz_info(frames, tmp_path):
    from ecsmpi.cli import main

    def info(path):
        return status_of(main, ["info", str(path)])

    assert main(["info", str(frames)]) == 0
    whole, refused, odd = outcomes(info, frames.read_bytes(), tmp_path / "k.h5", FILES // 2)
    assert not odd and whole and refused, (whole, refused, odd)


def test_fuzz_arrays(tmp_path):
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (5, 4, 3))
    path = tmp_path / "alpha.h5"
    with h5py.File(path, "w") as file:
        file["alpha"] = np.full(box.shape, 0.2)

    def planes(path):
        values = FileProfile(path, "alpha").planes(box, 0, 5)
        assert values.shape == box.shape

    def read(path):
        return status_of(planes, path)

    whole, refused, odd = outcomes(read, path.read_bytes(), tmp_path / "damaged.h5", FILES // 2)
    assert not odd and whole and refused, (whole, refused, odd)


def test_fuzz_morphologies(tmp_path):
    """NEURON makes cells of the morphologies that the example's check lets pass."""
    example = (ROOT / "scripts" / "ca1_potassium.py").read_text().split("parser = ")[0]
    example = example.replace("from ecsmpi import rxd", "")
    place = str(ROOT / "scripts" / "x")
    (tmp_path / "loads.py").write_text(example.replace("__file__).resolve()", f"{place!r})"))
    done = mpirun(
        None,
        ["python", PROGRAMS / "fuzzed_morphologies.py", FILES // 2],
        cwd=tmp_path,
        timeout=120 + FILES,
        env={"PYTHONPATH": os.pathsep.join(map(str, (tmp_path, ROOT, TESTS)))},
    )
    assert done.returncode == 0, done.stdout + done.stderr
