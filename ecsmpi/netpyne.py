"""NetPyNE's rxdParams on ecsmpi: the one line to add is `import ecsmpi.netpyne`.

It must come before anything of NetPyNE or NEURON is imported. NetPyNE makes a network's regions,
species, reactions and rates with `neuron.crxd`. From this import on, that name leads to ecsmpi.rxd,
for NetPyNE and for the script. The modules inside `neuron.crxd`, which `sim.clearAll` empties, stay
NEURON's own.
"""

from __future__ import annotations

import sys
from types import ModuleType

from ecsmpi import rxd
from ecsmpi.neuron_api.interpreter import crxd, neuron

NEURONS_MODULES = ("initializer", "region", "rxd", "section1d", "species")


class CrxdOfEcsmpi(ModuleType):
    """`neuron.crxd` with the names of ecsmpi.rxd."""

    def __getattr__(self, name: str) -> object:
        source = crxd if name in NEURONS_MODULES else rxd
        return getattr(source, name)


neuron.crxd = sys.modules["neuron.crxd"] = CrxdOfEcsmpi("neuron.crxd", crxd.__doc__)
