"""A checkpoint has vectors under other names than the script: `restart_vectors.py FOLDER`."""

import sys
import warnings

from ecsmpi import rxd
from neuron import n
import numpy as np

folder = sys.argv[1]
n.dt = 0.1
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: node.x3d)
trace, times, more = n.Vector(), n.Vector(), n.Vector()
trace.record(k[ecs].node_by_ijk(0, 0, 0)._ref_value)
times.record(n._ref_t)
more.record(n._ref_t)


def steps(count, folder, **vectors):
    """Begin, or go on, and step; what was warned of."""
    checkpoint = rxd.Checkpoint(folder, every="3 steps", vectors=vectors)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        n.finitialize(-65)
    for _ in range(count):
        n.fadvance()
    checkpoint.close()
    return [str(one.message) for one in said if issubclass(one.category, UserWarning)]


assert steps(3, folder, trace=trace, times=times) == []
expected = np.array(trace)
assert expected.size == 4
rxd.restart(folder)
assert steps(0, folder + "-same", trace=trace, times=times) == []
assert np.array_equal(trace, expected)
rxd.restart(folder)
said = steps(0, folder + "-other", trace=trace, time=times, more=more)
if rxd.rank() == 0:
    (words,) = said
    assert (
        "the script does not give, and what they had recorded is left out: 'times'" in words
    ), words
    assert "which begin at t = 0.3 ms: 'more', 'time'" in words, words
else:
    assert said == []
assert np.array_equal(trace, expected)
pc = n.ParallelContext()
assert (pc.allreduce(trace.size(), 1), pc.allreduce(trace.size(), 2)) == (4 * pc.nhost(), 4)
