"""The fields in the SaveState of a script that calls NEURON's SaveState itself.

Each rank's state has the planes of that rank, so it goes back to as many ranks. Checkpoints of
ecsmpi leave the planes out of the SaveState, since they hold them anyway.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecsmpi.neuron_api import neuron_calls
from ecsmpi.neuron_api.interpreter import neuron
from ecsmpi.neuron_api.state.savestate_format import EXTRACELLULAR
from ecsmpi.ranks.meeting import timeout_seconds
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.neuron_guard import NeuronGuard
from ecsmpi.run.reading import Reading
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry

NOT_OURS = "this SaveState does not hold the extracellular space as ecsmpi writes it"
NO_ARRAYS = (
    ValueError,
    TypeError,
    KeyError,
    OSError,
    EOFError,
    AttributeError,
    zipfile.BadZipFile,
)


class SavedFields:
    """Registers with NEURON: SaveState asks for the fields as bytes, and gives the bytes back.

    It does not take part in ecsmpi's checkpoints, which save the fields themselves.

    Parameters
    ----------
    registry, solvers, reading, clock
        Of the simulation.
    guard : NeuronGuard
        Wraps what NEURON calls.
    begin_anew : callable
        Called where the concentrations have been restored in the middle of a step of the grid.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        solvers: RegionSolvers,
        reading: Reading,
        clock: GridClock,
        guard: NeuronGuard,
        begin_anew: Callable[[], None],
    ):
        self._registry = registry
        self._solvers = solvers
        self._reading = reading
        self._clock = clock
        self._guard = guard
        self._begin_anew = begin_anew
        self._are_left_out = False
        neuron.register_savestate(EXTRACELLULAR, self._called_to_store, self._called_to_restore)

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """Leave the fields out of what SaveState saves and restores in the block."""
        self._are_left_out = True
        try:
            yield
        finally:
            self._are_left_out = False

    def _own_solvers(self) -> list[RegionSolver]:
        return self._solvers.of_all(self._registry.regions)

    def _arrays(self) -> dict[str, np.ndarray]:
        """All arrays of this rank's planes, by name."""
        arrays = {}
        for number, solver in enumerate(self._own_solvers()):
            for name, array in solver.state().items():
                arrays[f"{number} {name}"] = array
        return arrays

    def _called_to_store(self) -> bytes:
        """Store; an error is kept for the script's call of NEURON.

        NEURON ends with a segmentation fault where this function raises.
        """
        stored = [b""]
        try:
            self._guard(lambda: stored.append(self._store()))()
        except neuron_calls.Stopped:
            neuron_calls.goes_on()
        return stored[-1]

    def _called_to_restore(self, data: bytes) -> None:
        self._guard(lambda: self._restore(data))()

    def _store(self) -> bytes:
        if self._are_left_out or not self._registry.species:
            return b""
        if not self._clock.between_steps:
            raise RuntimeError(
                "SaveState.save() comes in the middle of a step of the grid "
                f"(rxd.options.grid_steps), of which {self._clock.place}: "
                "save when it is complete, or with grid_steps = 1"
            )
        self._reading.settle("SaveState.save()", timeout_seconds())
        file = io.BytesIO()
        arrays: dict[str, Any] = self._arrays()
        np.savez(file, **arrays)
        return file.getvalue()

    def _restore(self, data: bytes) -> None:
        saved = _unpacked(data)
        arrays = self._arrays()
        saved_shapes = {name: one.shape for name, one in saved.items()}
        if saved_shapes != {name: array.shape for name, array in arrays.items()}:
            raise ValueError(
                "this SaveState is of another extracellular space, or of other ranks: "
                "restore it where it was saved"
            )
        with self._reading.changing("SaveState.restore()", timeout_seconds()):
            for name, array in arrays.items():
                array[:] = saved[name]
            for solver in self._own_solvers():
                solver.refilled()
            self._reading.touch()
            self._begin_anew()
        self._reading.show_pointers()


def _unpacked(data: bytes) -> dict[str, np.ndarray]:
    """Arrays of doubles by name; ValueError for other bytes. Nothing in them is executed."""
    arrays = {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            for name in saved.files:
                arrays[name] = np.asarray(saved[name]).astype(float, casting="no")
    except NO_ARRAYS as error:
        raise ValueError(NOT_OURS) from error
    return arrays
