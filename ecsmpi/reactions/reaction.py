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
from ecsmpi.ranks import code_folders, compiling
from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.reactions import rate_calls
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.rate_law import Law, LawGroup, independent_groups
from ecsmpi.solver import threads

PIECE = 1024  # places that a thread steps at a time
_NONE = np.zeros(0, dtype=np.int64)


class RateNotFinite(ArithmeticError):
    """A rate is infinite or NaN in some voxel or at some segment: an ArithmeticError."""


class Runs(NamedTuple):
    """Runs of at most PIECE consecutive places, [start, stop) each.

    starts, stops: (pieces,) int64.
    """

    starts: np.ndarray
    stops: np.ndarray


class _Group(NamedTuple):
    """A group of laws in the places where exactly these laws act.

    arrays: (places,) of each field of the group; outs: those that get the rates, none for steps.
    """

    laws: LawGroup
    code: CompiledRates
    runs: Runs
    arrays: list[np.ndarray]
    outs: list[np.ndarray]


class _Calls:
    """The pieces of all groups, in which one compiled loop calls each group's code.

    Attributes
    ----------
    groups : list of _Group
    pieces : rate_calls.Pieces
    scratch : (threads, numbers) float
    """

    def __init__(self, groups: list[_Group], what: str):
        """what: the code that is called, "step" or "values"."""
        self.groups = groups
        self._tables = []  # of addresses, which are kept alive
        columns: list[list[np.ndarray]] = [[_NONE] for _ in rate_calls.Pieces._fields]
        rows = 1
        for group in groups:
            fields = rate_calls.addresses(group.arrays)
            outs = rate_calls.addresses(group.outs)
            self._tables += [fields, outs]
            constants = getattr(group.code, what), fields.ctypes.data, outs.ctypes.data
            of_code, of_fields, of_outs = (
                np.full(group.runs.starts.size, number, dtype=np.int64) for number in constants
            )
            row = rate_calls.Pieces(of_code, *group.runs, of_fields, of_outs)
            for column, part in zip(columns, row):
                column.append(part)
            rows = max(rows, group.code.rows)
        self.pieces = rate_calls.Pieces(*map(np.concatenate, columns))
        self._first = np.cumsum([0] + [group.runs.starts.size for group in groups])
        self.scratch = rate_calls.scratch_for(rows)

    def group_of(self, piece: int) -> _Group:
        """The group that a piece belongs to."""
        return self.groups[int(np.searchsorted(self._first, piece, side="right")) - 1]


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
    name_at : callable, optional
        (law or number of a field, place) -> what messages call it in this place; its label or name
        without it.
    """

    def __init__(
        self,
        comm: Any,
        laws: list[Law],
        fields: list[np.ndarray],
        names: list[str],
        locate: Callable[[int], str],
        units: list[str] | None = None,
        name_at: Callable[[Law | int, int], str] | None = None,
    ):
        self._names = names
        self._name_at = name_at or self._usual_name
        self._units = units or ["mM"] * len(names)
        self._locate = locate
        arrays = [array.reshape(-1) for array in fields]
        self._size = arrays[0].size if arrays else 0
        laws = [law for law in laws if any(law.changes.values())]
        laws_of_groups: list[LawGroup] = []
        runs: list[Runs] = []
        for acting, of_set in _sets_of_acting_laws(laws, self._size):
            for group in independent_groups(acting):
                laws_of_groups.append(group)
                runs.append(of_set)
        groups = []
        codes = _compiled(comm, laws_of_groups, "step")
        for group, code, where in zip(laws_of_groups, codes, runs):
            of_group = [arrays[number] for number in group.fields]
            groups.append(_Group(group, code, where, of_group, []))
        self._calls = _Calls(groups, "step")
        self._failed = np.zeros(self._calls.pieces.start.size, dtype=bool)

    @property
    def act(self) -> bool:
        """Whether there are any on this rank."""
        return bool(self._calls.groups)

    def advance(self, dt: float) -> None:
        """One step of dt (ms). Local.

        A place without a solution keeps its concentrations of before the step.

        Raises
        ------
        RateNotFinite
            Names the place, the reaction and its rate.
        """
        threads.use(threads.for_work(self._size, threads.PLACES))
        rate_calls.advance(self._calls.pieces, dt, self._calls.scratch, self._failed)
        if self._failed.any():
            raise RateNotFinite(self._failure(int(np.argmax(self._failed)), dt))

    def _failure(self, piece: int, dt: float) -> str:
        """What is wrong in a piece, and where."""
        group = self._calls.group_of(piece)
        start, stop = self._calls.pieces.start[piece], self._calls.pieces.stop[piece]
        outs = list(np.zeros((len(group.laws.laws), stop)))
        runs = Runs(np.array([start]), np.array([stop]))
        calls = _Calls([group._replace(runs=runs, outs=outs)], "values")
        rate_calls.evaluate(calls.pieces, calls.scratch)
        for place in range(start, stop):
            for law, rates in zip(group.laws.laws, outs):
                if not np.isfinite(rates[place]):
                    wrong = f"{self._name_at(law, place)}: its rate is {rates[place]}"
                    return self._located(group, place, wrong)
        label = self._name_at(group.laws.laws[0], start)
        wrong = f"{label}: the step of dt = {dt:g} ms has no solution"
        return self._located(group, start, wrong)

    def _usual_name(self, named: Law | int, place: int) -> str:
        return named.label if isinstance(named, Law) else self._names[named]

    def _located(self, group: _Group, place: int, wrong: str) -> str:
        values = []
        for number, array in zip(group.laws.fields, group.arrays):
            name = self._name_at(number, place)
            values.append(f"{name} = {array[place]:g} {self._units[number]}")
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
        laws_of_groups: list[LawGroup] = []
        runs: list[Runs] = []
        for acting, of_set in _sets_of_acting_laws(laws, size):
            laws_of_groups.append(LawGroup(tuple(acting)))
            runs.append(of_set)
        groups = []
        codes = _compiled(comm, laws_of_groups, "values")
        for group, code, where in zip(laws_of_groups, codes, runs):
            arrays = [fields[number] for number in group.fields]
            outs = [row_of[id(law)] for law in group.laws]
            groups.append(_Group(group, code, where, arrays, outs))
        self._calls = _Calls(groups, "values")

    def take(self) -> np.ndarray:
        """(laws, places) rates now, 0 where a law does not act. Local.

        They are in mM/ms, or in molecules/ms across a membrane.
        """
        rate_calls.evaluate(self._calls.pieces, self._calls.scratch)
        return self.values


def _sets_of_acting_laws(laws: list[Law], size: int) -> Iterator[tuple[list[Law], Runs]]:
    """(laws that act, runs of the places where they act) for each set of laws that occurs."""
    masks = {id(law.where): law.where.reshape(-1) for law in laws if law.where is not None}
    if not masks:
        if laws and size:
            yield laws, _runs(np.array([0]), np.array([size]))
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
            yield acting, _runs(edges[::2], edges[1::2])


def _acts_at(law: Law, place: int) -> bool:
    return law.where is None or bool(law.where.reshape(-1)[place])


def _runs(starts: np.ndarray, stops: np.ndarray) -> Runs:
    """Runs of places, cut into runs of at most PIECE."""
    counts = -(-(stops - starts) // PIECE)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = (np.repeat(starts, counts) + PIECE * within).astype(np.int64)
    ends = np.minimum(begins + PIECE, np.repeat(stops, counts)).astype(np.int64)
    return Runs(begins, ends)


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
            if not compiling.ahead(what, texts[key]):
                with code_folders.keeping():
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
