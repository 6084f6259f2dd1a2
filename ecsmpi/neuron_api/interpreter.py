"""NEURON's Python modules, imported once MPI has been started: the one place that imports neuron.

Every other module of ecsmpi takes NEURON from here, so no module has to know in which order MPI and
NEURON are imported.
"""

from ecsmpi.neuron_api import launch

comm = launch.start()

# isort: split
import neuron
from neuron import crxd, hoc, n, nrn
from neuron import rxd as neuron_rxd
