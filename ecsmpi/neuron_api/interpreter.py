"""NEURON's Python modules, imported once MPI has been started.

NEURON must find MPI started, else it would run as one rank; so nothing may import neuron before
`launch.start` has returned. All other modules of ecsmpi take NEURON from here, so none of them has
to know an import order.
"""

from ecsmpi.neuron_api import launch

comm = launch.start()

# isort: split
import neuron
from neuron import crxd, hoc, n, nrn
from neuron import rxd as neuron_rxd
