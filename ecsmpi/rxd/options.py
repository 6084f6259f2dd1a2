"""rxd.options."""

from __future__ import annotations

from ecsmpi.rxd.compat import RxdStandIn, refuse_unknown_names
from ecsmpi.rxd.session import simulation


@refuse_unknown_names
class Enabled:
    """rxd.options.enable: what scripts may use."""

    def __init__(self):
        self.extracellular = True

    def __repr__(self):
        return f"Enabled(extracellular={self.extracellular})"


class Options(RxdStandIn):
    """rxd.options: ``enable.extracellular`` can forbid extracellular regions; ``reproducible``
    makes results have the same bits at any number of ranks, in blocks of 16 planes, of which each
    rank owns whole ones; ``comm`` is the communicator whose ranks compute a model together;
    ``grid_steps`` is the number of NEURON's steps in one step of the grid.
    """

    original = "options"

    def __init__(self):
        self.__dict__["enable"] = Enabled()

    @property
    def reproducible(self) -> bool:
        """Whether results have the same bits at any number of ranks."""
        return simulation.solvers.reproducible

    @reproducible.setter
    def reproducible(self, wanted: bool) -> None:
        simulation.solvers.reproduce(wanted)

    @property
    def comm(self):
        """The communicator (mpi4py) of the ranks that compute a model together, or None: those of
        NEURON's world.

        ``rxd.options.comm = MPI.COMM_SELF`` gives each rank models of its own. Set it on every rank
        of the communicator (collective); it holds from the next ``n.finitialize`` on.
        """
        return simulation.solvers.worlds.chosen

    @comm.setter
    def comm(self, comm) -> None:
        simulation.solvers.worlds.choose(comm)

    @property
    def grid_steps(self) -> int:
        """NEURON's steps in one of the grid, from the next one that begins on: set the same on
        every rank.

        Currents are summed over them; then reactions and diffusion advance by all of them at once,
        and segments get the new concentrations, which until then they see as of the last step of
        the grid. First order in their length.
        """
        return simulation.clock.steps

    @grid_steps.setter
    def grid_steps(self, count: int) -> None:
        simulation.clock.steps = count


options = Options()
