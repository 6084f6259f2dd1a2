"""How long each phase takes: what is timed is what happened, once, and shows over ranks."""

import re
from time import perf_counter, sleep

from ecsmpi.solver.timing import PHASES, Phases
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


class Ranks:
    """A communicator for `over_ranks` whose ranks took multiples of this one's times."""

    def __init__(self, *multiples):
        self._multiples = multiples

    def allgather(self, seconds):
        return [
            {name: multiple * one for name, one in seconds.items()} for multiple in self._multiples
        ]


def test_phase_holds_the_seconds_inside_it_and_adds_them_up():
    phases = Phases()
    for _ in range(2):
        with phases["up"]:
            sleep(0.02)
        sleep(0.05)
    assert 0.04 <= phases.seconds()["up"] < 0.08
    assert {name for name, seconds in phases.seconds().items() if seconds} == {"up"}


def test_phase_is_timed_also_where_it_fails():
    phases = Phases()
    with pytest.raises(KeyError), phases["down"]:
        sleep(0.01)
        raise KeyError
    assert phases.seconds()["down"] >= 0.01


def test_phases_of_a_step_do_not_exceed_it():
    phases, begin = Phases(), perf_counter()
    for name in PHASES:
        with phases[name]:
            sleep(0.001)
    assert len(PHASES) * 0.001 <= sum(phases.seconds().values()) <= perf_counter() - begin


def test_reset_begins_anew():
    phases = Phases()
    with phases["ghosts"]:
        sleep(0.001)
    phases.steps = 7
    phases.reset()
    assert phases.steps == 0 and not any(phases.seconds().values())


def test_unknown_phase_is_an_error():
    with pytest.raises(KeyError):
        Phases()["lunch"]


def test_mean_and_maximum_over_ranks_are_in_the_order_of_a_step():
    phases = Phases()
    with phases["collect"]:
        sleep(0.001)
    own = phases.seconds()["collect"]
    rows = phases.over_ranks(Ranks(1, 3, 8))
    assert [name for name, _, _ in rows] == list(PHASES)
    assert {name: (mean, most) for name, mean, most in rows}["collect"] == pytest.approx(
        (4 * own, 8 * own)
    )


def test_a_phase_costs_about_a_microsecond():
    phases, phase_count = Phases(), 20_000
    best = min(_seconds_of(phases, phase_count) for _ in range(5))
    assert best / phase_count < 3e-6


def _seconds_of(phases, count):
    begin = perf_counter()
    for _ in range(count):
        with phases["up"]:
            pass
    return perf_counter() - begin


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
