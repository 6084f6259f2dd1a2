"""`rxd.options`: settings of the whole model."""

from __future__ import annotations

from typing import Any

from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.stand_in import FixedAttributes, RxdStandIn


class Enabled(FixedAttributes):
    """What scripts may use: ``rxd.options.enable``.

    Attributes
    ----------
    extracellular : bool
        False forbids new extracellular regions: making one then raises RxDException.
    """

    def __init__(self) -> None:
        self.extracellular = True
        self._is_complete = True

    def __repr__(self) -> str:
        return f"Enabled(extracellular={self.extracellular})"


class Options(RxdStandIn):
    """Settings of the whole model, as ``rxd.options``. Set them on every rank.

    Attributes
    ----------
    enable : Enabled
        What scripts may use: ``rxd.options.enable.extracellular``.

    Examples
    --------
    >>> rxd.options.grid_steps = 4
    """

    original = "options"
    enable: Enabled

    def __init__(self) -> None:
        self.__dict__["enable"] = Enabled()  # a script may change it, but not replace it

    @property
    def reproducible(self) -> bool:
        """Whether results have the same bits at any number of ranks (default: False).

        The box is then cut into blocks of 16 planes, each of which belongs to one rank, so more
        ranks than blocks bring nothing. Set it on every rank, before any concentration is used:
        setting it later raises RuntimeError.
        """
        return bool(simulation.solvers.reproducible)

    @reproducible.setter
    def reproducible(self, wanted: bool) -> None:
        simulation.solvers.reproduce(wanted)

    @property
    def comm(self) -> Any:
        """The mpi4py communicator whose ranks compute a model together.

        None (the default) means the ranks of NEURON's world. ``rxd.options.comm = MPI.COMM_SELF``
        gives each rank models of its own. Setting it is collective: set it on every rank of the
        communicator. It holds from the next n.finitialize on.
        """
        return simulation.solvers.worlds.chosen

    @comm.setter
    def comm(self, comm: Any) -> None:
        simulation.solvers.worlds.choose(comm)

    @property
    def grid_steps(self) -> int:
        """How many of NEURON's steps make one step of the grid (default: 1).

        Currents are summed over these steps; then reactions and diffusion advance by all of them at
        once, and segments get the new concentrations. The error is of first order in the length of
        the grid's step. Set the same number on every rank; it holds from the next step of the grid
        that begins.
        """
        return simulation.clock.steps

    @grid_steps.setter
    def grid_steps(self, count: int) -> None:
        simulation.clock.steps = count


options = Options()
