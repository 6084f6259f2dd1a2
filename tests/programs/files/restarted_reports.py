"""Writes reports for 20 ms: `restarted_reports.py HOW`.

HOW is "whole" (without checkpoints), "first" (13 ms with checkpoints) or "again" (from the last
checkpoint on).
"""

import sys

from support.reported_network import n, pc, rxd

how = sys.argv[1]
report = rxd.SegmentReport("report.h5", ["v", "m_hh"], every=0.2)
spikes = rxd.Spikes("spikes.h5", every=3)
n.tstop = 20
if how != "whole":
    rxd.Checkpoint("checkpoints", every="77 steps")
if how == "again":
    rxd.restart("checkpoints")
n.finitialize(-65)
start = n.t
pc.psolve(13 if how == "first" else 20)
if how == "again":
    assert abs(start - 7.7) < 1e-9, start
