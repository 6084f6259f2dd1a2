"""NEURON's Python modules. Importing this module starts MPI and NEURON, so it is collective.

What ecsmpi builds on has to start in this order:

    1. MPI      mpi4py opens libmpi for itself alone, while NEURON looks for MPI among the global
                symbols when neuron is imported, and runs as one rank where it finds none. So
                `neuron_start.start` starts MPI and opens its library again, globally.
    2. NEURON   is imported after that, and its ranks are compared with MPI's.
    3. numba    reads NUMBA_NUM_THREADS and NUMBA_CACHE_DIR when it is imported. The cores of a rank
                are known only when MPI has started, and `ranks.launch.start_mpi` then sets both. So
                modules with kernels are imported after this one.

All other modules of ecsmpi take NEURON from here, so none of them has to know the order.
"""

from ecsmpi.neuron_api import library, neuron_start

comm = neuron_start.start()

# isort: split
import neuron
from neuron import crxd, hoc, n, nrn
from neuron import rxd as neuron_rxd

library.require_what_import_needs()
