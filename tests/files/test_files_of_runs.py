"""Files of runs are safe from later runs, from runs beside, and from whoever deletes them."""

import json
import os
import subprocess
import sys
import time

from ecsmpi.files.own_file import FileGone
from ecsmpi.files.recording import load
from ecsmpi.files.writer_lock import WriterLock, locks_reach_all_hosts, mounted_at
import h5py
import numpy as np
import pytest
import xarray

from support.frames import TIMES, Alone, expected, opened, write
from support.long_form import long
from support.ranks import ROOT, mpirun

PROGRAM = ROOT / "tests" / "programs" / "files" / "taken_files.py"


def program(ranks, tmp_path, how, **options):
    return mpirun(ranks, ["python", PROGRAM, tmp_path, how], **options)


def hidden(folder):
    """Return the names of files that were begun, and of locks, that are left."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


# -- a new run leaves an old file until its own is begun


def test_run_that_cannot_begin_its_file_leaves_the_old_one(tmp_path):
    write(tmp_path / "k.h5")
    before = (tmp_path / "k.h5").read_bytes()
    done = program(None, tmp_path, "no_first_frame")
    assert done.returncode != 0 and "the disk has 100 left" in done.stderr, done.stderr
    assert (tmp_path / "k.h5").read_bytes() == before and hidden(tmp_path) == []


@pytest.mark.parametrize("ranks", [long(2), 3])
def test_files_of_several_ranks_are_as_safe(ranks, tmp_path):
    done = mpirun(ranks, ["python", PROGRAM.with_name("files_on_ranks.py"), tmp_path])
    assert done.returncode == 0 and "all as it should be" in done.stdout, (
        done.stdout + done.stderr
    )


def test_old_file_stays_until_the_first_frame_of_the_new_one(tmp_path):
    write(tmp_path / "k.h5")
    old = load(tmp_path / "k.h5")
    file, frames = opened(tmp_path / "k.h5", Alone(), "single")
    assert np.array_equal(old["k"], expected("k"))
    file.append(0.0, frames(0.0))
    with pytest.raises(
        OSError, match=r"k\.h5 has been replaced by that of another run since it was loaded"
    ):
        old["k"]
    assert "has been replaced" in repr(old) and np.array_equal(old.time, TIMES)
    assert np.array_equal(load(tmp_path / "k.h5")["k"], expected("k")[:1])
    file.close()


@pytest.mark.parametrize("storage", ["single", "parts"])
def test_readers_of_all_kinds_and_runs_do_not_mind_each_other(storage, tmp_path):
    path = tmp_path / "k.h5"
    write(path, storage=storage)
    plain = h5py.File(path, "r")
    array = xarray.open_dataset(path, engine="h5netcdf")
    recording = load(path)
    file, frames = opened(path, Alone(), storage)
    assert np.array_equal(recording["k"], expected("k"))
    assert np.array_equal(plain["k"][:].transpose(0, 3, 2, 1), expected("k"))
    file.append(0.0, frames(0.0))
    later = [h5py.File(path, "r"), load(path), xarray.open_dataset(path, engine="h5netcdf")]
    file.append(0.5, frames(0.5))
    assert len(load(path)) == 2 and later[2].k.shape[0] == 1 and later[0]["k"].shape[0] >= 1
    if storage == "single":  # a virtual dataset finds its parts by name, and these are new
        assert np.array_equal(array.k.transpose("time", "x", "y", "z"), expected("k"))
    file.close()
    for one in (plain, array, later[0], later[2]):
        one.close()
    with xarray.open_dataset(path, engine="h5netcdf") as again:
        assert np.array_equal(load(path)["na"], again.na.transpose("time", "x", "y", "z"))


def test_link_to_a_file_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "k.h5").symlink_to("disk/k.h5")
    for _ in range(2):
        write(tmp_path / "k.h5")
    assert (tmp_path / "k.h5").is_symlink() and len(load(tmp_path / "disk" / "k.h5")) == 3


def test_pipe_in_place_of_the_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "k.h5")
    with pytest.raises(OSError, match="it is a pipe or a device; give the name of a file"):
        opened(tmp_path / "k.h5", Alone(), "single")


# -- one writer


@pytest.mark.parametrize("ranks", [2])
def test_second_run_is_refused_and_told_who_writes(ranks, tmp_path):
    first = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(tmp_path), "holds"],
        env=_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 90
        while (
            not (tmp_path / "begun").exists()
            and first.poll() is None
            and time.monotonic() < end
        ):
            time.sleep(0.05)
        second = program(ranks, tmp_path, "contends")
        assert second.returncode != 0
        assert (
            f"k.h5: process {first.pid} on host {os.uname().nodename} (since 20"
            in second.stderr
        ), second.stderr
        assert (
            "holds) writes it; give another name, or wait until that run has ended"
            in second.stderr
        )
    finally:
        (tmp_path / "go").touch()
        said = first.communicate(timeout=60)[1]
    assert first.returncode == 0, said
    assert len(load(tmp_path / "k.h5")) == 4 and hidden(tmp_path) == []


def _environment():
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return os.environ | {"PYTHONPATH": path, "NUMBA_NUM_THREADS": "1"}


def test_one_process_writes_a_path_once(tmp_path):
    file, _ = opened(tmp_path / "k.h5", Alone(), "single")
    with pytest.raises(
        OSError, match="this script writes it already, by another Output, report or command"
    ):
        opened(tmp_path / "k.h5", Alone(), "single")
    file.close()
    opened(tmp_path / "k.h5", Alone(), "single")[0].close()


OTHER_HOST = {
    "host": "n17",
    "pid": 4,
    "since": "2026-01-01T00:00",
    "boot": "another",
    "began": "1",
    "command": "python \x1b[31m.py",
}


@pytest.mark.parametrize(
    "kind, refused",
    [("ext4", False), ("nfs4", False), ("nfs4 nolock", True), ("fuse.sshfs", True)],
)
def test_lock_left_behind_on_another_host_counts_where_locks_do_not_reach_it(
    kind, refused, tmp_path, monkeypatch
):
    (tmp_path / ".k.h5.lock").write_text(json.dumps(OTHER_HOST))
    name, *options = kind.split()
    monkeypatch.setattr(
        "ecsmpi.files.writer_lock.mounted_at", lambda folder: (name, set(options))
    )
    if not refused:
        return WriterLock(tmp_path / "k.h5").release()
    with pytest.raises(
        OSError,
        match=r"process 4 on host n17 \(since 2026.* if it has ended, delete .*\.k\.h5\.lock",
    ) as told:
        WriterLock(tmp_path / "k.h5")
    assert "\x1b" not in str(told.value)


@pytest.mark.parametrize("alive", [True, False])
def test_without_locks_the_process_decides(alive, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "fcntl.lockf", lambda *_: (_ for _ in ()).throw(OSError(37, "No locks available"))
    )
    held = WriterLock(tmp_path / "k.h5")
    said = json.loads(held.lock_path.read_text())
    held.release()
    (tmp_path / ".k.h5.lock").write_text(json.dumps(said if alive else said | {"began": "1"}))
    if not alive:
        return WriterLock(tmp_path / "k.h5").release()
    with pytest.raises(OSError, match=f"process {os.getpid()} on host"):
        WriterLock(tmp_path / "k.h5")


def test_lock_of_a_dead_run_is_taken_over(tmp_path):
    take = f"WriterLock(Path({str(tmp_path / 'k.h5')!r}))"
    imports = (
        "import os; from pathlib import Path; from ecsmpi.files.writer_lock import WriterLock"
    )
    code = f"{imports}; {take}; os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], env=_environment()).returncode == 9
    assert hidden(tmp_path) == [".k.h5.lock"]
    write(tmp_path / "k.h5")
    assert hidden(tmp_path) == []


def test_this_folder_has_a_known_file_system(tmp_path):
    kind, options = mounted_at(tmp_path)
    assert kind and options and isinstance(locks_reach_all_hosts(tmp_path), bool)


# -- files that go


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda path: path.unlink(), "k.h5 was deleted or moved away while the run wrote it"),
        (
            lambda path: path.rename(path.with_name("moved.h5")),
            "k.h5 was deleted or moved away",
        ),
        (
            lambda path: (
                write(path.with_name("other.h5")) or path.with_name("other.h5").replace(path)
            ),
            "k.h5 was replaced",
        ),
    ],
)
@pytest.mark.parametrize("moment", ["frame", "close", "sync"])
@pytest.mark.parametrize("storage", ["single", "parts"])
def test_file_that_is_gone_is_an_error_at_the_next_frame_and_at_the_end(
    change, said, moment, storage, tmp_path
):
    file, frames = opened(tmp_path / "k.h5", Alone(), storage)
    file.append(0.0, frames(0.0))
    change(tmp_path / "k.h5")
    with pytest.raises(FileGone, match=said):
        {
            "frame": lambda: file.append(0.5, frames(0.5)),
            "close": file.close,
            "sync": file.sync,
        }[moment]()
    assert moment != "close" or hidden(tmp_path) == []
    if moment != "close":
        with pytest.raises(FileGone):
            file.close()


@pytest.mark.parametrize(
    "ranks, how, said",
    [
        long(
            None, "deleted_at_end", "k.h5 was replaced by another file while the run wrote it"
        ),
        (2, "deleted_at_end", "k.h5 was replaced by another file while the run wrote it"),
    ],
)
def test_run_whose_file_is_gone_ends_with_an_error(ranks, how, said, tmp_path):
    write(tmp_path / "other.h5")
    done = program(ranks, tmp_path, how)
    assert done.returncode != 0 and said in done.stderr, done.stdout + done.stderr


def test_command_says_wrote_of_files_that_are_there(tmp_path):
    model = PROGRAM.with_name("stolen_file.py")
    done = mpirun(
        2, ["ecsmpi", "run", model, "-q", "--output", "k.h5", "--every", "0.5"], cwd=tmp_path
    )
    assert (
        done.returncode != 0
        and "wrote" not in done.stdout
        and "k.h5 was deleted" in done.stderr
    ), done.stdout + done.stderr
