"""Reactions in the voxels of one slab, or at segments: planned once, then one step of all of them, in place.

Laws that change no species in common are solved apart. Where laws act in parts of the box, voxels in which the same laws act are
stepped together, as runs of consecutive voxels: a law costs nothing where it does not act.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.reactions.rate_law import Law, changing, fields_of, groups

PIECE = 1024  # voxels that a thread takes at a time


class RateNotFinite(ArithmeticError):
    """A rate is infinite or not a number in some voxel."""


class _Part:
    """The laws of one group in the voxels where just these act."""

    def __init__(self, laws: list[Law], module, arrays: list[np.ndarray], starts: np.ndarray, stops: np.ndarray):
        self.laws, self._module, self._starts, self._stops = laws, module, starts, stops
        self._arrays = [arrays[number] for number in fields_of(laws)]
        size = min(len(laws), len(changing(laws)))
        self._scratch = np.zeros((starts.size, size, size + 1))
        self._failed = np.zeros(starts.size, dtype=bool)

    def advance(self, dt: float) -> None:
        """One step of dt (ms)."""
        self._dt = dt
        self._module.advance(self._starts, self._stops, dt, self._scratch, self._failed, *self._arrays)

    def failure(self) -> tuple[int, str] | None:
        """(voxel of the slab, what is wrong in it) after a step that failed; the concentrations are those before it."""
        if not self._failed.any():
            return None
        piece = int(np.argmax(self._failed))
        for voxel in range(self._starts[piece], self._stops[piece]):
            rates = self._module.rates(*(array[voxel] for array in self._arrays))
            for law, rate in zip(self.laws, rates):
                if not np.isfinite(rate):
                    return voxel, f"{law.label}: its rate is {rate}"
        return int(self._starts[piece]), f"{self.laws[0].label}: the step of dt = {self._dt:g} ms has no solution"


class Reactions:
    """Reactions in places that do not touch, each with one concentration of each species."""

    def __init__(self, comm, laws: list[Law], fields: list[np.ndarray], names: list[str], locate):
        """fields: mM of each species, contiguous, changed in place by `advance`. locate(place): where it is, in words. Collective."""
        self._names, self._locate = names, locate
        self._parts = []
        laws = [law for law in laws if any(law.changes.values())]
        if laws:
            self._plan(comm, laws, [array.reshape(-1) for array in fields])

    def _plan(self, comm, laws, arrays) -> None:
        for acting, (starts, stops) in _sets_of_voxels(comm, laws, arrays[0].size):
            for group in groups(acting):
                module = _compiled(comm, group, arrays[0], _advance_nothing)
                self._parts.append(_Part(group, module, arrays, starts, stops))

    @property
    def act(self) -> bool:
        """Whether there are any."""
        return bool(self._parts)

    def advance(self, dt: float) -> None:
        """One step of dt (ms); RateNotFinite names the voxel, the reaction and its rate. Local."""
        for part in self._parts:
            part.advance(dt)
            if failure := part.failure():
                raise RateNotFinite(self._located(part, *failure))

    def _located(self, part, place: int, wrong: str) -> str:
        values = ", ".join(
            f"{self._names[number]} = {array[place]:g}" for number, array in zip(fields_of(part.laws), part._arrays)
        )
        return f"{wrong} {self._locate(place)}, where {values} mM"


def in_slab(box: Box, planes: tuple[int, int]):
    """What says where a voxel of the slab is: `Reactions`' locate."""

    def locate(voxel: int) -> str:
        i, j, k = (int(index) for index in np.unravel_index(voxel + planes[0] * box.plane, box.shape))
        return f"in voxel ({i}, {j}, {k}) at ({', '.join(f'{x:g}' for x in box.centre(i, j, k))}) um"

    return locate


class Rates:
    """The rates of laws, without a step of them."""

    def __init__(self, comm, laws: list[Law], fields: list[np.ndarray]):
        """Collective."""
        self.values = np.zeros((len(laws), fields[0].size))
        self._arrays = [fields[number] for number in fields_of(laws)]
        self._module = _compiled(comm, laws, self._arrays[0], self._evaluate_nothing)

    def _evaluate_nothing(self, module, arrays) -> None:
        module.evaluate(self.values[:, :0], *arrays)

    def take(self) -> np.ndarray:
        """(laws, places) of now; what is in places where a law does not act means nothing. Local."""
        self._module.evaluate(self.values, *self._arrays)
        return self.values


def _sets_of_voxels(comm, laws, size: int):
    """(the laws that act, (starts, stops) of the pieces of voxels) for each set of laws that occurs on any rank. Collective."""
    masks = list({id(law.where): law.where for law in laws if law.where is not None}.values())
    if not masks:
        yield laws, _pieces(np.array([0]), np.array([size]))
        return
    code = np.zeros(size, dtype=np.int64)
    for bit, mask in enumerate(masks):
        code |= mask.reshape(-1).astype(np.int64) << bit
    for present in sorted(set().union(*comm.allgather(np.unique(code).tolist()))):
        acts = {id(mask) for bit, mask in enumerate(masks) if present >> bit & 1}
        acting = [law for law in laws if law.where is None or id(law.where) in acts]
        if acting:
            edges = np.flatnonzero(np.diff(np.concatenate([[0], code == present, [0]]).astype(np.int8)))
            yield acting, _pieces(edges[::2], edges[1::2])


def _pieces(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of voxels, cut into pieces of at most PIECE."""
    counts = -(-(stops - starts) // PIECE)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = np.repeat(starts, counts) + PIECE * within
    return begins.astype(np.int64), np.minimum(begins + PIECE, np.repeat(stops, counts)).astype(np.int64)


def _compiled(comm, laws: list[Law], like: np.ndarray, call):
    """The laws' module, made on rank 0; one rank of a node compiles what call(module, empty arrays) calls before the others load it. Collective."""
    from ecsmpi.reactions.generated import load  # with sympy, which takes a while to import: only where something reacts
    from ecsmpi.reactions.rate_code import source

    text = comm.bcast(source(laws) if comm.rank == 0 else None)
    with one_per_node_first(comm):
        module = load(text)
        call(module, [like[:0]] * len(fields_of(laws)))
    return module


def _advance_nothing(module, arrays) -> None:
    nowhere = np.zeros(0, dtype=np.int64)
    module.advance(nowhere, nowhere, 1.0, np.zeros((0, 1, 2)), np.zeros(0, dtype=bool), *arrays)
