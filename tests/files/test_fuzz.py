"""Files that are damaged anywhere are read whole or end in an error that names them: no crash, no
hang, no other exception.

`ECSMPI_FILES=2000` damages so many; without it few. Each is read in a process of its own, for
HDF5's library may crash.
"""

import os
from pathlib import Path
import random
import resource
import subprocess
import sys

import numpy as np
import pytest

from support.ranks import ROOT, mpirun

FILES = int(os.environ.get("ECSMPI_FILES", 20))
SECONDS = 60  # of computing: what takes longer hangs

RUN = """
from ecsmpi import rxd
from neuron import n
ecs = rxd.Extracellular(0, 0, 0, 20, 20, 20, dx=5)
k = rxd.Species(ecs, name="k", charge=1, d=1, initial=lambda node: 3 + node.x3d)
output = rxd.Output("k.h5", every=0.1, items=[rxd.Field(k, compression=4), rxd.Slice(k, z=3), rxd.Mean(k, axis="x")])
watch = rxd.Diagnostics(k, every=0.1, threshold=5, balance=True, output=output)
n.dt = 0.1
n.finitialize(-65)
for _ in range(8):
    n.fadvance()
"""


def damaged(data, number):
    """The bytes cut, or some of them changed, in a way that the number tells."""
    rng, data = random.Random(number), bytearray(data)
    if number % 5 == 0:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data) if number % 2 else min(len(data), 30_000))
        data[at] = rng.choice([0, 255, data[at] ^ (1 << rng.randrange(8)), rng.randrange(256)])
    return bytes(data)


def apart(action, *arguments):
    """What became of an action in a process of its own: its exit status (0 whole, 1 an error as
    there should be), or what is wrong.
    """
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        status = 99
        try:
            status = action(*arguments)
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return f"signal {os.WTERMSIG(ended)}" if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)


def outcomes(action, data, path, count):
    """How often a damaged file was whole and was refused; else what happened to it, by its number."""
    found = {}
    for number in range(count):
        path.write_bytes(damaged(data, number))
        found[number] = apart(action, path)
    odd = {number: what for number, what in found.items() if what not in (0, 1)}
    return list(found.values()).count(0), list(found.values()).count(1), odd


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    (folder / "run.py").write_text(RUN)
    assert mpirun(None, ["python", "run.py"], cwd=folder).returncode == 0
    return folder / "k.h5"


def told(action, *arguments):
    """A status: 0 where it is done, 1 where it says what is wrong."""
    try:
        return min(action(*arguments) or 0, 1)
    except (OSError, ValueError):
        return 1


def test_fuzz_frames(frames, tmp_path):
    from ecsmpi.cli import main

    assert main(["verify", str(frames)]) == 0  # also imports what the children need
    whole, refused, odd = outcomes(
        lambda path: told(main, ["verify", str(path)]),
        frames.read_bytes(),
        tmp_path / "k.h5",
        FILES // 2,
    )
    assert not odd and whole and refused >= FILES // 10, (whole, refused, odd)


def test_fuzz_info(frames, tmp_path):
    from ecsmpi.cli import main

    assert main(["info", str(frames)]) == 0
    whole, refused, odd = outcomes(
        lambda path: told(main, ["info", str(path)]),
        frames.read_bytes(),
        tmp_path / "k.h5",
        FILES // 2,
    )
    assert not odd and whole and refused, (whole, refused, odd)


def test_fuzz_arrays(tmp_path):
    from ecsmpi.description.grid import Box
    from ecsmpi.description.profiles import FileProfile
    import h5py

    box, path = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (5, 4, 3)), tmp_path / "alpha.h5"
    with h5py.File(path, "w") as file:
        file["alpha"] = np.full(box.shape, 0.2)

    def read(path):
        values = FileProfile(path, "alpha").planes(box, 0, 5)
        assert values.shape == box.shape

    whole, refused, odd = outcomes(
        lambda path: told(read, path), path.read_bytes(), tmp_path / "damaged.h5", FILES // 2
    )
    assert not odd and whole and refused, (whole, refused, odd)


def test_fuzz_morphologies(tmp_path):
    """NEURON makes cells of what the example's check lets pass."""
    (tmp_path / "fuzz.py").write_text(MORPHOLOGIES)
    script = (
        (ROOT / "scripts" / "ca1_potassium.py")
        .read_text()
        .split("parser = ")[0]
        .replace("from ecsmpi import rxd", "")
    )
    (tmp_path / "loads.py").write_text(
        script.replace("__file__).resolve()", f"{str(ROOT / 'scripts' / 'x')!r})")
    )
    done = subprocess.run(
        [sys.executable, "fuzz.py", str(FILES // 2)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{ROOT / 'tests'}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


MORPHOLOGIES = """
import sys
from pathlib import Path
import numpy as np
from loads import load_cell, n, padded_bounds
from test_fuzz import outcomes

points = ["# a cell", "1 1 0 0 0 6 -1", "2 1 8 0 0 6 1"]
points += [f"{i} {3 + i % 2} {8 + 3.5 * i} {i % 7} {i % 5} 0.5 {i - 1 if i % 9 else 2}" for i in range(3, 60)]

def load(path):
    try:
        load_cell(path)
    except SystemExit as error:
        return 1 if "is no morphology" in str(error) else 98
    low, high = padded_bounds()
    return 0 if np.isfinite([low, high]).all() and sum(1 for _ in n.allsec()) else 97

whole, refused, odd = outcomes(load, "\\n".join(points).encode(), Path("cell.swc"), int(sys.argv[1]))
assert not odd and whole and refused, (whole, refused, odd)
"""
