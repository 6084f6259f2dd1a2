"""`ecsmpi bench`: what a run costs on this machine, measured."""

import argparse
import re
from pathlib import Path


def add_parser(subparsers):
    """Add `bench` and its measurements."""
    parser = subparsers.add_parser(
        "bench", help="measure this machine", description="Measure what a run costs; start it under mpirun for more ranks."
    )
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    memory = kinds.add_parser(
        "memory",
        help="bytes a voxel, over all ranks together",
        description="Resident memory of all ranks together for one species, above that of the same program with a box "
        "of a few voxels: at the end of some steps, and at its peak.",
    )
    memory.add_argument("--shape", type=_positive, nargs=3, default=(256, 256, 256), metavar=("NX", "NY", "NZ"))
    memory.add_argument("--steps", type=_positive, default=3, help="steps to advance (default: 3)")
    memory.set_defaults(func=measure_memory)


def measure_memory(args):
    """Print the bytes a voxel. Collective."""
    from ecsmpi import launch, rxd

    comm = launch.start()
    _advance(rxd, (2 * comm.size, 4, 4), args.steps)
    before, _ = _resident()
    model = _advance(rxd, args.shape, args.steps)  # alive while it is measured
    now, peak = _resident()
    del model
    voxels = args.shape[0] * args.shape[1] * args.shape[2]
    used, used_at_peak = (comm.allreduce(after - before) / voxels for after in (now, peak))
    if comm.rank == 0:
        shape = " x ".join(str(count) for count in args.shape)
        print(f"{shape} voxels, 1 species, {comm.size} ranks: {used:.1f} bytes a voxel, {used_at_peak:.1f} at its peak")


def _advance(rxd, shape, steps):
    """A box of potassium, advanced."""
    from neuron import n

    ecs = rxd.Extracellular(0, 0, 0, *shape, dx=1, volume_fraction=0.2, tortuosity=1.6)
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    n.finitialize(-65)
    for _ in range(steps):
        n.fadvance()
    return k, ecs


def _resident():
    """Resident bytes of this process now, and at its highest."""
    status = Path("/proc/self/status").read_text()
    return [1024 * int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) for key in ("VmRSS", "VmHWM")]


def _positive(text):
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return count
