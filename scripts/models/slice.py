"""Spreading depolarisation in a slice of brain, after Kelley et al. 2022 (ModelDB 267259).

High potassium in the middle of the slice depolarises neurons, which then release their own
potassium; a wave of it spreads outwards. The model is plain rxd.

    python scripts/models/slice.py --size small --thickness 200 --tstop 2000
    mpirun -n 2 python scripts/models/slice.py --eighth
    mpirun -n 4 python scripts/models/slice.py
    python scripts/models/slice.py --size mini --tstop 100 --neuron      the same in NEURON alone

    slice_tissue.py     cells, ions and reactions
    slice_laws.py       rate laws
    slice_options.py    the options that `--help` lists, with the published defaults

It differs from the published code on purpose in three ways. A neuron's position depends on its
number alone, not on the number of ranks. What `--as-published` lists is as its authors meant it.
The layer of voxels at the border that the published code draws to the bath is left out, as the
walls are held at the bath already.
"""

import numpy as np
from slice_options import half_lengths, neurons, parsed, tissue_of

options = parsed()
if options.neuron:
    from neuron import rxd
else:
    from ecsmpi import rxd

from wave import wave_of  # noqa: E402

from neuron import n  # noqa: E402
from outcome import gathered, print_table  # noqa: E402
import slice_tissue  # noqa: E402  (after rxd, which starts MPI)

THRESHOLD = 15  # mM: the wave is where potassium is above it
TRACED = 50  # neurons, at most, whose voltage is drawn

n.load_file("stdrun.hoc")
pc = n.ParallelContext()


def recorded(made):
    """{number: (distance from the middle (um), recorded voltage)} of some of this rank's neurons.

    They are the same neurons on any number of ranks.
    """
    count, _ = neurons(options)
    every = max(1, count // TRACED)
    found = {}
    for number, (sec,) in made.cells.items():
        if number % every == 0:
            distance = np.hypot(sec.x3d(0), sec.y3d(0))
            found[number] = distance, n.Vector().record(sec(0.5)._ref_v, options.every)
    return found


def report(wave, distance, v):
    """Print the table of published and computed values, and write the picture. On rank 0."""
    count, neuron = neurons(options)
    tissue = tissue_of(options)
    reach = half_lengths(options)[0]
    gates = slice_tissue.resting_gates("gates" in options.as_published)
    speeds = [60 * wave.speed(1.2 * options.r0, 0.9 * reach, during) for during in (np.inf, 1000)]
    of_eighth = " in an eighth" if options.eighth else ""
    lines = {
        "neurons": ("36,000", f"{count:,}{of_eighth}"),
        "radius of a neuron (um)": ("25.23", f"{neuron.radius:.4g}"),
        "its membrane (um2), cytosol (um3)": (
            "8000, 2667",
            f"{neuron.area:.4g}, {neuron.volume:.4g}",
        ),
        "its gates m, h, n at the start": (
            "0.00732, 0.389, 0.00956",
            ", ".join(f"{gates[name]:.3g}" for name in "mhn"),
        ),
        "voxels": ("25,600", f"{np.prod(wave.shape):,}{of_eighth}"),
        "volume fraction, tortuosity": ("0.2, 1.6", f"{tissue.alpha:g}, {tissue.tortuosity:g}"),
        "speed (mm/min), all along; last second": (
            "2 to 4",
            "; ".join(f"{speed:.3g}" for speed in speeds),
        ),
        "front (um)": ("-", f"{wave.front[-1]:.4g} at {wave.times[-1]:g} ms"),
        "highest voltage of traced neurons (mV)": (
            "spikes in the core",
            f"{v.max(initial=-np.inf):.3g}",
        ),
    }
    print_table(lines)
    wave.save_picture(options.picture, v, distance)


n.celsius = 37
n.dt = options.dt
n.steps_per_ms = 1 / n.dt
n.tstop = options.tstop
made = slice_tissue.build(rxd, options)
wave = wave_of(
    rxd, made.species["k"], made.ecs, threshold=THRESHOLD, every=options.every, path=options.output
)

if __name__ == "__main__":
    voltages = recorded(made)
    n.finitialize(slice_tissue.REST)
    wave.run(options.tstop)
    distance, v = gathered(voltages.values())
    if pc.id() == 0:
        report(wave, distance, v)
