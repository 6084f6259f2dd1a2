"""A model for `ecsmpi run`, of 20 steps."""

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
sec = n.Section(name=f"cell{rxd.rank()}")
sec.pt3dadd(0, 0, 0, 5)
sec.pt3dadd(5, 8, 30, 4)
sec.insert("hh")
ecs = rxd.Extracellular(
    -50, -40, -40, 51, 42, 60, (7, 8, 9), volume_fraction=0.2, tortuosity=1.6
)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 2
