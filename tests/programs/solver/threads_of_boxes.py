"""Threads for a small box and a large one."""

import os

from ecsmpi import rxd
from ecsmpi.kernels import workers
from ecsmpi.solver import threads
from neuron import n

found = []
for size in (10, 48):
    ecs = rxd.Extracellular(0, 0, 0, size, size, size, dx=1)
    k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
    n.finitialize(-65)
    n.fadvance()
    found.append((threads.for_work(size**3), workers.started() > 1))
    del k, ecs
gives_way = os.environ.get("OMPI_MCA_mpi_yield_when_idle")  # noqa: SIM112
print("threads", found, os.environ["GOMP_SPINCOUNT"], gives_way)
