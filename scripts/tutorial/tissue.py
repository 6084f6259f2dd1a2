"""Tissue that varies: the same release in even tissue, and where cells swell in a sphere.

Swollen cells, as in oedema, leave less space between them, and more tortuous paths.

mpirun -n 2 python scripts/tutorial/tissue.py
"""

from cell import options, pyramid, run, save_maps
from ecsmpi import rxd
import numpy as np

CENTRE = (0, 100, 0)  # um
RADIUS = 150  # um

arguments = options(__doc__.splitlines()[0])
low, high = pyramid()


def swollen(x, y, z):
    """1 in the sphere, 0 outside.

    x, y, z: the lower corners of voxels, um.
    """
    return (x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2 + (z - CENTRE[2]) ** 2 < RADIUS**2


def volume_fraction(x, y, z):
    """0.07 in the sphere, 0.2 outside."""
    return np.where(swollen(x, y, z), 0.07, 0.2)


def tortuosity(x, y, z):
    """1.8 in the sphere, 1.6 outside."""
    return np.where(swollen(x, y, z), 1.8, 1.6)


even = {"volume_fraction": 0.2, "tortuosity": 1.6}
uneven = {"volume_fraction": volume_fraction, "tortuosity": tortuosity}
maps = {}
for title, tissue in {"even": even, "swollen in a sphere": uneven}.items():
    ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, **tissue)
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    run(arguments.seconds, k)
    maps[title] = k[ecs].states3d.copy()
    if rxd.rank() == 0:
        print(f"{title}: max {maps[title].max():.6g} mM")
    del k  # the next species may have its name
save_maps(arguments.picture, ecs, maps)
