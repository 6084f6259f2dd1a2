"""The solvers that are set beside each other, and with which scheme each of them is used."""

from __future__ import annotations

from dataclasses import dataclass

DIRECT = 1e-12  # round-off of a step of concentrations near 2
ITERATED = 1e-6  # more than the residuals at which the iterations end leave of a step
EXPLICIT_LIMIT = 1 / 6  # r above which explicit Euler steps are unstable in three dimensions


@dataclass(frozen=True)
class Peer:
    """A solver.

    Attributes
    ----------
    name
        What it is called in tables.
    module
        The module of this folder that uses it.
    package
        The module that has to be importable.
    install
        The words that install it.
    distribution
        Its name for `importlib.metadata`.
    method
        Its scheme, and how it solves it.
    scheme
        The scheme's name in `cosine_modes.SCHEMES`.
    order
        The order of the scheme in time; None where a step is exact in time.
    off
        How far a step may be from that of the scheme.
    arguments
        Further arguments of the module's `Box`.
    largest_r
        The r up to which the scheme is stable.
    """

    name: str
    module: str
    package: str
    install: str
    distribution: str
    method: str
    scheme: str
    order: int | None
    off: float = DIRECT
    arguments: tuple[str, ...] = ()
    largest_r: float = float("inf")


PEERS = (
    Peer(
        "ecsmpi",
        "with_rxd",
        "ecsmpi",
        "pip install ecsmpi",
        "ecsmpi",
        "Douglas-Gunn (ADI)",
        "douglas_gunn",
        2,
        arguments=("ecsmpi",),
    ),
    Peer(
        "NEURON",
        "with_rxd",
        "neuron",
        "pip install neuron",
        "neuron",
        "Douglas-Gunn (ADI)",
        "douglas_gunn",
        2,
        arguments=("neuron",),
    ),
    Peer(
        "SciPy-ADI",
        "with_scipy_adi",
        "scipy",
        "pip install scipy",
        "scipy",
        "Douglas-Gunn (ADI), LAPACK",
        "douglas_gunn",
        2,
    ),
    Peer(
        "SciPy-DCT",
        "with_scipy_dct",
        "scipy",
        "pip install scipy",
        "scipy",
        "cosine transform, exact in time",
        "exact",
        None,
    ),
    Peer(
        "PETSc",
        "with_petsc",
        "petsc4py",
        "pip install petsc petsc4py, or Debian's python3-petsc4py, petsc-dev and --python",
        "petsc4py",
        "Crank-Nicolson, CG with ICC",
        "crank_nicolson",
        2,
        ITERATED,
    ),
    Peer(
        "FiPy",
        "with_fipy",
        "fipy",
        "pip install fipy",
        "fipy",
        "Crank-Nicolson, CG",
        "crank_nicolson",
        2,
        ITERATED,
    ),
    Peer(
        "py-pde",
        "with_pypde",
        "pde",
        "pip install py-pde",
        "py-pde",
        "explicit Euler, numba",
        "explicit_euler",
        1,
        largest_r=EXPLICIT_LIMIT,
    ),
    Peer(
        "Devito",
        "with_devito",
        "devito",
        "pip install devito",
        "devito",
        "explicit Euler, C",
        "explicit_euler",
        1,
        largest_r=EXPLICIT_LIMIT,
    ),
)

NAMES = tuple(peer.name for peer in PEERS)
