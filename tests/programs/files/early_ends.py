"""Writes frames until something goes wrong: `early_ends.py FOLDER HOW [STORAGE]`.

HOW names one of the functions.
"""

import os
import resource
import signal
import sys
import traceback

from mpi4py import MPI

from support.frames import opened, storages

comm = MPI.COMM_WORLD
folder, how, *storage = sys.argv[1:]


def is_killed():
    """Both ranks write two frames and are killed."""
    files = [opened(f"{folder}/{kind}.h5", comm, kind) for kind in storages(2)]
    for t in (0.0, 0.5):
        for file, frames in files:
            file.append(t, frames(t))
    comm.Barrier()
    os.kill(os.getpid(), signal.SIGKILL)


def has_no_folder():
    """All ranks print the same error, then end by it."""
    for kind in storages(3):
        try:
            opened(f"{folder}/absent/k.h5", comm, kind)
        except OSError as error:
            errors = comm.gather(str(error))
            if comm.rank == 0:
                assert len(set(errors)) == 1, errors
                print(errors[0])
    opened(f"{folder}/absent/k.h5", comm, "parts")


def cannot_write_a_part():
    """Rank 1 may write 1000 bytes; every rank prints the error."""
    if comm.rank == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        opened(f"{folder}/k.h5", comm, "parts")
    except OSError as error:
        print(comm.allgather(str(error))[comm.rank])


def fills_the_disk():
    """Every rank may write 400 kB, and aborts the job when it cannot write more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (400000, 400000))
    file, frames = opened(f"{folder}/k.h5", comm, storage[0])
    try:
        for t in range(2000):
            file.append(t, frames(t))
    except OSError:
        traceback.print_exc()
        sys.stderr.flush()
        comm.Abort(3)


globals()[how]()
