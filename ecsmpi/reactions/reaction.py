"""Reactions in the voxels of one slab, or at segments: planned once, then one step of all of them,
in place.

Laws that change no species in common are solved apart. Where laws act in parts of the box, voxels
in which the same laws act are stepped together, as runs of consecutive voxels: a law costs nothing
where it does not act.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.ranks import compiling
from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.reactions import rate_calls
from ecsmpi.reactions.rate_law import Law, changing, fields_of, groups, in_words
from ecsmpi.solver import threads

PIECE = 1024  # voxels that a thread takes at a time


class RateNotFinite(ArithmeticError):
    """A rate is infinite or not a number in some voxel."""


class _Part:
    """The laws of one group in the voxels where just these act."""

    def __init__(
        self,
        laws: list[Law],
        module,
        arrays: list[np.ndarray],
        starts: np.ndarray,
        stops: np.ndarray,
    ):
        self.laws, self._module, self._starts, self._stops = laws, module, starts, stops
        self._arrays = [arrays[number] for number in fields_of(laws)]
        self._step, self._addresses = rate_calls.step_of(module), rate_calls.addresses(self._arrays)
        size = min(len(laws), len(changing(laws)))
        self._scratch = np.zeros((starts.size, size, size + 1))
        self._failed = np.zeros(starts.size, dtype=bool)

    def advance(self, dt: float) -> None:
        """One step of dt (ms)."""
        self._dt = dt
        rate_calls.advance(
            self._step, self._starts, self._stops, dt, self._scratch, self._failed, self._addresses
        )

    def failure(self) -> tuple[int, str] | None:
        """(voxel of the slab, what is wrong in it) after a step that failed; the concentrations are
        those before it.
        """
        if not self._failed.any():
            return None
        piece = int(np.argmax(self._failed))
        for voxel in range(self._starts[piece], self._stops[piece]):
            rates = self._module.rates(*(array[voxel] for array in self._arrays))
            for law, rate in zip(self.laws, rates):
                if not np.isfinite(rate):
                    return voxel, f"{law.label}: its rate is {rate}"
        return int(
            self._starts[piece]
        ), f"{self.laws[0].label}: the step of dt = {self._dt:g} ms has no solution"


class Reactions:
    """Reactions in places that do not touch, each with one concentration of each species."""

    def __init__(self, comm, laws: list[Law], fields: list[np.ndarray], names: list[str], locate):
        """fields: mM of each species, contiguous, changed in place by `advance`. locate(place):
        where it is, in words.

        Collective; ranks may have other laws than others, or none.
        """
        self._names, self._locate = names, locate
        laws = [law for law in laws if any(law.changes.values())]
        arrays = [array.reshape(-1) for array in fields]
        size = arrays[0].size if arrays else 0
        found = [
            (group, *pieces)
            for acting, pieces in _sets_of_places(laws, size)
            for group in groups(acting)
        ]
        self._size = size
        threads.use(self._threads())
        modules = _compiled(comm, [group for group, *_ in found], "step")
        self._parts = [
            _Part(group, module, arrays, *pieces)
            for (group, *pieces), module in zip(found, modules)
        ]

    @property
    def act(self) -> bool:
        """Whether there are any."""
        return bool(self._parts)

    def advance(self, dt: float) -> None:
        """One step of dt (ms); RateNotFinite names the voxel, the reaction and its rate. Local."""
        threads.use(self._threads())
        for part in self._parts:
            part.advance(dt)
            if failure := part.failure():
                raise RateNotFinite(self._located(part, *failure))

    def _threads(self) -> int:
        return threads.for_work(self._size, threads.PLACES)

    def _located(self, part, place: int, wrong: str) -> str:
        values = ", ".join(
            f"{self._names[number]} = {array[place]:g}"
            for number, array in zip(fields_of(part.laws), part._arrays)
        )
        return f"{wrong} {self._locate(place)}, where {values} mM"


def in_slab(box: Box, planes: tuple[int, int]):
    """What says where a voxel of the slab is: `Reactions`' locate."""

    def locate(voxel: int) -> str:
        i, j, k = (
            int(index) for index in np.unravel_index(voxel + planes[0] * box.plane, box.shape)
        )
        return (
            f"in voxel ({i}, {j}, {k}) at ({', '.join(f'{x:g}' for x in box.centre(i, j, k))}) um"
        )

    return locate


