"""Tissue that varies: the same release in even tissue, and where cells swell in a sphere and leave
less space, more tortuous.

mpirun -n 2 python scripts/tutorial/tissue.py
"""

from cell import options, pyramid, run, save_maps
import numpy as np

from ecsmpi import rxd

CENTRE, RADIUS = (0, 100, 0), 150  # um

arguments = options(__doc__.splitlines()[0])
low, high = pyramid()


def swollen(x, y, z):
    """1 in the sphere, 0 outside."""
    return sum((at - centre) ** 2 for at, centre in zip((x, y, z), CENTRE)) < RADIUS**2


def volume_fraction(x, y, z):
    """0.07 in the sphere, 0.2 outside; as of edema (x, y, z: the lower corners of voxels, um)."""
    return np.where(swollen(x, y, z), 0.07, 0.2)


def tortuosity(x, y, z):
    """1.8 in the sphere, 1.6 outside."""
    return np.where(swollen(x, y, z), 1.8, 1.6)


maps = {}
for title, tissue in {
    "even": (0.2, 1.6),
    "swollen in a sphere": (volume_fraction, tortuosity),
}.items():
    ecs = rxd.Extracellular(
        *low, *high, dx=arguments.voxel, volume_fraction=tissue[0], tortuosity=tissue[1]
    )
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    run(arguments.seconds, k)
    maps[title] = k[ecs].states3d.copy()
    if rxd.rank() == 0:
        print(f"{title}: max {maps[title].max():.6g} mM")
    del k  # the next species may have its name
save_maps(arguments.picture, ecs, maps)
