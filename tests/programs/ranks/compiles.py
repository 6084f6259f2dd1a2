"""Print what each rank compiles of a model that is plain, exact or across the membrane."""

import sys

from numba.core import event

compiled = event.RecordingListener()
event.register("numba:compile", compiled)

from ecsmpi import rxd  # noqa: E402  what it compiles is recorded
from neuron import n  # noqa: E402

pc = n.ParallelContext()
rank = int(pc.id())
if sys.argv[1] == "exact":
    rxd.options.reproducible = True
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
cells = []
for i in range(rank, 20, int(pc.nhost())):
    cell = n.Section(f"s{i}")
    cell.pt3dadd(4.5 * i - 45, 0, 0, 10)
    cell.pt3dadd(4.5 * i - 45, 10, 0, 10)
    cell.insert("hh")
    cells.append(cell)
regions = [ecs]
if sys.argv[1] == "across":
    inside = rxd.Region(cells, name="inside", nrn_region="i")
    membrane = rxd.Region(cells, name="membrane", geometry=rxd.membrane())
    regions.insert(0, inside)


def initial(node):
    return 3 if node.region is ecs else 140


k = rxd.Species(regions, name="k", d=1, charge=1, initial=initial)
if sys.argv[1] == "across":
    k_leaks = rxd.MultiCompartmentReaction(
        k[inside], k[ecs], 1e-3, 1e-3, membrane=membrane, membrane_flux=True
    )
decay = rxd.Rate(k, -0.25 * k, regions=[ecs])
k[ecs].node_by_ijk(1, 1, 1).include_flux(1.0)
n.finitialize(-65)
n.fadvance()
started = [one for _, one in compiled.buffer if one.is_start]
names = {one.data["dispatcher"].py_func.__qualname__ for one in started}
print(f"rank {rank} compiled {len(names)} {sorted(names)}\n", end="", flush=True)
