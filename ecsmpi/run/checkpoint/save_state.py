"""NEURON's own SaveState keeps the extracellular space too, in scripts that save and restore by
themselves.

Each rank's state has the planes of that rank, so it goes back to as many ranks. A checkpoint of
ours leaves them out.
"""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager

import numpy as np

from ecsmpi.neuron_api import neuron_calls
from ecsmpi.neuron_api.interpreter import neuron
from ecsmpi.neuron_api.state.savestate_format import EXTRACELLULAR
from ecsmpi.ranks.meeting import timeout_seconds


class SavedFields:
    """What SaveState calls: it hands back the bytes that it was given."""

    def __init__(self, simulation):
        self._simulation, self._left_out = simulation, False
        neuron.register_savestate(EXTRACELLULAR, self._called_to_store, self._called_to_restore)

    @contextmanager
    def left_out(self):
        """For what saves the boxes by itself."""
        self._left_out = True
        try:
            yield
        finally:
            self._left_out = False

    def _arrays(self) -> dict[str, np.ndarray]:
        one = self._simulation
        spaces = [one.space(region) for region in one.regions]
        return {
            f"{number} {name}": array
            for number, space in enumerate(spaces)
            for name, array in space.state().items()
        }

    def _called_to_store(self) -> bytes:
        """As `_store`; an error is kept for the script's call, since NEURON ends with a
        segmentation fault where this raises.
        """
        stored = [b""]
        try:
            self._simulation.course.guard(lambda: stored.append(self._store()))()
        except neuron_calls.Stopped:
            neuron_calls.goes_on()
        return stored[-1]

    def _called_to_restore(self, data: bytes) -> None:
        self._simulation.course.guard(lambda: self._restore(data))()

    def _store(self) -> bytes:
        if self._left_out or not self._simulation.species:
            return b""
        clock = self._simulation.clock
        if not clock.between_steps:
            raise RuntimeError(
                f"SaveState.save() comes in the middle of a step of the grid (rxd.options.grid_steps), of which {clock.place}: "
                "save when it is complete, or with grid_steps = 1"
            )
        with self._simulation.reading.changing("SaveState.save()", timeout_seconds()):
            pass  # what the script has set on any rank is in the fields now
        file = io.BytesIO()
        np.savez(file, **self._arrays())
        return file.getvalue()

    def _restore(self, data: bytes) -> None:
        saved, arrays = _unpacked(data), self._arrays()
        if {name: one.shape for name, one in saved.items()} != {
            name: array.shape for name, array in arrays.items()
        }:
            raise ValueError(
                "this SaveState is of another extracellular space, or of other ranks: restore it where it was saved"
            )
        with self._simulation.reading.changing("SaveState.restore()", timeout_seconds()):
            self._take(saved, arrays)
            self._simulation.begin_anew()
        self._simulation.show_pointers()

    def _take(self, saved, arrays: dict[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            array[:] = saved[name]
        for region in self._simulation.regions:
            self._simulation.space(region).refilled()
        self._simulation.touch()


def _unpacked(data: bytes) -> dict[str, np.ndarray]:
    """Arrays of doubles by name. ValueError where it is something else: nothing in it is executed."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            return {
                name: np.asarray(saved[name]).astype(float, casting="no") for name in saved.files
            }
    except (
        ValueError,
        TypeError,
        KeyError,
        OSError,
        EOFError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            "this SaveState does not hold the extracellular space as ecsmpi writes it"
        ) from error
