"""Cells of which some lie outside the box: `outside.py OUTPUT BACKEND`."""

import numpy as np

from support.model import box, cells, n, of_segments, rxd, save, steps

made, ecs = cells(range(10), apart=20), box()  # from the sixth on they lie beyond x = 55
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=7)
n.ko0_k_ion = 4
for _ in range(2):
    n.finitialize(-65)
    steps(20)
save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
