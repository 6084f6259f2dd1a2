"""Code compiled or generated at run time lies in folders that nobody else can write.

It is what was generated.
"""

import importlib.util
import os
import py_compile
import subprocess
import tempfile

from ecsmpi.ranks import code_folders
from ecsmpi.reactions import code_cache
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

MODEL = PROGRAMS / "ranks" / "decaying.py"
SHORT_FILES = PROGRAMS / "ranks" / "short_files.py"


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


# ---------------------------------------------------------------- folders without room


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts a small file system at a folder, and returns the folder."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder])
        if done.returncode:
            pytest.skip("only a user who may mount file systems has a full one")
        return folder

    yield mount
    subprocess.run(["umount", folder], capture_output=True)


def check_that_it_ends(done, folder, reason):
    assert done.returncode != 0
    error = (
        f"CodeNotKept: compiled code cannot be kept in {folder}: {reason}; set NUMBA_CACHE_DIR to "
        "a folder of your own that can be written and has room"
    )
    assert error in done.stderr, done.stderr
    assert "numba/core" not in done.stderr, done.stderr


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_first_start_that_cannot_write_its_files_says_where_and_why(ranks, tmp_path):
    cache = tmp_path / "cache"
    done = mpirun(ranks, ["python", SHORT_FILES], env={"NUMBA_CACHE_DIR": cache})
    check_that_it_ends(done, cache, "File too large")


# it is full when MPI's thread is compiled, the solver, the loops at segments
@pytest.mark.parametrize("size", [long("16k"), "400k", long("1500k")])
def test_a_first_start_on_a_full_disk_says_where_and_why(size, mounted):
    folder = mounted(f"size={size},mode=700")
    done = mpirun(2, ["python", MODEL], env={"NUMBA_CACHE_DIR": folder})
    check_that_it_ends(done, folder, "No space left on device")


@pytest.mark.parametrize("ranks", [None, long(2)])
def test_a_folder_that_cannot_be_made_is_said_with_the_cure(ranks):
    done = mpirun(ranks, ["python", MODEL], env={"NUMBA_CACHE_DIR": "/proc/nowhere"})
    check_that_it_ends(done, "/proc/nowhere", "No such file or directory")


def test_where_numba_can_write_no_folder_the_first_one_is_said(tmp_path, mounted, monkeypatch):
    folder = mounted("size=1m,mode=700,ro")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    said = pytest.raises(code_folders.CodeNotKept, match=f"in {folder}: Read-only file system")
    with said, code_folders.keeping():
        raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")


@pytest.mark.parametrize(
    "error",
    [code_folders.UnsafeFolder("others can write"), OSError(2, "no"), RuntimeError("another")],
)
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as said, code_folders.keeping():
        raise error
    assert said.value is error


def test_a_file_that_cannot_be_written_leaves_nothing(mounted):
    folder = mounted("size=16k,mode=700")
    with pytest.raises(OSError, match="No space left"):
        code_folders.write_whole(folder / "text", "a" * 100_000)
    assert list(folder.iterdir()) == []


# ---------------------------------------------------------------- many ranks


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
