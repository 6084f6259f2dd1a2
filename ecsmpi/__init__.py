"""NEURON's extracellular space, distributed over MPI ranks.

In a model script, change `from neuron import rxd` into `from ecsmpi import rxd` and run the script
under `mpirun`. The box of `rxd.Extracellular` is then cut into slabs of x-planes, one for each
rank. `ecsmpi.load(path)` opens a recorded run.

Importing ecsmpi starts neither MPI nor NEURON; importing `ecsmpi.rxd` starts both.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecsmpi.files.recording import load

try:
    __version__ = version("ecsmpi")
except PackageNotFoundError:  # a checkout on PYTHONPATH that was never installed
    __version__ = "0+unknown"

__all__ = ["load"]


def __getattr__(name: str) -> object:
    if name == "load":
        from ecsmpi.files.recording import load

        return load
    raise AttributeError(f"module 'ecsmpi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["__version__", "load", "rxd"]
