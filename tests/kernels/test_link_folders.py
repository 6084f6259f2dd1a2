"""Folders that killed processes have left beside the libraries go, and no other does."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from ecsmpi.kernels.link_folders import LONG_AGO, link_folder
import pytest

from support.ranks import _environment, mpirun

HERE = os.uname().nodename


def left(parent, name, age=0.0):
    """Make a folder with a file in it, that many seconds ago."""
    folder = parent / name
    folder.mkdir()
    (folder / "0.o").write_bytes(b"object")
    then = time.time() - age
    os.utime(folder, (then, then))
    return folder


@pytest.fixture
def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_folder_is_named_after_its_process_and_goes_with_the_block(tmp_path):
    with link_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith(f"link-{HERE}-{os.getpid()}-")
    assert not list(tmp_path.iterdir())


def test_what_no_process_makes_any_more_goes(tmp_path, ended):
    left(tmp_path, f"link-{HERE}-{ended}-abcd")
    left(tmp_path, f"link-{HERE}-{os.getpid()}-abcd", LONG_AGO + 60)
    left(tmp_path, f"link-other-{ended}-abcd", LONG_AGO + 60)
    left(tmp_path, "link-abcd", LONG_AGO + 60)
    with link_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_what_a_process_has_left_that_nobody_waited_for_goes(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()
    while state_of(process.pid) != "Z":
        time.sleep(0.01)
    left(tmp_path, f"link-{HERE}-{process.pid}-abcd")
    with link_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    process.communicate()


def test_what_a_process_may_be_making_stays(tmp_path, ended):
    kept = [
        left(tmp_path, f"link-{HERE}-{os.getpid()}-abcd"),
        left(tmp_path, f"link-{HERE}-1-abcd"),
        left(tmp_path, f"link-{HERE}-{10**30}-abcd"),
        left(tmp_path, f"link-other-{ended}-abcd", LONG_AGO - 60),
        left(tmp_path, f"link-{HERE}x-{ended}-abcd"),
        left(tmp_path, "link-abcd", LONG_AGO - 60),
        left(tmp_path, "loops-abcd.so", LONG_AGO + 60),
    ]
    with link_folder(tmp_path):
        pass
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_the_next_start_removes_what_a_killed_compiler_has_left(tmp_path, monkeypatch):
    """The first start's linker hangs; the run and the process that compiles are killed."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    linker = tmp_path / "cc"
    linker.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    linker.chmod(0o755)
    model = tmp_path / "model.py"
    model.write_text("from ecsmpi import rxd\n")
    with subprocess.Popen([sys.executable, model], env=_environment({"PATH": tmp_path})) as run:
        folder = first_folder(cache / "ecsmpi")
        compiler = int(folder.name.split("-")[-2])
        (asleep,) = children_of(compiler)
        for process in (run.pid, compiler, asleep):  # the run would start another compiler
            os.kill(process, signal.SIGKILL)
    assert folder.is_dir()
    done = mpirun(None, ["python", model])
    assert done.returncode == 0, done.stderr
    assert not list((cache / "ecsmpi").glob("link-*"))


def state_of(process):
    """Return the letter of a process's state."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def children_of(process):
    """Wait until a process has started others, and return their numbers."""
    found = []
    while not found:
        found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        time.sleep(0.02)
    return [int(each) for each in found]


def first_folder(parent):
    """Wait until a process makes a library."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for folder in parent.glob("link-*"):
            return folder
        time.sleep(0.02)
    pytest.fail(f"no folder in {parent}")
