"""Astrocytes that take up potassium: the same release without them and with them.

They are a buffer k + A <> AK of 10 mM that binds where k is high: forward it reacts at
kb / (1 + exp(-(k - 15) / 1.15)) per mM and ms, so that little is bound below 10 mM.

    mpirun -n 2 python scripts/tutorial/buffering.py
"""

from cell import options, pyramid, run, save_maps
from ecsmpi import rxd

KB = 0.0008  # /ms
SITES = 10  # mM

arguments = options(__doc__.splitlines()[0], seconds=20)
low, high = pyramid()

ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
maps = {}
for title in ("free", "buffered"):
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    buffers = []
    if title == "buffered":
        A = rxd.Species(ecs, name="A", charge=1, initial=SITES)
        AK = rxd.Species(ecs, name="AK", charge=1, initial=0)
        buffers = [A, AK]
        forward = KB / (1 + rxd.rxdmath.exp(-(k - 15) / 1.15))
        buffering = rxd.Reaction(k + A, AK, forward, KB)
    run(arguments.seconds, k, *buffers)
    maps[title] = k[ecs].states3d.copy()
    total = maps[title]
    if buffers:
        total = maps[title] + AK[ecs].states3d
    if rxd.rank() == 0:
        print(f"{title}: max {maps[title].max():.6g} mM, free and bound {total.mean():.12g} mM")
    del k  # the next species may have its name
save_maps(arguments.picture, ecs, maps)
