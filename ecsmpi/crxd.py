"""The old name of rxd, as in NEURON, for scripts that use it: `from ecsmpi import crxd`."""

import sys
from typing import TYPE_CHECKING

from ecsmpi import rxd

if TYPE_CHECKING:
    from ecsmpi.rxd import *  # noqa: F403

sys.modules[__name__] = rxd
