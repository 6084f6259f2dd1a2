"""The extracellular space of NEURON, distributed over MPI.

In a model script change `from neuron import rxd` into `from ecsmpi import rxd` and run it under
`mpirun`: the box of `rxd.Extracellular` is then cut into slabs of x-planes, one to a rank.
`ecsmpi.load(path)` opens a recorded run.

This module itself starts neither MPI nor NEURON; `ecsmpi.rxd` does.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ecsmpi")
except PackageNotFoundError:  # a checkout on PYTHONPATH that was never installed
    __version__ = "0+unknown"

__all__ = ["load"]


def __getattr__(name):
    if name == "load":
        from ecsmpi.files.recording import load

        return load
    raise AttributeError(f"module 'ecsmpi' has no attribute {name!r}")


def __dir__():
    return ["__version__", "load", "rxd"]
