"""Scripts for tests of the membrane of one rank: segments, range variables and ions, each in a
NEURON of its own.
"""

import textwrap

from support.ranks import mpirun

PRELUDE = """
import os
import sys
import time
import neuron
import numpy as np
from neuron import n
from ecsmpi.cells.ion_mechanism import refuse_other_writers, use_ion
from ecsmpi.cells.neuron_modes import refuse_unsupported_modes
from ecsmpi.cells.segments import Segments
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.neuron_api.structure import structure_counts
n.load_file("stdrun.hoc")

def segments():
    return [seg for sec in n.allsec() for seg in sec]

def pyramid(um_per_segment=5):
    n.xopen(os.path.join(os.path.dirname(neuron.__file__), ".data/share/nrn/demo/pyramid.nrn"))
    for sec in n.allsec():
        sec.nseg = 1 + 2 * int(sec.L / um_per_segment)

def message_of(error, call, *arguments):
    try:
        call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{call.__name__}{arguments} raised no {error.__name__}")

def equal_to_rxd():
    from neuron.rxd.geometry import _surface_areas1d
    from neuron.rxd.species import _xyz
    found = Segments()
    area = np.concatenate([_surface_areas1d(sec) for sec in n.allsec()])
    assert np.abs(found.area - area).max() <= 1e-14 * area.max(), (found.area, area)
    assert np.allclose(found.area, area, rtol=1e-14, atol=1e-14 * area.max())
    centre = np.array([_xyz(seg) for seg in segments()])
    assert np.array_equal(found.centre, centre)
    return found
"""


def in_neuron(tmp_path, body, *arguments, mechanisms=None):
    """Run `body` after PRELUDE in a NEURON of its own; its asserts are this test's asserts."""
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + textwrap.dedent(body))
    env = {"NRN_MODULE_LIBRARY": None, "NEURON_MODULE_OPTIONS": "-nogui"}
    done = mpirun(None, ["python", script, *arguments], cwd=mechanisms or tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
