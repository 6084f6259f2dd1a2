"""Names for short programs of a job that has been started: `from support.started import *`."""

import sys

from ecsmpi.neuron_api.neuron_start import communicator, start  # noqa: F401  for the programs
from ecsmpi.ranks import launch, launchers, meeting  # noqa: F401  for the programs

comm = start()


def say(*words):
    """Print a line, which stays a line whatever other ranks print."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()
