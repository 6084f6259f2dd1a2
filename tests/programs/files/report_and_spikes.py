"""Writes a report, r.h5, and spikes, s.h5, of 9 ms."""

from support.reported_network import n, rxd

report = rxd.SegmentReport("r.h5", "v", every=1)
spikes = rxd.Spikes("s.h5")
n.finitialize(-65)
n.continuerun(9)