class Rates:
    """The rates of laws, without a step of them."""

    def __init__(self, comm, laws: list[Law], fields: list[np.ndarray], size: int):
        """fields: (size,) each. Collective; ranks may have other laws than others, or none."""
        self.values = np.zeros((len(laws), size))
        found = list(_sets_of_places(laws, size))
        modules = _compiled(comm, [acting for acting, _ in found], "values")
        self._fields, self._calls = fields, []  # the fields must stay where they are
        for (acting, pieces), module in zip(found, modules):
            these = set(map(id, acting))
            outs = rate_calls.addresses(
                [self.values[row] for row, law in enumerate(laws) if id(law) in these]
            )
            read = rate_calls.addresses([fields[number] for number in fields_of(acting)])
            self._calls.append((rate_calls.values_of(module), *pieces, outs, read))

    def take(self) -> np.ndarray:
        """(laws, places) of now; 0 where a law does not act. Local."""
        for call in self._calls:
            rate_calls.evaluate(*call)
        return self.values


def _sets_of_places(laws: list[Law], size: int):
    """(the laws that act, (starts, stops) of the pieces of places) for each set of laws that occurs
    in some place.
    """
    masks = list(
        {id(law.where): law.where.reshape(-1) for law in laws if law.where is not None}.values()
    )
    if not masks:
        if laws and size:
            yield laws, _pieces(np.array([0]), np.array([size]))
        return
    code = np.zeros(size, dtype=np.int64)  # another one for each set of masks
    for mask in masks:
        if code.max(initial=0) > 2**60:
            code = np.unique(code, return_inverse=True)[1]
        code = 2 * code + mask
    for present in np.unique(code):
        here = code == present
        acting = [
            law for law in laws if law.where is None or law.where.reshape(-1)[np.argmax(here)]
        ]
        if acting:
            edges = np.flatnonzero(np.diff(np.concatenate([[0], here, [0]]).astype(np.int8)))
            yield acting, _pieces(edges[::2], edges[1::2])


def _pieces(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of voxels, cut into pieces of at most PIECE."""
    counts = -(-(stops - starts) // PIECE)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = np.repeat(starts, counts) + PIECE * within
    return begins.astype(np.int64), np.minimum(begins + PIECE, np.repeat(stops, counts)).astype(
        np.int64
    )


COMPILE = {"step": rate_calls.compile_step, "values": rate_calls.compile_values}


def _compiled(comm, groups: list[list[Law]], what: str) -> list:
    """The module of each group of laws, each made by the first rank that has such laws; one rank of
    a node compiles their step, or their values, before the others load it, and compile what they
    alone have. Collective.
    """
    words = [in_words(laws) for laws in groups]
    own = dict(zip(words, groups))
    everywhere = comm.allgather(list(own))
    if not any(everywhere):
        return []
    from ecsmpi.reactions.code_cache import load

    first = {one: rank for rank, there in reversed(list(enumerate(everywhere))) for one in there}
    made = {one: _source(laws) for one, laws in own.items() if first[one] == comm.rank}
    texts = {one: text for there in comm.allgather(made) for one, text in there.items()}
    with one_per_node_first(comm, "compiles the model's reactions, once on this machine"):
        for one in own:
            compiling.answer(what, texts[one], threads.shared_now())
        modules = {one: load(texts[one]) for one in own}
        for module in modules.values():
            COMPILE[what](module)
    return [modules[one] for one in words]


def _source(laws: list[Law]) -> str:
    """The code of laws, from the process that compiles where there is one: sympy takes a while to
    import, and memory.
    """
    found = compiling.answer("source", [replace(law, where=None) for law in laws])
    if found is None:
        from ecsmpi.reactions.rate_code import source

        found = source(laws)
    return found
