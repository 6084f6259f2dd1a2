"""Nodes that are recorded on ranks with and without cells."""

import warnings

import numpy as np

from support.model import box, cells, n, pc, rank, ranks, run_case, rxd, save, steps, uneven

made = cells(on=0)  # the other ranks have no sections
ecs = box()
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
nodes = [k[ecs].node_by_location(x, 4, 14) for x in (-49, -28, 0, 30, 50)]
records = [n.Vector().record(node._ref_value) for node in nodes]
if rank == ranks - 1:
    alone = n.Vector().record(k[ecs].node_by_location(10, 4, 14)._ref_value)
times = n.Vector().record(n._ref_t)


def traces():
    for _ in range(2):  # a second finitialize begins the traces again
        n.finitialize(-65)
        steps(60)
    everyone = pc.py_allgather([np.array(one) for one in [*records, times]])
    for other in everyone:
        assert all(np.array_equal(mine, others) for mine, others in zip(everyone[0], other))
    last = ranks - 1
    of_last = pc.py_broadcast(alone.to_python() if rank == last else None, last)
    save(records=np.array(everyone[0]), alone=np.array(of_last))


def rank_that_only_records():
    warnings.simplefilter("error")  # nor does it lie outside the box
    # Of all sections, as scripts do, whatever lets a rank without cells record.
    for sec in n.allsec():
        sec.insert("hh")
    n.finitialize(-65)
    steps(60)
    save(k=np.array(k[ecs].states3d), sections=np.array(sum(pc.py_allgather(len(made)))))


if __name__ == "__main__":
    run_case(globals())
