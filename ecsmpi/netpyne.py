"""NetPyNE's rxdParams on ecsmpi: `import ecsmpi.netpyne`, before anything of NetPyNE or NEURON, is
the one line to add.

NetPyNE asks for `neuron.crxd` when it makes a network's regions, species, reactions and rates. From
this import on it gets ecsmpi.rxd by that name, and so does a script that asks for it itself;
NEURON's own modules inside it, which `sim.clearAll` empties, stay NEURON's.
"""

from __future__ import annotations

import sys
from types import ModuleType

from ecsmpi import rxd
from ecsmpi.neuron_api.interpreter import crxd, neuron

INNER = ("initializer", "region", "rxd", "section1d", "species")


class Stand(ModuleType):
    """neuron.crxd with the names of ecsmpi.rxd."""

    def __getattr__(self, name):
        return getattr(crxd if name in INNER else rxd, name)


neuron.crxd = sys.modules["neuron.crxd"] = Stand("neuron.crxd", crxd.__doc__)
