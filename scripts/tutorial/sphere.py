"""A buffer in a sphere alone: a parameter, 1 inside and 0 outside, multiplies the rates.

mpirun -n 2 python scripts/tutorial/sphere.py
"""

from cell import options, pyramid, run, save_maps
from ecsmpi import rxd

KB = 0.0008  # /ms
SITES = 10  # mM
CENTRE = (0, 0, 0)  # um
RADIUS = 100  # um

arguments = options(__doc__.splitlines()[0], seconds=20)
low, high = pyramid()


def in_sphere(node):
    """1 where a voxel's centre is in the sphere, else 0."""
    x, y, z = node.x3d - CENTRE[0], node.y3d - CENTRE[1], node.z3d - CENTRE[2]
    return x**2 + y**2 + z**2 < RADIUS**2


ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
A = rxd.Species(ecs, name="A", charge=1, initial=SITES)
AK = rxd.Species(ecs, name="AK", charge=1, initial=0)
inside = rxd.Parameter(ecs, value=in_sphere)
buffering = rxd.Reaction(k + A, AK, inside * KB, inside * KB)

run(arguments.seconds, k, A, AK)
free, bound, sphere = k[ecs].states3d, AK[ecs].states3d, inside[ecs].states3d
if rxd.rank() == 0:
    print(f"bound: max {bound.max():.6g} mM inside, {bound[sphere == 0].max():g} mM outside")
    print(f"free and bound {(free + bound).mean():.12g} mM")
save_maps(arguments.picture, ecs, {"free K⁺": free, "bound K⁺": bound})
