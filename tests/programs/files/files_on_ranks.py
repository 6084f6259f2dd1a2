"""Files written by several ranks, without NEURON: python files_on_ranks.py FOLDER.

Every rank must be told the same.
"""

import os
from pathlib import Path
import re
import shutil
import sys

from ecsmpi.files.recording import load  # noqa: E402
from ecsmpi.files.report_file import ReportFile  # noqa: E402
from ecsmpi.files.spike_file import SpikeFile  # noqa: E402
from mpi4py import MPI
import numpy as np

from support.frames import opened, storages, write  # noqa: E402

comm, folder = MPI.COMM_WORLD, Path(sys.argv[1])
first = comm.rank == 0


def told(action, *patterns):
    """The action raises OSError on every rank, with words that each pattern finds."""
    try:
        action()
    except OSError as error:
        said = str(error)
    else:
        said = "nothing"
    everyone = comm.allgather(said)
    assert len(set(everyone)) == 1, everyone
    for pattern in patterns:
        assert re.search(pattern, said), (pattern, said)


def on_first(action):
    """Something that the first rank does while the others wait."""
    if first:
        action()
    comm.Barrier()


def hidden():
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def report(path):
    """A report of one segment on each rank."""
    one = np.array([comm.rank])
    return ReportFile(
        path,
        "All",
        one,
        one,
        one,
        "mV",
        1.0,
        comm,
        "single" in storages(comm.size),
        {"variable": "v"},
    )


def spikes(path):
    return SpikeFile(path, "All", comm, {})


for kind in storages(comm.size):
    path = folder / f"{kind}.h5"
    write(path, comm, kind)
    file, frames = opened(path, comm, kind)
    on_first(lambda: None)
    assert len(load(path)) == 3  # the old one, until there is a frame of the new
    file.append(0.0, frames(0.0))
    comm.Barrier()
    assert len(load(path)) == 1
    told(lambda: opened(path, comm, kind), "this script writes it already")
    comm.Barrier()
    on_first(path.unlink)
    told(
        lambda: file.append(0.5, frames(0.5)),
        f"{kind}.h5 was deleted or moved away while the run wrote it",
    )
    told(file.close, "was deleted or moved away")
    write(path, comm, kind)
    if kind == "parts":
        file, frames = opened(path, comm, kind)
        file.append(0.0, frames(0.0))
        comm.Barrier()
        on_first(folder.joinpath("parts.rank00000.h5").unlink)
        told(lambda: file.append(0.5, frames(0.5)), "parts.rank00000.h5 was deleted")
        told(file.close, "parts.rank00000.h5 was deleted")
    file, frames = opened(path, comm, kind)
    usage, shutil.disk_usage = (
        shutil.disk_usage,
        lambda _: shutil._ntuple_diskusage(10**6, 10**6, 100),
    )
    told(lambda: file.append(0.0, frames(0.0)), "the disk has 100 left")
    shutil.disk_usage = usage
    file.discard()
    file._files.close()  # all ranks are here; in a run they end
    comm.Barrier()
    assert kind == "parts" or len(load(path)) == 3

for make in (report, spikes):
    path = folder / f"{make.__name__}.h5"
    one = make(path)
    if make is report:
        one.append(0.0, np.zeros((1, 1), np.float32))
    on_first(path.unlink)
    values = (
        [np.zeros((1, 1), np.float32)]
        if make is report
        else [np.zeros(1), np.zeros(1, np.uint64)]
    )
    told(
        lambda: one.append(*([0.0] if make is report else []), *values),
        f"{path.name} was deleted or moved away",
    )
    told(one.close, "was deleted or moved away")
    make(path).close()
comm.Barrier()
assert hidden() == [], hidden()

here = folder / f"rank{comm.rank}"  # as disks that hosts do not share
here.mkdir()
os.chdir(here)
for kind in storages(comm.size):
    told(
        lambda: opened("k.h5", comm, kind),
        "cannot write k.h5: the ranks do not see one folder: it is .*/rank0 on host",
        "rank 1 on host .* in a folder that all hosts share",
    )
told(lambda: report("v.h5"), "cannot write v.h5: the ranks do not see one folder")
assert list(here.iterdir()) == []
comm.Barrier()
if first:
    print("all as it should be")
