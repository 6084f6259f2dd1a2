"""NEURON's own state of all this rank's cells as bytes: voltages, mechanisms' states, weights, and
the events that are still to come.

By SaveState: the same bits, for the same cells on the rank. Parameters, and what the mechanisms
keep outside of STATE (see SaveState in NEURON's manual), are as the script sets them.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re

from ecsmpi.cells import saved_state, state_check
from ecsmpi.cells.inventory import context, objects, random_streams
from ecsmpi.neuron_api.interpreter import n, neuron
from ecsmpi.neuron_api.range_variable import neurons_function_when_called

_STATEMENT = re.compile(
    rb"5\n1 [01]\n"
)  # SaveState's number for an event of cvode.event, has it a statement, has it an object
_LONG = re.compile(rb"5\n1 [01]\n[^\n]{%d}" % (saved_state.LONGEST_STATEMENT + 1))
MOST_PLACE = 1 << 34  # of a random stream: NEURON counts 32 bits of fours
_exchange_spikes = neurons_function_when_called(
    "_Z18nrn_spike_exchangeP9NrnThread", None, ctypes.c_void_p
)
_save_state = functools.cache(n.SaveState)  # once, as NEURON loses memory for each


def of_rank() -> bytes:
    """The state of all cells of this rank. Local, between steps, after `exchange_spikes`."""
    data = _saved()
    if b"\nPythonObject\n" in data:
        raise ValueError(
            "a Python function waits in NEURON's queue for its time (cvode.event), which no checkpoint can hold: "
            "use a statement of hoc in its place, or a NetStim and a NetCon"
        )
    if _LONG.search(data):
        raise ValueError(
            f"a statement of hoc of more than {saved_state.LONGEST_STATEMENT} letters waits in NEURON's queue for its time (cvode.event), "
            "which NEURON does not read again: put it into a procedure, and post the call of that"
        )
    return data


def _saved() -> bytes:
    memory, file = _memory()
    _save_state().save()
    _save_state().fwrite(file)
    memory.seek(0)
    data = memory.read()
    memory.truncate(0)
    return data


def has_statements(data: bytes) -> bool:
    """Whether statements of hoc wait in the queue of a state of `of_rank`, by cvode.event."""
    return _STATEMENT.search(data) is not None


def check_rank(data: bytes, t: float, dt: float) -> None:
    """Raise ValueError unless a state of `of_rank`, of t (ms), may be given to `set_rank`. Local,
    after finitialize.

    Whoever can write a checkpoint can write any bytes, and NEURON looks at none of them. dt: ms, of
    a step.
    """
    state_check.check(saved_state.read(data), saved_state.read(_saved()), t, t - dt)


def set_rank(data: bytes) -> None:
    """Bring this rank's cells, and NEURON's time, to a state that `check_rank` has passed. Local,
    after finitialize.
    """
    memory, file = _memory()
    memory.seek(0)
    memory.write(data)
    memory.flush()
    _save_state().fread(file)
    memory.truncate(0)
    _save_state().restore()


@functools.cache
def _memory():
    """An empty file that is memory, for what NEURON writes, as it does not look whether a disk took
    it; and NEURON's name for it.
    """
    memory = os.fdopen(os.memfd_create("ecsmpi"), "r+b")
    return memory, n.File(f"/proc/self/fd/{memory.fileno()}")


def exchange_spikes() -> None:
    """Hand over the spikes that wait for NEURON's next exchange. Collective."""
    if context().nhost() > 1:
        _exchange_spikes(ctypes.c_void_p.in_dll(neuron.nrn_dll(), "nrn_threads"))


def random_places() -> list[float]:
    """Where this rank's random streams are, which SaveState leaves out: Random objects, RANDOM of
    mechanisms. Local.
    """
    return [float(one.seq()) for one in objects("Random")] + [
        float(one.get_seq()) for one in random_streams()
    ]


def check_random_places(places) -> list[float]:
    """Places of `random_places` for the streams of now. ValueError where they are no such places.
    Local.
    """
    count = len(random_places())
    if not isinstance(places, list) or len(places) != count:
        raise ValueError(f"its random streams are not the {count} of the script")
    odd = [place for place in places if type(place) is not float or not 0 <= place < MOST_PLACE]
    if odd:
        raise ValueError(f"a random stream stands at {ascii(odd[0])}, which no stream reaches")
    return places


def set_random_places(places: list[float]) -> None:
    """Bring them there. Local."""
    found = objects("Random")
    for one, place in zip(found, places):
        one.seq(place)
    for one, place in zip(random_streams(), places[len(found) :], strict=True):
        one.set_seq(place)
