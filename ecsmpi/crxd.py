"""`from ecsmpi import crxd`: the old name of rxd, as in NEURON, for scripts that have it."""

import sys

from ecsmpi import rxd

sys.modules[__name__] = rxd
