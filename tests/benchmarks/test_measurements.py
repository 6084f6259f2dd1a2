"""What the measurements compute from the clock: with a clock that the test winds itself."""

from functools import partial

from ecsmpi.benchmarks import repetition
from ecsmpi.benchmarks.comparisons import against_neuron, launches
from ecsmpi.benchmarks.measurements import bandwidth, box, exchange
from ecsmpi.benchmarks.repetition import Effort, Times
from ecsmpi.solver import timing
from ecsmpi.solver.timing import PHASES, Phases
import pytest

EFFORT = Effort(repetitions=6, seconds=0.0, warm_up=2)


class Clock:
    """A clock that stands still until `wait` moves it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


class Alone:
    """The communicator of one rank."""

    size, rank = 1, 0

    def Barrier(self):
        pass

    def allgather(self, value):
        return [value]


class BesideAnother(Alone):
    """The communicator of a rank beside another one, which always sends the same value."""

    size = 2

    def __init__(self, other):
        self.other = other

    def allgather(self, value):
        return [value, self.other]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in (repetition, box, exchange, timing):
        monkeypatch.setattr(module, "perf_counter", clock)
    return clock


def test_phases_add_up_to_the_step(clock):
    phases = Phases()

    def step():
        clock.wait(0.001)
        with phases["up"]:
            clock.wait(0.004)
        with phases["down"]:
            clock.wait(0.003)
        clock.wait(0.0025)

    times, mean, largest = box.timed_steps(Alone(), phases, step, EFFORT)
    assert times.seconds == pytest.approx([0.0105] * 6)
    assert mean.keys() == {*PHASES, "neuron"}
    assert mean["up"] == pytest.approx(0.004)
    assert mean["down"] == pytest.approx(0.003)
    assert mean["neuron"] == pytest.approx(0.0035)
    assert sum(mean.values()) == pytest.approx(0.0105)
    assert largest == mean


def test_halves_of_the_exchange_add_up_to_it(clock):
    class Stub:
        def exchange(self):
            clock.wait(0.005)
            return 0.002, 0.003

    times, mean, _ = exchange.timed_exchange(Alone(), Stub(), EFFORT)
    assert times.seconds == pytest.approx([0.005] * 6)
    assert mean == pytest.approx({"deposit": 0.002, "collect": 0.003})


def test_repetition_lasts_as_long_as_its_slowest_rank(clock):
    def work():
        clock.wait(0.25)

    assert repetition.slowest(Alone(), work) == pytest.approx(0.25)
    assert repetition.slowest(BesideAnother(0.75), work) == 0.75
    assert repetition.slowest(BesideAnother(0.1), work) == pytest.approx(0.25)


def test_repetitions_go_on_until_there_are_enough_and_long_enough(clock):
    calls = []

    def work():
        calls.append(1)
        clock.wait(0.5)

    for seconds, expected in ((0.0, 6), (2.0, 6), (5.0, 10)):
        calls.clear()
        times = repetition.measured(Alone(), work, Effort(6, seconds, warm_up=3))
        assert len(times.seconds) == expected
        assert len(calls) == expected + 3


def test_repetition_has_so_many_steps_that_its_barrier_does_not_show(clock):
    for seconds, expected in ((0.02, 1), (0.004, 3), (0.0001, 100)):
        step = partial(clock.wait, seconds)
        found = repetition.steps_of_repetition(Alone(), step, warm_up=1)
        assert found in (expected, expected + 1)  # one more where round-off decides


def test_ratio_is_that_of_work_done_in_turn(clock):
    def work():
        clock.wait(0.5)

    def other():
        clock.wait(0.75)

    times, ratios = repetition.compared(Alone(), work, other, EFFORT)
    assert times.seconds == pytest.approx([0.5] * 6)
    assert ratios == pytest.approx([1.5] * 6)


def test_mean_and_maximum_over_ranks():
    mean, largest = repetition.over_ranks(
        BesideAnother({"up": 3.0, "down": 0.0}), {"up": 1.0, "down": 2.0}
    )
    assert mean == {"up": 2.0, "down": 1.0}
    assert largest == {"up": 3.0, "down": 2.0}


def test_bandwidth_counts_24_bytes_for_each_double_of_all_threads_and_ranks(monkeypatch):
    copies = []

    def measured(comm, work, effort):
        work()
        return Times([2.0])

    monkeypatch.setattr(bandwidth, "_bytes_of_thread", lambda threads: 8 * 1000)
    monkeypatch.setattr(bandwidth, "_copy", lambda pair: copies.append(pair[0].size))
    monkeypatch.setattr(bandwidth, "measured", measured)
    found = bandwidth.copy_bandwidth(BesideAnother(None), 3, EFFORT)
    assert copies == [1000] * 3
    assert found == 24 * 1000 * 3 * 2 / 2.0


def test_first_start_finds_no_compiled_code(monkeypatch, tmp_path):
    folders = []

    def run_script(script, arguments, ranks, launcher, **environment):
        folder = tmp_path / environment["NUMBA_CACHE_DIR"]
        folders.append(folder)
        assert folder.is_dir() and not any(folder.iterdir())
        (folder / "compiled").touch()
        return {}

    monkeypatch.setattr(launches, "run_script", run_script)
    for _ in range(2):
        against_neuron._first_start(against_neuron.Comparison())
    assert folders[0] != folders[1]
