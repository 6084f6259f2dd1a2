"""Runs one after another in one process, each with observers of its own: `sweep.py FOLDER`.

They are held in one way after another.

It writes NAME.npz for each way: what each run ended with.
"""

from pathlib import Path
import sys
import warnings

import numpy as np

from support.observed_model import ecs, k, rank, run, rxd, steps

folder = Path(sys.argv[1])
RATES = (0.1, 1, 10)
made, kept, ends = None, [], []


def observers(name):
    """One of each kind, for the files of one run."""
    return [
        rxd.Output(folder / f"{name}.h5", every=0.1),
        rxd.SegmentReport(folder / f"{name}.report.h5", "v", every=0.1),
        rxd.Spikes(folder / f"{name}.spikes.h5", every=1),
        rxd.Diagnostics(k, every=0.1, path=folder / f"{name}.numbers.h5"),
    ]


def ends_with_run():
    """A run, and what it has ended with."""
    run()
    ends.append(np.array(k[ecs].states3d).max())


def bound(d):
    """A name that is given to the next ones."""
    global made
    made = observers(f"bound{d}")
    ends_with_run()


def local(d):
    """Names of a function."""
    here = observers(f"local{d}")
    ends_with_run()
    assert len(here) == 4


def nameless(d):
    """No names."""
    observers(f"nameless{d}")
    ends_with_run()


def closed(d):
    """Names that live on, of observers that end."""
    kept.extend(observers(f"closed{d}"))
    ends_with_run()
    for one in kept:
        one.close()
    steps(3)


def within(d):
    """The files of a with statement."""
    output, report, spikes, numbers = observers(f"within{d}")
    with output, report, spikes, numbers:
        ends_with_run()
    steps(3)


def removed(d):
    """They are told to go, and end at the next step."""
    kept.extend(observers(f"removed{d}"))
    ends_with_run()
    for one in kept[-4:]:
        rxd.remove_observer(one)
    steps(3)


def same(d):
    """Write to the same paths, as in a notebook's cell that is run again.

    The older observers have names that live on.
    """
    kept.extend(observers("same"))
    ends_with_run()


warnings.simplefilter("error")
for way in (bound, local, nameless, closed, within, removed, same):
    ends.clear()
    for d in RATES:
        k.d = d
        way(d)
    made = None
    kept.clear()
    k.d = 100
    if way is not nameless:  # those go on, until others are made
        run(1)
    if rank == 0:
        np.save(folder / f"{way.__name__}.npy", ends)
