"""A kymograph: potassium along the apical dendrite by time, drawn from the file of a run.

mpirun -n 2 python scripts/tutorial/kymograph.py
"""

from cell import options, pc, pyramid, run
import ecsmpi
from ecsmpi import rxd

arguments = options(__doc__.splitlines()[0])
low, high = pyramid()

ecs = rxd.Extracellular(*low, *high, dx=arguments.voxel, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
path = arguments.picture.with_suffix(".h5")
line = (0, low[1], 0, 0, high[1], 0)  # um: along y, through the soma

with rxd.Output(path, every=100):
    run(arguments.seconds, k)
if pc.id() == 0:
    recording = ecsmpi.load(path)
    soma = recording.series("k", (0, 0, 0))
    print(f"voxel of the soma: {soma[-1]:.6g} mM")
    figure = recording.plot(kymograph=line, log=True, colours="inferno", contours=[4, 6])
    figure.savefig(arguments.picture)
    print(f"picture: {arguments.picture}")
