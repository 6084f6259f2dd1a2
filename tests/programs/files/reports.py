"""Writes reports and spikes beside NEURON's own vectors, which `reports.py OUT.npz` saves."""

import sys

import numpy as np

from support.reported_network import cells, n, pc, rank, rxd

vectors = {}
for gid, cell in cells.items():
    for e, sec in enumerate((cell.soma, cell.dendrite)):
        for seg in sec:
            vectors[gid, e, seg.x, "v"] = n.Vector().record(seg._ref_v, 0.2)
            vectors[gid, e, seg.x, "ko"] = n.Vector().record(seg._ref_ko, 0.2)
    vectors[gid, 0, 0.5, "m_hh"] = n.Vector().record(cell.soma(0.5)._ref_m_hh, 0.2)
somata = [cell.soma for cell in cells.values()]
report = rxd.SegmentReport("report.h5", ["v", "ko", "m_hh"], every=0.2)
of_somata = rxd.SegmentReport("somata.h5", "v", every=1, sections=somata, population="cells")
spikes = rxd.Spikes("spikes.h5", every=7)
n.finitialize(-65)
n.continuerun(5)
n.finitialize(-65)  # begins the files again
n.continuerun(10)
pc.psolve(20)
report.flush()
everyone = pc.py_gather({key: np.array(vector) for key, vector in vectors.items()}, 0)
if rank == 0:
    found = {}
    for of_rank in everyone:
        found |= of_rank
    variables = ["v", "ko", "m_hh"]
    keys = [[gid, e, x, variables.index(name)] for gid, e, x, name in found]
    np.savez(sys.argv[1], keys=np.array(keys), values=np.array(list(found.values())))
