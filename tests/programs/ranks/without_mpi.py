"""Run a program as on a machine that has no MPI library: `without_mpi.py COMMAND...`.

COMMAND is "doctor", or a Python program with its arguments. mpi4py can load no library.
"""

import importlib.abc
import runpy
import sys

import h5py  # noqa: F401  may itself be built with MPI
import mpi4py


class Hidden(importlib.abc.MetaPathFinder):
    """Find no MPI library."""

    def find_spec(self, name, path=None, target=None):
        if name == "mpi4py.MPI":
            raise RuntimeError(
                "cannot load MPI library\n"
                "libmpi.so: cannot open shared object file: No such file or directory"
            )
        return None


sys.modules.pop("mpi4py.MPI", None)
mpi4py.__dict__.pop("MPI", None)
sys.meta_path.insert(0, Hidden())
sys.argv = sys.argv[1:]
if sys.argv[0] == "doctor":
    from ecsmpi.cli import main

    sys.argv.insert(0, "ecsmpi")
    sys.exit(main())
runpy.run_path(sys.argv[0], run_name="__main__")
