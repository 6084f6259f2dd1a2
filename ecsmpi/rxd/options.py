"""rxd.options."""

from __future__ import annotations

from types import SimpleNamespace

from ecsmpi.rxd.missing import StandIn
from ecsmpi.rxd.session import simulation


class Options(StandIn):
    """rxd.options: ``enable.extracellular`` can forbid extracellular regions; ``reproducible`` makes results have
    the same bits at any number of ranks, in blocks of 16 planes, of which each rank owns whole ones.
    """

    original = "options"

    def __init__(self):
        self.__dict__["enable"] = SimpleNamespace(extracellular=True)

    @property
    def reproducible(self) -> bool:
        """Whether results have the same bits at any number of ranks."""
        return simulation.reproducible

    @reproducible.setter
    def reproducible(self, wanted: bool) -> None:
        simulation.reproduce(wanted)


options = Options()
