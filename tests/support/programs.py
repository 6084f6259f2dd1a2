"""Running a program of tests/programs whose asserts are the test's, with ecsmpi and with NEURON."""

import textwrap

import pytest

from support.neuron_reference import disagreements
from support.ranks import TESTS, mpirun

PROGRAMS = TESTS / "programs"


class Together:
    """A program of several cases, some of which share a job: a start costs more than most cases.

        PROGRAM = Together(PROGRAMS / "rxd" / "nodes.py", {None: "found lists", 3: "values traces"})

    `holds` and `as_neuron` take it as they take a path. The first test that asks for a case on so
    many ranks runs all that are named for that number, with rxd.reset() between them; the others
    look at what it left. A case that fails is told by its own test. NEURON, other numbers of ranks
    and cases with arguments have a job each.

    Parameters
    ----------
    path : the program, which ends with `run_case(globals())`
    cases : {number of ranks: names of cases}, each of which makes its own model; a case that sets
    an option or a default of NEURON comes last, or not here
    """

    def __init__(self, path, cases):
        self.path = path
        self._cases = {ranks: names.split() for ranks, names in cases.items()}
        self._found = {}

    def run(self, on_ranks, ranks, backend, *arguments):
        """Return the arrays of `on_ranks(ranks, path, backend, *arguments)`."""
        together = self._cases.get(ranks, ())
        if backend == "neuron" or len(arguments) != 1 or arguments[0] not in together:
            return on_ranks(ranks, self.path, backend, *arguments)
        (case,) = arguments
        if ranks not in self._found:
            try:
                self._found[ranks] = on_ranks(ranks, self.path, backend, "+".join(together))
            except pytest.fail.Exception as error:
                self._found[ranks] = {f"{each}!": str(error) for each in together}
        found = self._found[ranks]
        if f"{case}!" in found:
            pytest.fail(f"{case}, in a job with others:\n{found[f'{case}!']}", pytrace=False)
        start = f"{case}/"
        return {
            name.removeprefix(start): array
            for name, array in found.items()
            if name.startswith(start)
        }


def _run(on_ranks, ranks, program, backend, *arguments):
    if isinstance(program, Together):
        return program.run(on_ranks, ranks, backend, *arguments)
    return on_ranks(ranks, program, backend, *arguments)


def script(lines):
    """Return the text of a program of a few lines, which finds the names of support.model."""
    return "from support.model import *\n" + textwrap.dedent(lines)


def holds(on_ranks, ranks, program, *arguments):
    """Run a program (a Path, or a few lines of text) with ecsmpi; its asserts are the test's."""
    if isinstance(program, str):
        program = script(program) + "\nsave()\n"
    _run(on_ranks, ranks, program, "ecsmpi", *arguments)


def as_neuron(on_ranks, program, *arguments, ranks=(3,), tolerance=1e-11):
    """Run a program with NEURON and with ecsmpi: both must save the same; return what NEURON saves.

    The tolerance is relative to each array's largest value. Round-off grows tenfold in the upstroke
    of a spike.
    """
    if isinstance(program, str):
        program = script(program)
    expected = _run(on_ranks, None, program, "neuron", *arguments)
    for count in ranks:
        found = _run(on_ranks, count, program, "ecsmpi", *arguments)
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
