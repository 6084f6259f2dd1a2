"""What every record of `ecsmpi bench` must have, and the laws it keeps."""

KEYS = {
    "kind",
    "ranks",
    "threads",
    "nodes",
    "shape",
    "species",
    "segments",
    "dt",
    "step_seconds",
    "step_seconds_interval",
    "repetitions",
    "phases",
    "phases_max",
    "provenance",
    "step_times",
}
PROVENANCE = {
    "date",
    "cpu",
    "cores",
    "node_cores",
    "memory_bytes",
    "ecsmpi",
    "neuron",
    "numpy",
    "numba",
    "mpi4py",
    "mpi",
    "python",
}


def check_record(record, kind, ranks, threads=1):
    """Check the laws of every record."""
    assert record.keys() >= KEYS
    assert record["provenance"].keys() >= PROVENANCE
    assert (record["kind"], record["ranks"]) == (kind, ranks)
    assert (record["threads"], record["nodes"]) == (threads, 1)
    lo, hi = record["step_seconds_interval"]
    assert 0 < lo <= record["step_seconds"] <= hi
    assert record["repetitions"] == len(record["step_times"])
    assert min(record["step_times"]) <= lo
    assert hi <= max(record["step_times"])
    for name, mean in record["phases"].items():
        assert 0 <= mean <= record["phases_max"][name] * (1 + 1e-12)
