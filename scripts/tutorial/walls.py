"""Closed walls, and walls held at 3 mM: where the potassium goes that reaches them.

mpirun -n 2 python scripts/tutorial/walls.py
"""

from cell import options, pyramid, run, save_maps
from ecsmpi import rxd

arguments = options(__doc__.splitlines()[0], seconds=20)
low, high = pyramid()

ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
maps = {}
for title, walls in {"closed walls": None, "walls held at 3 mM": 3}.items():
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3, ecs_boundary_conditions=walls)
    run(arguments.seconds, k)
    maps[title] = k[ecs].states3d.copy()
    if rxd.rank() == 0:
        print(f"{title}: mean {maps[title].mean():.6g} mM")
    del k  # the next species may have its name
save_maps(arguments.picture, ecs, maps)
