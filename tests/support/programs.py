"""Running a program of tests/programs whose asserts are the test's, with ecsmpi and with NEURON."""

from pathlib import Path
import textwrap

from support.neuron_reference import disagreements
from support.ranks import TESTS, mpirun

PROGRAMS = TESTS / "programs"


def script(lines):
    """Return the text of a program of a few lines, which finds the names of support.model."""
    return "from support.model import *\n" + textwrap.dedent(lines)


def holds(on_ranks, ranks, program, *arguments):
    """Run a program (a Path, or a few lines of text) with ecsmpi; its asserts are the test's."""
    if not isinstance(program, Path):
        program = script(program) + "\nsave()\n"
    on_ranks(ranks, program, "ecsmpi", *arguments)


def as_neuron(on_ranks, program, *arguments, ranks=(3,), tolerance=1e-11):
    """Run a program with NEURON and with ecsmpi: both must save the same; return what NEURON saves.

    The tolerance is relative to each array's largest value. Round-off grows tenfold in the upstroke
    of a spike.
    """
    if not isinstance(program, Path):
        program = script(program)
    expected = on_ranks(None, program, "neuron", *arguments)
    for count in ranks:
        found = on_ranks(count, program, "ecsmpi", *arguments)
        said = disagreements(found, expected, tolerance)
        assert not said, "\n".join([f"on {count} ranks:", *said])
    return expected


def in_neuron(tmp_path, program, *arguments, mechanisms=None):
    """Run a program in a NEURON of its own, without ecsmpi.rxd; its asserts are the test's.

    mechanisms : folder of compiled mechanisms that NEURON shall load
    """
    env = {"NRN_MODULE_LIBRARY": None, "NEURON_MODULE_OPTIONS": "-nogui"}
    done = mpirun(None, ["python", program, *arguments], cwd=mechanisms or tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
