"""Ranks and numbers of ranks, of MPI and of NEURON: `ranks_of_both.py OUTPUT`."""

import sys

from neuron import n
import numpy as np

from support.started import comm

pc = n.ParallelContext()
everyone = comm.gather((comm.rank, comm.size, int(pc.id()), int(pc.nhost())))
if comm.rank == 0:
    np.savez(sys.argv[1], everyone=everyone)
