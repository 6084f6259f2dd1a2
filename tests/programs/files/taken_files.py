"""Something happens to the files of a run from outside: `taken_files.py FOLDER HOW`.

HOW names one of the functions.
"""

import os
from pathlib import Path
import sys

from support.observed_model import pc, rank, run, rxd

folder, how = Path(sys.argv[1]), sys.argv[2]


def wait(name):
    """For a file that the test makes."""
    import time

    while not (folder / name).exists():
        time.sleep(0.02)


def holds():
    """Writes until the test says so."""
    output = rxd.Output(folder / "k.h5", every=0.1)
    run(3)
    if rank == 0:
        (folder / "begun").touch()
    wait("go")
    output.close()


def contends():
    """Writes the same path at the same time."""
    rxd.Output(folder / "k.h5", every=0.1)
    run(3)


def deleted_at_end():
    """After its last frame: nobody looks but at exit."""
    output = rxd.Output(folder / "k.h5", every=0.1)
    run(1)
    pc.barrier()
    if rank == 0:
        os.replace(folder / "other.h5", folder / "k.h5")
    pc.barrier()
    assert output


def no_first_frame():
    """The first frame finds no room."""
    import shutil

    shutil.disk_usage = lambda _: shutil._ntuple_diskusage(10**6, 10**6, 100)
    rxd.Output(folder / "k.h5", every=0.1)
    run(1)


globals()[how]()
