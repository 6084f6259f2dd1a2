"""NEURON's own state of all this rank's cells as bytes.

It holds voltages, states of mechanisms, weights, and the events that are still to come. NEURON's
SaveState makes it: the same bits, for the same cells on the rank. Parameters, and what the
mechanisms keep outside of STATE (see SaveState in NEURON's manual), are as the script sets them.
Positions of random streams, which SaveState leaves out, are saved beside it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
from typing import Any, BinaryIO

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.gids import context
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.mechanisms import objects, random_streams
from ecsmpi.neuron_api.state import savestate_check, savestate_format
from ecsmpi.neuron_api.state.savestate_format import LONGEST_STATEMENT

# SaveState writes of an event of cvode.event: its type, has it a statement, has it an object.
_STATEMENT = re.compile(rb"5\n1 [01]\n")
_LONG_STATEMENT = re.compile(rb"5\n1 [01]\n[^\n]{%d}" % (LONGEST_STATEMENT + 1))
MOST_PLACE = 1 << 34  # of a random stream: NEURON counts 32 bits of fours

_exchange_spikes = library.function_when_called(symbols.EXCHANGE_SPIKES, None, ctypes.c_void_p)
_save_state = functools.cache(n.SaveState)  # once, as NEURON loses memory for each


def of_rank() -> bytes:
    """The state of all cells of this rank. Local, between steps, after `exchange_spikes`.

    Raises ValueError where an event waits that NEURON could not read again.
    """
    data = _saved()
    if b"\nPythonObject\n" in data:
        raise ValueError(
            "a Python function waits in NEURON's queue for its time (cvode.event), which no "
            "checkpoint can hold: use a statement of hoc in its place, or a NetStim and a NetCon"
        )
    if _LONG_STATEMENT.search(data):
        raise ValueError(
            f"a statement of hoc of more than {LONGEST_STATEMENT} letters waits in NEURON's queue "
            "for its time (cvode.event), which NEURON does not read again: put it into a "
            "procedure, and post the call of that"
        )
    return data


def _saved() -> bytes:
    memory, file = _memory_file()
    _save_state().save()
    _save_state().fwrite(file)
    memory.seek(0)
    data = memory.read()
    memory.truncate(0)
    return data


def has_statements(data: bytes) -> bool:
    """Whether statements of hoc (cvode.event) wait in the queue of a state of `of_rank`."""
    return _STATEMENT.search(data) is not None


def check_rank(data: bytes, t: float, dt: float) -> None:
    """Raise ValueError unless NEURON may read a state of `of_rank`. Local, after finitialize.

    Whoever can write a checkpoint can write any bytes, and NEURON checks none of them.

    Parameters
    ----------
    t : ms, the time of the state
    dt : ms, NEURON's step
    """
    found = savestate_format.read(data)
    own = savestate_format.read(_saved())
    savestate_check.check(found, own, t, t - dt)


def set_rank(data: bytes) -> None:
    """Set this rank's cells, and NEURON's time, to a state that `check_rank` has passed.

    Local, after finitialize.
    """
    memory, file = _memory_file()
    memory.seek(0)
    memory.write(data)
    memory.flush()
    _save_state().fread(file)
    memory.truncate(0)
    _save_state().restore()


@functools.cache
def _memory_file() -> tuple[BinaryIO, Any]:
    """An empty file in memory, for Python and for NEURON.

    NEURON does not notice where a disk is full, so it writes to memory.
    """
    memory = os.fdopen(os.memfd_create("ecsmpi"), "r+b")
    return memory, n.File(f"/proc/self/fd/{memory.fileno()}")


def exchange_spikes() -> None:
    """Deliver the spikes that wait for NEURON's next exchange. Collective."""
    if context().nhost() > 1:
        _exchange_spikes(library.variable(symbols.THREADS, ctypes.c_void_p))


def random_places() -> list[float]:
    """The position of each of this rank's random streams. Local.

    They are those of the Random objects, then of mechanisms' RANDOM variables.
    """
    places = [float(one.seq()) for one in objects("Random")]
    places += [float(one.get_seq()) for one in random_streams()]
    return places


def check_random_places(places: Any) -> list[float]:
    """Return positions of `random_places` that fit the streams of now. Local.

    Raises ValueError where they do not fit.
    """
    count = len(random_places())
    if not isinstance(places, list) or len(places) != count:
        raise ValueError(f"its random streams are not the {count} of the script")
    for place in places:
        if type(place) is not float or not 0 <= place < MOST_PLACE:
            raise ValueError(f"a random stream stands at {ascii(place)}, which no stream reaches")
    return places


def set_random_places(places: list[float]) -> None:
    """Set each random stream to its position of `random_places`. Local."""
    found = objects("Random")
    for one, place in zip(found, places):
        one.seq(place)
    for one, place in zip(random_streams(), places[len(found) :], strict=True):
        one.set_seq(place)
