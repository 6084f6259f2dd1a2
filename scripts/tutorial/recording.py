"""Traces: the concentration outside the soma, and in voxels at some distance from it, through time.

mpirun -n 2 python scripts/tutorial/recording.py
"""

from cell import options, pc, pyramid, run
from ecsmpi import rxd
from neuron import n

arguments = options(__doc__.splitlines()[0])
low, high = pyramid()

ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)

traces = {}  # every rank records voxels, whichever rank owns them
for distance in (0, 100, 200):
    x = distance if distance < high[0] else high[0] - 1  # in the box
    node = k[ecs].node_by_location(x, 0, 0)
    traces[f"voxel at x = {distance} µm"] = n.Vector().record(node._ref_value)
if pc.id() == 0:  # the rank that has the cell records its segments
    traces["outside the soma"] = n.Vector().record(n.soma(0.5)._ref_ko)
time = n.Vector().record(n._ref_t)

run(arguments.seconds, k)
if pc.id() == 0:
    from matplotlib.figure import Figure

    figure = Figure(layout="compressed")
    axes = figure.subplots()
    for label, trace in traces.items():
        axes.plot(time.as_numpy() / 1000, trace.as_numpy(), label=label)
        print(f"{label}: {trace[-1]:.6g} mM after {n.t / 1000:g} s")
    axes.set(xlabel="time (s)", ylabel="K⁺ (mM)")
    axes.legend()
    figure.savefig(arguments.picture, dpi=150)
    print(f"picture: {arguments.picture}")
