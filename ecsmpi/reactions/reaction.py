"""Reactions in the voxels of one slab, or at segments: planned once, then stepped in place.

Groups of laws that change no species in common are solved apart. Where laws act in parts of the
box, the voxels in which the same laws act are stepped together, as runs of consecutive voxels. So a
law costs nothing where it does not act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.kernels.sharing import threads_share
from ecsmpi.ranks import compiling
from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.reactions import rate_calls
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.rate_law import Law, LawGroup, independent_groups
from ecsmpi.solver import threads

PIECE = 1024  # places that a thread steps at a time


class RateNotFinite(ArithmeticError):
    """A rate is infinite or NaN in some voxel or at some segment: an ArithmeticError."""


class Pieces(NamedTuple):
    """Runs of at most PIECE consecutive places, [start, stop) each.

    starts, stops: (pieces,) int64.
    """

    starts: np.ndarray
    stops: np.ndarray


class _GroupStep:
    """The step of one group of laws in the places where exactly these laws act."""

    def __init__(
        self, group: LawGroup, code: CompiledRates, arrays: list[np.ndarray], pieces: Pieces
    ):
        """arrays: (places,) of every field of the model."""
        self.group = group
        self.arrays = [arrays[number] for number in group.fields]
        self._code = code
        self._pieces = pieces
        self._step = code.step
        self._addresses = rate_calls.addresses(self.arrays)
        count = pieces.starts.size
        self._scratch = np.zeros((count, group.unknowns, group.unknowns + 1))
        self._failed = np.zeros(count, dtype=bool)
        self._dt = 0.0

    def advance(self, dt: float) -> None:
        """One step of dt (ms)."""
        self._dt = dt
        rate_calls.advance(
            self._step, *self._pieces, dt, self._scratch, self._failed, self._addresses
        )

    def failure(self) -> tuple[int, str] | None:
        """(place, what is wrong there) where the last step failed, else None.

        A place that fails keeps its concentrations of before the step.
        """
        if not self._failed.any():
            return None
        piece = int(np.argmax(self._failed))
        start = int(self._pieces.starts[piece])
        for place in range(start, self._pieces.stops[piece]):
            rates = self._code.rates(*(array[place] for array in self.arrays))
            for law, rate in zip(self.group.laws, rates):
                if not np.isfinite(rate):
                    return place, f"{law.label}: its rate is {rate}"
        label = self.group.laws[0].label
        return start, f"{label}: the step of dt = {self._dt:g} ms has no solution"


class Reactions:
    """Reactions in separate places, each with one value of each field.

    A place is a voxel, or a segment. A field is the concentrations of a species, or other values
    that laws read, such as the voltage.

    Parameters
    ----------
    comm
        Making the object is collective on it. Ranks may have different laws, or none.
    laws : list of Law
        Their numbers are indices into ``fields``.
    fields : list of arrays
        Concentrations of each species (mM) and other values, of one shape, contiguous; `advance`
        changes them in place.
    names : list of str
        Of each field, for messages.
    locate : callable
        Says in words where a place is, given its flat index.
    units : list of str, optional
        Of each field, for messages; mM without it.
    """

    def __init__(
        self,
        comm: Any,
        laws: list[Law],
        fields: list[np.ndarray],
        names: list[str],
        locate: Callable[[int], str],
        units: list[str] | None = None,
    ):
        self._names = names
        self._units = units or ["mM"] * len(names)
        self._locate = locate
        arrays = [array.reshape(-1) for array in fields]
        self._size = arrays[0].size if arrays else 0
        threads.use(self._threads())
        laws = [law for law in laws if any(law.changes.values())]
        groups: list[LawGroup] = []
        places: list[Pieces] = []
        for acting, pieces in _sets_of_acting_laws(laws, self._size):
            for group in independent_groups(acting):
                groups.append(group)
                places.append(pieces)
        self._steps = []
        for group, pieces, code in zip(groups, places, _compiled(comm, groups, "step")):
            self._steps.append(_GroupStep(group, code, arrays, pieces))

    @property
    def act(self) -> bool:
        """Whether there are any on this rank."""
        return bool(self._steps)

    def advance(self, dt: float) -> None:
        """One step of dt (ms). Local.

        Raises
        ------
        RateNotFinite
            Names the place, the reaction and its rate.
        """
        threads.use(self._threads())
        for step in self._steps:
            step.advance(dt)
            if failure := step.failure():
                raise RateNotFinite(self._located(step, *failure))

    def _threads(self) -> int:
        return threads.for_work(self._size, threads.PLACES)

    def _located(self, step: _GroupStep, place: int, wrong: str) -> str:
        values = []
        for number, array in zip(step.group.fields, step.arrays):
            values.append(f"{self._names[number]} = {array[place]:g} {self._units[number]}")
        return f"{wrong} {self._locate(place)}, where {', '.join(values)}"


def in_slab(box: Box, planes: tuple[int, int]) -> Callable[[int], str]:
    """A function that says in words where a voxel of a slab is, for `Reactions`.

    planes: [lo, hi) of the slab.
    """

    def locate(voxel: int) -> str:
        index = np.unravel_index(voxel + planes[0] * box.plane, box.shape)
        i, j, k = map(int, index)
        centre = ", ".join(f"{x:g}" for x in box.centre(i, j, k))
        return f"in voxel ({i}, {j}, {k}) at ({centre}) um"

    return locate


class Rates:
    """The rates of laws in separate places, without a step of them.

    Parameters
    ----------
    comm
        Making the object is collective on it. Ranks may have different laws, or none.
    laws : list of Law
        Their numbers are indices into ``fields``.
    fields : list of (size,) float
        Concentrations of each species (mM) and other values; they must stay where they are in
        memory.
    size : int
        Number of places.
    """

    def __init__(self, comm: Any, laws: list[Law], fields: list[np.ndarray], size: int):
        self.values = np.zeros((len(laws), size))
        row_of = {id(law): row for law, row in zip(laws, self.values)}
        groups: list[LawGroup] = []
        places: list[Pieces] = []
        for acting, pieces in _sets_of_acting_laws(laws, size):
            groups.append(LawGroup(tuple(acting)))
            places.append(pieces)
        self._fields = fields
        self._calls = []
        for group, pieces, code in zip(groups, places, _compiled(comm, groups, "values")):
            outs = rate_calls.addresses([row_of[id(law)] for law in group.laws])
            read = rate_calls.addresses([fields[number] for number in group.fields])
            self._calls.append((code.values, *pieces, outs, read))

    def take(self) -> np.ndarray:
        """(laws, places) rates now, 0 where a law does not act. Local.

        They are in mM/ms, or in molecules/ms across a membrane.
        """
        for call in self._calls:
            rate_calls.evaluate(*call)
        return self.values


def _sets_of_acting_laws(laws: list[Law], size: int) -> Iterator[tuple[list[Law], Pieces]]:
    """(laws that act, pieces of the places where they act) for each set of laws that occurs."""
    masks = {id(law.where): law.where.reshape(-1) for law in laws if law.where is not None}
    if not masks:
        if laws and size:
            yield laws, _pieces(np.array([0]), np.array([size]))
        return
    code = np.zeros(size, dtype=np.int64)  # a different number for each set of masks
    for mask in masks.values():
        if code.max(initial=0) > 2**60:
            code = np.unique(code, return_inverse=True)[1]
        code = 2 * code + mask
    for present in np.unique(code):
        chosen = code == present
        first = int(np.argmax(chosen))
        acting = [law for law in laws if _acts_at(law, first)]
        if acting:
            edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen, [0]]).astype(np.int8)))
            yield acting, _pieces(edges[::2], edges[1::2])


def _acts_at(law: Law, place: int) -> bool:
    return law.where is None or bool(law.where.reshape(-1)[place])


def _pieces(starts: np.ndarray, stops: np.ndarray) -> Pieces:
    """Runs of places, cut into pieces of at most PIECE."""
    counts = -(-(stops - starts) // PIECE)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = (np.repeat(starts, counts) + PIECE * within).astype(np.int64)
    ends = np.minimum(begins + PIECE, np.repeat(stops, counts)).astype(np.int64)
    return Pieces(begins, ends)


COMPILE = {"step": rate_calls.compile_step, "values": rate_calls.compile_values}


def _compiled(comm: Any, groups: list[LawGroup], what: str) -> list[CompiledRates]:
    """The code of each group, with its step or its values compiled. Collective.

    The first rank that has some laws makes their code and sends it to the others. One rank of each
    node compiles or loads its code before the others do; those then find them in the cache, and
    compile what they alone have.

    what: "step" or "values".
    """
    own = {group.key: group for group in groups}
    everywhere = comm.allgather(list(own))
    if not any(everywhere):
        return []
    texts = _sources(comm, own, everywhere)
    with one_per_node_first(comm, "compiles the model's reactions, once on this machine"):
        codes = {key: CompiledRates(texts[key]) for key in own}
        for key, code in codes.items():
            if not compiling.ahead(what, texts[key], threads_share()):
                COMPILE[what](code)
    return [codes[group.key] for group in groups]


def _sources(comm: Any, own: dict[str, LawGroup], everywhere: list[list[str]]) -> dict[str, str]:
    """{key of a group: its source}, each made by the first rank that has the group. Collective.

    everywhere: the keys that each rank has.
    """
    first: dict[str, int] = {}
    for rank, keys in enumerate(everywhere):
        for key in keys:
            first.setdefault(key, rank)
    made = {}
    for key, group in own.items():
        if first[key] == comm.rank:
            made[key] = _source(group)
    found: dict[str, str] = {}
    for sources in comm.allgather(made):
        found |= sources
    return found


def _source(group: LawGroup) -> str:
    """The source of a group of laws.

    It is kept, or comes from the process that compiles, as sympy takes time to import, and memory.
    """
    kept = compiling.kept("source", group.key)
    found = kept.read()
    if found is None:
        found = compiling.answer("source", group.everywhere())
        if found is None:
            from ecsmpi.reactions.rate_code import source

            found = source(group)
        kept.write(found)
    return found
