"""Libraries of compiled loops: numba's bits without numba, and numba for all that they lack."""

from pathlib import Path

from ecsmpi.kernels import library
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun

PROGRAM = PROGRAMS / "kernels" / "loops.py"


def printed(*words):
    done = mpirun(None, ["python", PROGRAM, *words], env={"NUMBA_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_library_has_numbas_bits_and_needs_no_numba(tmp_path):
    path = tmp_path / "loops.so"
    with_numba, _ = printed("write", path)
    assert printed("load", path) == [with_numba, "False"]


def test_no_library_is_made_without_a_linker(tmp_path, monkeypatch):
    from ecsmpi.kernels import link

    monkeypatch.setattr(library, "LINKERS", ("no-such-linker",))
    libraries = link.Libraries()
    libraries.begin()
    with pytest.raises(link.NotLinked, match="no-such-linker"):
        libraries.write(tmp_path / "loops.so")
    assert not list(tmp_path.iterdir())


def test_a_library_that_has_been_cut_off_is_known(tmp_path):
    path = tmp_path / "loops.so"
    printed("write", path)
    assert library.is_whole(path)
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], bytes(len(whole))):
        path.write_bytes(content)
        assert not library.is_whole(path)
    assert not library.is_whole(tmp_path) and not library.is_whole(tmp_path / "missing.so")


def test_a_linker_that_fails_may_be_tried_again(tmp_path, monkeypatch):
    from ecsmpi.kernels import link

    (tmp_path / "cc").write_text("#!/bin/sh\necho no room >&2; exit 1\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    libraries = link.Libraries()
    libraries.begin()
    with pytest.raises(link.LinkerFailed, match="status 1: no room"):
        libraries.write(tmp_path / "loops.so")
    assert [each.name for each in tmp_path.iterdir()] == ["cc"]


@pytest.mark.parametrize("content", [None, b"no library"])
def test_what_is_no_library_is_not_loaded(tmp_path, content):
    path = Path(tmp_path / "loops.so")
    if content is not None:
        path.write_bytes(content)
    assert not library.load(path)
