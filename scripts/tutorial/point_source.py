"""A point source: concentrations against the formula of Nicholson and Phillips, and voxels' size.

TMA+ is released at a constant rate in the middle of a closed box. In tissue without walls its
concentration at the distance r after the time t is

    c = Q / (4 pi D* alpha r) erfc(r / (2 sqrt(D* t))),    D* = D / tortuosity**2

(Nicholson and Phillips 1981, J. Physiol. 321:225). The source here fills a voxel, and what a voxel
shows is its mean: both errors are of second order, so half the edge leaves a quarter of the error.

mpirun -n 2 python scripts/tutorial/point_source.py
"""

from math import erfc, pi, sqrt

from cell import options, pc, run
from ecsmpi import rxd
from neuron import n

RATE = 100  # amol/ms
D = 1.24  # um2/ms, of TMA+ in free solution
ALPHA = 0.2
TORTUOSITY = 1.6
HALF = 400  # um from the source to the walls, more or less
DISTANCES = (80, 160)  # um

arguments = options(__doc__.splitlines()[0])


def analytic(r, t):
    """Concentration (mM) at r (um) after t (ms) in tissue without walls."""
    if t <= 0:
        return 0.0
    d = D / TORTUOSITY**2
    return RATE / (4 * pi * d * ALPHA * r) * erfc(r / (2 * sqrt(d * t)))


traces = {}  # {(edge of a voxel, distance): mM}
for voxel in (arguments.voxel, arguments.voxel / 2):
    edge = (int(HALF / voxel) + 0.5) * voxel  # the source is the middle of a voxel
    low, high = [-edge] * 3, [edge] * 3
    ecs = rxd.Extracellular(*low, *high, dx=voxel, volume_fraction=ALPHA, tortuosity=TORTUOSITY)
    tma = rxd.Species(ecs, d=D, name="tma", charge=1, initial=0)
    tma[ecs].node_by_location(0, 0, 0).include_flux(RATE * 1e-18, units="mol/ms")
    recorded = {}
    for distance in DISTANCES:
        node = tma[ecs].node_by_location(distance, 0, 0)
        recorded[distance] = n.Vector().record(node._ref_value)
    time = n.Vector().record(n._ref_t)
    run(arguments.seconds, tma)
    for distance in DISTANCES:
        traces[voxel, distance] = recorded[distance].to_python()
        got = traces[voxel, distance][-1]
        right = analytic(distance, n.t)
        if rxd.rank() == 0:
            print(
                f"voxels of {voxel:g} um, at {distance} um: {got:.6g} mM, "
                f"by the formula {right:.6g}, {100 * (got / right - 1):+.2f} %"
            )
    del tma  # the next species may have its name

if pc.id() == 0:
    from matplotlib.figure import Figure

    seconds = time.as_numpy() / 1000
    figure = Figure(layout="compressed")
    axes = figure.subplots()
    styles = {arguments.voxel: ":", arguments.voxel / 2: "--"}
    for number, distance in enumerate(DISTANCES):
        right = [analytic(distance, t) for t in time]
        colour = f"C{number}"
        axes.plot(seconds, right, colour, label=f"formula, {distance} µm from the source")
        for voxel, style in styles.items():
            label = f"voxels of {voxel:g} µm"
            axes.plot(seconds, traces[voxel, distance], colour, ls=style, lw=2, label=label)
    axes.set(xlabel="time (s)", ylabel="TMA⁺ (mM)")
    axes.legend()
    figure.savefig(arguments.picture, dpi=150)
    print(f"picture: {arguments.picture}")
