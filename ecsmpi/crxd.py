"""The old name of rxd, as in NEURON, for scripts that use it: `from ecsmpi import crxd`."""

import sys

from ecsmpi import rxd

sys.modules[__name__] = rxd
