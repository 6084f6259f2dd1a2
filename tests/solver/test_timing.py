"""How long each phase takes: what is timed is what happened, once, and shows over ranks."""

import re
import sys
from time import perf_counter, sleep

from ecsmpi.solver import timing
from ecsmpi.solver.timing import PHASES, REST, Phases
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


class Ranks:
    """A communicator for `over_ranks` whose ranks took multiples of this one's times."""

    def __init__(self, *multiples):
        self._multiples = multiples

    def allgather(self, seconds):
        return [
            {name: multiple * one for name, one in seconds.items()}
            for multiple in self._multiples
        ]


class Clock:
    """A clock that tests set, in place of perf_counter. ``reads``: how often it was looked at."""

    def __init__(self):
        self.now, self.reads = 100.0, 0

    def __call__(self):
        self.reads += 1
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(timing, "perf_counter", made)
    return made


def test_phase_holds_the_seconds_inside_it_and_adds_them_up(clock):
    phases = Phases()
    for _ in range(2):
        with phases["up"]:
            clock.now += 0.25
        clock.now += 5.0
    assert phases.seconds()["up"] == 0.5
    assert {name for name, seconds in phases.seconds().items() if seconds} == {"up"}


def test_phase_is_timed_also_where_it_fails(clock):
    phases = Phases()
    with pytest.raises(KeyError), phases["down"]:
        clock.now += 0.125
        raise KeyError
    assert phases.seconds()["down"] == 0.125


def test_phase_knows_when_the_step_entered_it(clock):
    phase = Phases()["gate"]
    assert phase.began is None
    with phase:
        clock.now += 1.0
        assert phase.began == 100.0
    assert phase.began is None


def test_phases_of_a_step_do_not_exceed_it():
    phases, begin = Phases(), perf_counter()
    for name in PHASES:
        with phases[name]:
            sleep(0.001)
    assert len(PHASES) * 0.001 <= sum(phases.seconds().values()) <= perf_counter() - begin


def test_reset_begins_anew(clock):
    phases = Phases()
    with phases["ghosts"]:
        clock.now += 1.0
    phases.steps = 7
    phases.reset()
    assert phases.steps == 0 and not any(phases.seconds().values())


def test_unknown_phase_is_an_error():
    with pytest.raises(KeyError):
        Phases()["lunch"]


def test_mean_and_maximum_over_ranks_are_in_the_order_of_a_step(clock):
    phases = Phases()
    with phases["collect"]:
        clock.now += 0.5
    rows = phases.over_ranks(Ranks(1, 3, 8))
    assert [name for name, _, _ in rows] == [*PHASES, REST]
    assert {name: (mean, most) for name, mean, most in rows}["collect"] == (2.0, 4.0)


def test_the_rest_is_what_no_phase_accounts_for(clock):
    phases = Phases()
    clock.now += 9.0  # before the run
    phases.begin_run()
    for _ in range(2):
        clock.now += 1.0  # NEURON's own
        with phases["up"]:
            clock.now += 0.5
        phases.end_step()
    clock.now += 7.0  # after the last step
    assert phases.over_ranks(Ranks(1))[-1] == (REST, 2.0, 2.0)


def test_a_phase_reads_the_clock_twice_and_runs_few_lines(clock):
    """It costs under a microsecond where it does no more; seconds are not the same twice."""
    phases, lines = Phases(), 0

    def count(frame, event, argument):
        nonlocal lines
        lines += event == "line" and frame.f_code.co_filename == timing.__file__
        return count

    clock.reads = 0
    before = sys.gettrace()
    sys.settrace(count)
    with phases["up"]:
        pass
    sys.settrace(before)
    assert clock.reads == 2
    assert lines <= 6


MODEL = PROGRAMS / "solver" / "timed_model.py"


@pytest.mark.parametrize("ranks", [None, 2])
def test_run_shows_each_phase_once_for_all_ranks(ranks, tmp_path):
    done = mpirun(ranks, ["ecsmpi", "run", MODEL, "--timings", "-q"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("over ranks, 20 steps") == 1
    for name, meaning in PHASES.items():
        (line,) = re.findall(
            rf"^{name} +([\d.]+) +([\d.]+)  {re.escape(meaning)}$", done.stdout, re.MULTILINE
        )
        assert 0 <= float(line[0]) <= float(line[1])
    (up,) = re.findall(r"^up +([\d.]+)", done.stdout, re.MULTILINE)
    assert float(up) > 0


def test_run_is_silent_about_phases_unasked(tmp_path):
    done = mpirun(None, ["ecsmpi", "run", MODEL, "-q"], cwd=tmp_path)
    assert done.returncode == 0 and "over ranks" not in done.stdout
