"""Spreading depolarization in a slice of brain: the model of Kelley et al. 2022 (ModelDB 267259), in plain rxd.

    python scripts/models/slice.py --size small --tstop 2000 --picture slice.png
    mpirun -n 4 python scripts/models/slice.py
    python scripts/models/slice.py --neuron            the same in neuron.rxd

Potassium in the middle of the slice depolarizes neurons, which lose theirs; a wave of it spreads outwards. `--help` lists what
can be asked; slice_tissue.py has the tissue, slice_laws.py the rate laws, slice_results.py the picture and a table.
"""
import sys
import time

import slice_results as results
from slice_options import half_lengths, parsed, tissue_of

options = parsed()
if options.neuron:
    from neuron import rxd
else:
    from ecsmpi import rxd

import slice_tissue  # noqa: E402  (after rxd, which starts MPI)
from neuron import n  # noqa: E402

n.load_file("stdrun.hoc")
pc = n.ParallelContext()


def watch(made):
    """What ecsmpi alone has: progress, the front in three dimensions, and potassium everywhere in a file."""
    k = made.species["k"]
    rxd.Progress(options.tstop)
    if options.output:
        output = rxd.Output(options.output, options.every, species=k)
        rxd.Diagnostics(k, options.every, region=made.ecs, threshold=results.THRESHOLD, front="radius", centre=(0, 0, 0), output=output)


def run(made):
    """[(t, potassium in the middle plane)] of all frames, on every rank. Collective."""
    potassium, frames = made.species["k"][made.ecs], []
    n.finitialize(slice_tissue.REST)
    while True:
        box = potassium.states3d
        frames.append((n.t, box[:, :, box.shape[2] // 2].copy()))
        if n.t > options.tstop - n.dt / 2:
            return frames
        n.continuerun(min(n.t + options.every, options.tstop))


if __name__ == "__main__":
    n.celsius, n.dt, n.steps_per_ms = 37, options.dt, 1 / options.dt
    made = slice_tissue.build(rxd, options)
    if not options.neuron:
        watch(made)
    began = time.perf_counter()
    frames = run(made)
    if pc.id() == 0:
        print(f"slice: {n.t:g} ms in {time.perf_counter() - began:.1f} s")
        results.report(frames, half_lengths(options), options, tissue_of(options))
