"""Diffusion that is slower along one axis, as across fibres.

The same release with d = (2.62, 2.62, 2.62) and (2.62, 0.5, 2.62) um2/ms.

mpirun -n 2 python scripts/tutorial/anisotropy.py
"""

from cell import options, pyramid, run, save_maps
from ecsmpi import rxd

arguments = options(__doc__.splitlines()[0])
low, high = pyramid()

ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
maps = {}
for title, d in {"isotropic": 2.62, "slow along y": (2.62, 0.5, 2.62)}.items():
    k = rxd.Species(ecs, d=d, name="k", charge=1, initial=3)
    run(arguments.seconds, k)
    maps[title] = k[ecs].states3d.copy()
    if rxd.rank() == 0:
        print(f"{title}: max {maps[title].max():.6g} mM")
    del k  # the next species may have its name
save_maps(arguments.picture, ecs, maps)
