"""What programs of tests/programs/cells are made of that need NEURON's segments and no box.

A program that imports this module is called by `PROGRAM CASE [ARGUMENT ...]` and ends with
`run_case(globals())`, which calls the function CASE with the arguments.
"""

import os
import sys

from ecsmpi.cells.segments import Segments
import neuron
from neuron import n
from neuron.rxd.geometry import _surface_areas1d
from neuron.rxd.species import _xyz
import numpy as np

n.load_file("stdrun.hoc")


def segments():
    """Return all segments, in NEURON's order of sections."""
    return [seg for sec in n.allsec() for seg in sec]


def pyramid(um_per_segment=5):
    """Make the pyramidal cell that comes with NEURON."""
    n.xopen(os.path.join(os.path.dirname(neuron.__file__), ".data/share/nrn/demo/pyramid.nrn"))
    for sec in n.allsec():
        sec.nseg = 1 + 2 * int(sec.L / um_per_segment)


def message_of(error, call, *arguments):
    """Return the message of the error that a call must raise."""
    try:
        call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{call.__name__}{arguments} raised no {error.__name__}")


def equal_to_rxd():
    """Return the segments, whose areas and centres must be those of NEURON's rxd."""
    found = Segments()
    area = np.concatenate([_surface_areas1d(sec) for sec in n.allsec()])
    assert np.abs(found.area - area).max() <= 1e-14 * area.max(), (found.area, area)
    assert np.allclose(found.area, area, rtol=1e-14, atol=1e-14 * area.max())
    centre = np.array([_xyz(seg) for seg in segments()])
    assert np.array_equal(found.centre, centre)
    return found


def run_case(names):
    """Call the function that the command line names."""
    case, *arguments = sys.argv[1:]
    names[case](*arguments)
