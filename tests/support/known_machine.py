"""A machine that is just as the model of `ecsmpi plan` says, and records measured on it."""

from ecsmpi.benchmarks.plan import step_model
from ecsmpi.benchmarks.plan.step_model import Layout, Machine, Workload

TRUE = Machine(
    cores=8,
    domains=1,
    core_bandwidth=30e9,
    node_bandwidth=60e9,
    traffic=72.0,
    compute=4e-9,
    message=5e-6,
    plane_byte=4e-10,
    coupling_step=4e-5,
    coupling_message=3e-6,
    entry=9e-8,
    neuron_step=5e-5,
    neuron_segment=3e-7,
)
SHARES = {
    "sweeps": ("up", "down"),
    "planes": ("ghosts", "interfaces"),
    "exchange": ("deposit", "collect"),
}


def record(
    ranks, threads=1, shape=(64, 48, 48), segments=0, species=1, kind="strong", machine=TRUE
):
    """What `ecsmpi bench` would write on a machine that is just as the model says."""
    measured = {
        "shape": list(shape),
        "species": species,
        "segments": segments,
        "dt": 0.025,
        "dx": 5.0,
    }
    problem = Workload(shape, species, segments, 2.62 / 1.6**2 * 0.025 / 25)
    layout = Layout(1, ranks, threads)
    parts = step_model.step_parts(problem, layout, machine)
    phases = {name: parts[part] / 2 for part, names in SHARES.items() for name in names}
    return {
        "kind": kind,
        "ranks": ranks,
        "threads": threads,
        "nodes": 1,
        **measured,
        "step_seconds": sum(parts.values()),
        "step_seconds_interval": [0, 1],
        "repetitions": 20,
        "phases": phases | {"neuron": parts["NEURON"]},
        "phases_max": phases,
        "copy_bytes_per_second": machine.bandwidth(ranks * threads),
        "provenance": {"cores": machine.cores},
    }


def records(machine=TRUE):
    sizes = [
        ((64, 48, 48), 0, 1),
        ((64, 48, 48), 40_000, 1),
        ((128, 64, 64), 2_000, 1),
        ((96, 16, 16), 0, 3),
    ]
    return [
        record(ranks, threads, shape, segments, species, machine=machine)
        for ranks, threads in ((1, 1), (2, 1), (1, 2), (4, 1), (2, 4), (8, 1))
        for shape, segments, species in sizes
    ]
