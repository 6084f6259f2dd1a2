"""Observers made after n.finitialize take part from then on: python late.py FOLDER.

Those made before are there for comparison. Then objects of the script's own, and what they are
told.
"""

import io
from pathlib import Path
import sys

import numpy as np

from support.observed_model import k, n, pc, rank, run, rxd, steps

folder = Path(sys.argv[1])
first = rxd.Output(folder / "early.h5", every=0.2)
report = rxd.SegmentReport(folder / "early.report.h5", "v", every=0.2)
numbers = rxd.Diagnostics(k, every=0.2, output=first, balance=True)
run(5)  # to 0.5 ms
late = rxd.Output(folder / "late.h5", every=0.2)
late_report = rxd.SegmentReport(folder / "late.report.h5", "v", every=0.2)
late_spikes = rxd.Spikes(folder / "late.spikes.h5", every=0.5)
late_numbers = rxd.Diagnostics(k, every=0.2, path=folder / "late.numbers.h5", balance=True)
in_early = rxd.Diagnostics(k, every=0.2, output=first, name="later", threshold=3.001)
stream = io.StringIO()
progress = rxd.Progress(2, stream)
steps(1)
assert (folder / "late.h5").exists()
assert (folder / "late.report.h5").exists()  # they have no frame yet
steps(4)  # to 1.0 ms
checkpoint = rxd.Checkpoint(folder / "sets", every="3 steps")
steps(6)
checkpoint.close()
steps(4)  # to 2 ms
for one in (report, late_report, late_spikes, late_numbers, in_early):
    one.flush()
progress.close()
if rank == 0:
    said = stream.getvalue()
    assert "4 x 4 x 4 voxels" in said and "t = 2 of 2 ms" in said, said
    assert late_numbers.balance().keys() == numbers.balance().keys()
    np.savez(
        folder / "late.npz",
        early=numbers.table["max"],
        late=late_numbers.table["max"],
        at=late_numbers.table["time"],
        residual=late_numbers.table["residual"],
        stored=late_numbers.table["stored"],
    )
for one in (numbers, in_early, late_numbers, first, report, late, late_report, late_spikes):
    one.close()


class Told(rxd.Observer):
    """Overrides a part of the methods."""

    def __init__(self):
        self.what = []

    def started(self, simulation, t):
        self.what.append(("started", round(t, 6)))

    def stepped(self, simulation, t):
        self.what.append(round(t, 6))

    def ended(self):
        self.what.append("ended")


class Duck:
    """Has one method, and is no rxd.Observer."""

    def __init__(self):
        self.times = []

    def stepped(self, simulation, t):
        self.times.append(round(t, 6))


told, duck = Told(), Duck()
rxd.add_observer(told)
n.finitialize(-65)
steps(1)
rxd.add_observer(duck)
steps(1)
rxd.remove_observer(told)
steps(1)
assert told.what == [("started", 0), 0.1, 0.2, "ended"], told.what
assert duck.times == [0.2, 0.3], duck.times
try:
    rxd.remove_observer(told)
except ValueError as error:
    assert "takes no part in the run" in str(error)
else:
    sys.exit("removed twice")
with told:
    assert told.observers is None
rxd.remove_observer(duck)
n.finitialize(-65)
steps(1)
assert duck.times == [0.2, 0.3]

# An Output without a name goes on through a second finitialize: the file begins again.
rxd.Output(folder / "nameless.h5", every=0.1)
run(2)
run(4)
pc.barrier()
