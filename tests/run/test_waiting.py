"""A rank that waits inside a step says for what and for whom; ranks that do not wait say nothing."""

import io

from ecsmpi.run import waiting
from ecsmpi.solver.timing import Phases

from support.ranks import TESTS, mpirun

STOPPED = """
import os, signal, threading, time
from ecsmpi.run import waiting
waiting.LIMIT = 1.0
from ecsmpi import rxd
from neuron import n

ecs = rxd.Extracellular(0, 0, 0, 60, 4, 4, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=3)
n.finitialize(-65)
n.fadvance()


class Stops:
    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        if rxd.rank() == 2:
            time.sleep(4)  # as a rank that is stopped, before it sends

    def ended(self):
        pass


rxd.add_observer(Stops())
n.finitialize(-65)
n.fadvance()
n.fadvance()
print("went on")
"""


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
    assert [line.split(" in a step")[0] for line in lines] == [
        f"ecsmpi: rank 1 of 9 has waited {s} s" for s in (61, 615, 6200)
    ]
    assert all(
        "for ghost planes (ranks 0, 2): is one of them slow, stopped" in line for line in lines
    )


def test_a_wait_after_another_is_said_too_and_work_is_no_wait():
    phases, said, looking = watch()
    for name in ("deposit", "collect", "up", "down", "react", "deposit"):
        with phases[name]:
            looking.look(phases[name].began + 100)
    lines = said.getvalue().splitlines()
    assert len(lines) == 3
    assert (
        "currents of segments (rank 4)" in lines[0]
        and "concentrations at its segments (ranks 0, 2, 3, 4, 5, 6, ...)" in lines[1]
    )


def test_ranks_that_wait_for_a_stopped_one_name_it():
    done = mpirun(3, ["python", "-c", STOPPED], timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("went on") == 3
    lines = [line for line in done.stderr.splitlines() if "has waited" in line]
    assert any(
        line.startswith("ecsmpi: rank 1 of 3 has waited") and "(ranks 0, 2)" in line
        for line in lines
    ), done.stderr
    assert not any(line.startswith("ecsmpi: rank 2 of 3") and "ghost" in line for line in lines)


def test_a_wait_inside_neurons_own_part_of_a_step_is_told_once():
    done = mpirun(3, ["python", TESTS / "programs" / "waits_in_neuron.py"], timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("went on") == 3
    said = {way.partition("\n")[0]: way for way in done.stderr.split("begins ")[1:]}
    for way in ("psolve", "fadvance", "continuerun"):
        told = [line for line in said[way].splitlines() if "in NEURON's own part of a step" in line]
        of_first = [
            line for line in told if line.startswith("ecsmpi: rank 0 of 3 has waited 1 s in")
        ]
        assert (
            len(of_first) == 1 and "not ecsmpi's messages): is another rank slow" in of_first[0]
        ), said[way]
        assert not any(line.startswith("ecsmpi: rank 1") for line in told), said[way]
    for way in ("barrier", "python", "sleep"):
        assert "NEURON's own part" not in said[way], said[way]
