"""Code compiled or generated at run time lies in folders that nobody else can write.

It is what was generated.
"""

import importlib.util
import os
import py_compile
import tempfile

from ecsmpi.ranks import code_folders
from ecsmpi.reactions import code_cache
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun

MODEL = PROGRAMS / "ranks" / "decaying.py"


def mode(folder):
    return os.stat(folder).st_mode & 0o777


def test_a_new_folder_is_for_its_user_alone(tmp_path):
    assert mode(code_folders.make_private(tmp_path / "parent" / "cache")) == 0o700
    assert code_folders.make_private(tmp_path / "parent" / "cache").is_dir()


@pytest.mark.parametrize("rights", [0o770, 0o707, 0o777, 0o1777, 0o720])
def test_a_folder_that_others_can_write_is_refused(tmp_path, rights):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(rights)
    with pytest.raises(code_folders.UnsafeFolder, match="others can write .*cache .*chmod 700"):
        code_folders.make_private(tmp_path / "cache")


def test_folders_in_it_count_where_others_reach_them(tmp_path):
    inner = tmp_path / "cache" / "solver"
    inner.mkdir(parents=True)
    inner.chmod(0o777)
    (tmp_path / "cache").chmod(0o755)
    with pytest.raises(code_folders.UnsafeFolder, match="solver"):
        code_folders.make_private(tmp_path / "cache")
    (tmp_path / "cache").chmod(0o700)
    code_folders.make_private(tmp_path / "cache")


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(tmp_path).st_uid + 1)
    monkeypatch.setattr(code_folders, "ROOT", -1)
    with pytest.raises(code_folders.UnsafeFolder, match="belongs to another user"):
        code_folders.make_private(tmp_path / "cache")


def test_without_any_folder_of_its_own_code_goes_to_a_private_one_of_the_machine(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(code_folders, "PACKAGE", code_folders.Path("/proc/nowhere"))
    told = code_folders.settle()
    (made,) = tmp_path.iterdir()
    assert f"compiled code is kept in {made}" in told
    assert os.environ["NUMBA_CACHE_DIR"] == str(made)
    assert mode(made) == 0o700
    assert code_folders.of_generated_code()[0] == made / "ecsmpi"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    made.chmod(0o777)  # somebody has been there first
    code_folders.settle()
    other = code_folders.Path(os.environ["NUMBA_CACHE_DIR"])
    assert other != made
    assert other.parent == tmp_path
    assert mode(other) == 0o700


def test_nothing_is_said_where_the_package_or_the_home_can_be_written(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(code_folders, "PACKAGE", code_folders.Path("/proc/nowhere"))
    assert code_folders.settle() == ""
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_what_is_loaded_is_what_was_generated_whatever_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    source = "# one of a test\nvalue = 'generated'\n"
    path = code_folders.Path(code_cache._path_of("probe.py", source))
    assert mode(path.parent) == 0o700
    stamp = path.stat()
    name = code_cache.load(source).__name__  # where it would be
    del code_cache.sys.modules[name]
    planted = path.with_name(f"{name}.py")
    evil = source.replace("generated", "forbidden")
    planted.write_text(evil)
    os.utime(planted, (stamp.st_mtime, stamp.st_mtime))
    py_compile.compile(str(planted), cfile=importlib.util.cache_from_source(str(planted)))
    planted.write_text(source)
    os.utime(planted, (stamp.st_mtime, stamp.st_mtime))
    spec = importlib.util.spec_from_file_location(name, planted)
    as_python_does = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(as_python_does)
    assert as_python_does.value == "forbidden", "the trap is no trap"
    module = code_cache.load(source)
    assert module.value == "generated"
    assert module.__file__ == str(planted)
    del code_cache.sys.modules[name]
    planted.write_text(evil)
    assert code_cache.load(source).value == "generated"
    assert planted.read_text() == source


def test_a_run_with_a_folder_that_others_can_write_ends_and_names_the_cure(tmp_path):
    tmp_path.chmod(0o777)
    done = mpirun(2, ["python", MODEL], env={"NUMBA_CACHE_DIR": tmp_path})
    assert done.returncode != 0
    assert "UnsafeFolder: others can write" in done.stderr
    assert "chmod 700" in done.stderr
    doctor = mpirun(None, ["ecsmpi", "doctor"], env={"NUMBA_CACHE_DIR": tmp_path})
    assert (
        doctor.returncode == 1 and "problem  compiled code  others can write" in doctor.stdout
    ), doctor.stdout


@pytest.mark.long  # in every run: a later process loads what an earlier one compiled
@pytest.mark.parametrize("kind", ["plain", "exact", "across"])
def test_ranks_read_what_one_process_of_the_node_has_compiled(tmp_path, kind):
    done = mpirun(
        2,
        ["python", PROGRAMS / "ranks" / "compiles.py", kind],
        env={"NUMBA_CACHE_DIR": tmp_path / "cache"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "rank 1 compiled 0 []" in done.stdout, done.stdout
    assert "rank 0 compiled 0 []" in done.stdout, done.stdout
    assert list((tmp_path / "cache").glob("*/*.nbc"))
