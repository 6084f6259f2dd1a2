"""A rank that waits inside a step says for what and for whom; ranks that do not wait are silent."""

import io

from ecsmpi.run import waiting
from ecsmpi.solver.timing import Phases
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


class Comm:
    rank, size = 1, 9


def watch():
    phases, said = Phases(), io.StringIO()
    watch = waiting.WaitingWatch(phases, said)
    watch._thread = "none"
    watch.start(Comm, {"ghosts": {0, 2}, "deposit": {4}})
    return phases, said, watch


def test_a_long_wait_is_said_once_and_again_after_ten_times_as_long():
    phases, said, looking = watch()
    with phases["ghosts"]:
        began = phases["ghosts"].began
        for seconds in (1, 59, 61, 300, 600, 615, 700, 6100, 6200):
            looking.look(began + seconds)
    looking.look(began + 10**6)  # over
    lines = said.getvalue().splitlines()
    for line, seconds in zip(lines, (61, 615, 6200), strict=True):
        assert line.startswith(f"ecsmpi: rank 1 of 9 has waited {seconds} s in a step")
        assert "for ghost planes (ranks 0, 2): is one of them slow, stopped" in line


def test_a_wait_after_another_is_said_too_and_work_is_no_wait():
    phases, said, looking = watch()
    for name in ("deposit", "collect", "up", "down", "react", "deposit"):
        with phases[name]:
            looking.look(phases[name].began + 100)
    lines = said.getvalue().splitlines()
    assert len(lines) == 3
    assert "currents of segments (rank 4)" in lines[0]
    assert "concentrations at its segments (ranks 0, 2, 3, 4, 5, 6, ...)" in lines[1]


def test_ranks_that_wait_for_a_stopped_one_name_it():
    done = mpirun(3, ["python", PROGRAMS / "run" / "stopped.py"], timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("went on") == 3
    lines = [line for line in done.stderr.splitlines() if "has waited" in line]
    of_waiting = [line for line in lines if line.startswith("ecsmpi: rank 1 of 3 has waited")]
    assert any("(ranks 0, 2)" in line for line in of_waiting), done.stderr
    of_stopped = [line for line in lines if line.startswith("ecsmpi: rank 2 of 3")]
    assert not any("ghost" in line for line in of_stopped)


@pytest.mark.long
def test_a_wait_inside_neurons_own_part_of_a_step_is_told_once():
    done = mpirun(3, ["python", PROGRAMS / "run" / "waits_in_neuron.py"], timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("went on") == 3
    said = {way.partition("\n")[0]: way for way in done.stderr.split("begins ")[1:]}
    for way in ("psolve", "fadvance", "continuerun"):
        told = [
            line for line in said[way].splitlines() if "in NEURON's own part of a step" in line
        ]
        first = "ecsmpi: rank 0 of 3 has waited 1 s in"
        of_first = [line for line in told if line.startswith(first)]
        assert len(of_first) == 1, said[way]
        assert "not ecsmpi's messages): is another rank slow" in of_first[0], said[way]
        assert not any(line.startswith("ecsmpi: rank 1") for line in told), said[way]
    for way in ("barrier", "python", "sleep"):
        assert "NEURON's own part" not in said[way], said[way]
