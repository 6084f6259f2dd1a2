"""States of observers come back from a checkpoint by name, from older ones by place."""

from ecsmpi.run.observers.base import Observer, ObserverState, ScriptObserver
import numpy as np
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun

FIELDS = ("files", "cadence")
VALUES = {"files": [{"": 3}], "cadence": [0.0, 2]}


def find(places, fields=FIELDS):
    return ObserverState.find(places, "output", "k.h5", fields)


def test_a_state_comes_back_by_its_names():
    record = ObserverState("output", "k.h5", VALUES).record()
    other = ObserverState("output", "na.h5", {}).record()
    assert find([other, ["output", "a script's own"], record]).fields == VALUES


def test_a_state_of_the_first_version_is_read_by_its_places():
    assert find([["output", "k.h5", [{"": 3}], [0.0, 2]]]).fields == VALUES


def test_a_single_value_of_the_first_version_may_be_a_record():
    assert find([["output", "k.h5", {"": 3}]], ("files",)).fields == {"files": {"": 3}}


def test_a_state_that_is_not_there_is_none():
    assert find([["report", "k.h5", [], []], ["output", "na.h5", [], []]]) is None


def test_a_state_of_a_later_version_is_refused():
    with pytest.raises(
        ValueError, match="state of version 3, and this version of ecsmpi reads 2"
    ):
        find([["output", "k.h5", {"version": 3, **VALUES}]])


@pytest.mark.parametrize("place", [["output", "k.h5", {"version": 2}], ["output", "k.h5"]])
def test_a_state_without_its_values_is_refused(place):
    with pytest.raises((KeyError, ValueError)):
        find([place])


def test_states_of_one_name_come_back_in_their_order():
    places = [ObserverState("output", "k.h5", {"files": i}).record() for i in range(2)]
    for turn in range(2):
        found = ObserverState.find(places, "output", "k.h5", ("files",), turn, 2)
        assert found.fields == {"files": turn}


def test_diagnostics_of_one_name_go_on_each_from_its_own_sums(tmp_path):
    program = PROGRAMS / "run" / "alike_diagnostics.py"
    done = mpirun(None, ["python", program, tmp_path / "sets"])
    assert done.returncode == 0, done.stderr


def test_methods_of_an_observer_do_nothing():
    one = Observer()
    one.started(None, 0.0)
    one.resumed(None, 0.0, [])
    one.joined(None, 0.0)
    one.stepped(None, 0.0)
    one.completed()
    one.ended()
    assert (one.state(), one.line(), one.paths_written(), one.parts()) == (None, "", [], [])


class Steps:
    """An object of a script with one method of an observer."""

    def __init__(self):
        self.times = []

    def stepped(self, simulation, t):
        self.times.append(t)


def test_an_object_with_some_methods_is_wrapped_once():
    steps = Steps()
    one = ScriptObserver(steps)
    one.started(None, 0.0)
    one.stepped(None, 0.5)
    one.completed()
    one.resumed(None, 0.5, [])
    one.joined(None, 0.5)
    one.ended()
    assert steps.times == [0.5]
    assert one.state() is None
    assert repr(one) == repr(steps)


def test_a_restart_from_positional_states_goes_on_as_from_named_ones(on_ranks, tmp_path):
    found = on_ranks(None, PROGRAMS / "run" / "positional_states.py", tmp_path)
    assert found["positional"] == "True"
    for name in ("times", "stored", "frames"):
        assert np.array_equal(found[f"{name} of places"], found[f"{name} of names"]), name
    assert found["frames of names"].size == 5
