"""Terms of reactions that are alike in several cells, joined: one law, and one field for each part.

A script that makes each cell's regions and reactions in a loop has as many terms as cells times
reactions. What they say of their own cells is the same, so they become one law that acts in all
these cells:

    cell 0    Rate(m in membrane0, ...)  \\
    cell 1    Rate(m in membrane1, ...)   > one law of one field "m", at the segments of all
    cell 2    Rate(m in membrane2, ...)  /

Parts inside cells that have the same roles in their terms, and no segment in common, share a field.
At each segment the laws keep the order that the script gave them, so its bits do not depend on
which other cells a rank has.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ecsmpi.reactions.expression import Concentration

OUTSIDE = 10**6  # from here on leaves of a text are parts outside cells


def is_intracellular(part: Any) -> bool:
    """Whether a part is a species in a region inside cells."""
    return hasattr(part, "states")


def _word_at(words: list[tuple[np.ndarray, str]], segment: int) -> str:
    """The word whose segments have this one."""
    return next(word for segments, word in words if segment in segments)


class SharedPart:
    """Species in regions inside cells that share a field: at most one of them is at a segment.

    Attributes
    ----------
    ion, charge, variable : of each of them
    """

    def __init__(self, first: Any, count: int):
        """count: segments of this rank."""
        self.ion = first.ion
        self.charge = first.charge
        self.variable = first.variable
        self._parts: list[Any] = []
        self._names: list[tuple[np.ndarray, str]] = []
        self._taken = np.zeros(count, dtype=bool)

    def has_room(self, segments: np.ndarray) -> bool:
        """Whether none of the segments has a part of this already."""
        return not self._taken[segments].any()

    def add(self, part: Any, segments: np.ndarray) -> None:
        """Add a part, which has states at some segments."""
        self._parts.append(part)
        self._names.append((segments, str(part)))
        self._taken[segments] = True

    def states(self, numbers: dict) -> tuple[np.ndarray, np.ndarray]:
        """(segments, rows of NEURON's array of states) of all parts, as they are now. Local."""
        found = [part.states(numbers) for part in self._parts]
        segments, rows = map(np.concatenate, zip(*found))
        return segments, rows

    def sections(self) -> list:
        """NEURON's sections, in the order of `states`."""
        return [section for part in self._parts for section in part.sections()]

    def volumes(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) um3 of states, or um2 on a membrane."""
        return self._parts[0].volumes(rows)

    def word_at(self, segment: int) -> str:
        """The name of the part that is at a segment."""
        return _word_at(self._names, segment)

    def __str__(self) -> str:
        return self._names[0][1]


class SharedMembrane:
    """Membranes that share a field of areas: at most one of them is at a segment."""

    def __init__(self, count: int):
        """count: segments of this rank."""
        self.areas = np.zeros(count)  # um2 of each segment
        self._names: list[tuple[np.ndarray, str]] = []

    def has_room(self, segments: np.ndarray) -> bool:
        """Whether none of the segments has a membrane of this already."""
        return not self.areas[segments].any()

    def add(self, name: str | None, segments: np.ndarray, areas: np.ndarray) -> None:
        """Add a membrane by its areas (um2) at some segments."""
        self._names.append((segments, str(name)))
        self.areas[segments] = areas

    def word_at(self, segment: int) -> str:
        """The name of the membrane that is at a segment."""
        return _word_at(self._names, segment)

    def __str__(self) -> str:
        return self._names[0][1]


class SharedTerm:
    """Alike terms of several cells. It has what `rxd.reaction_terms.Term` has, of shared parts.

    Attributes
    ----------
    where : (segments,) whether it acts at each segment of this rank
    membrane : SharedMembrane, or None
    """

    def __init__(self, first: Any, shared: dict, membrane: SharedMembrane | None, count: int):
        """shared: {part: SharedPart} of all parts inside cells."""
        self.membrane = membrane
        self.per_area = first.per_area
        self.carries = first.carries
        self.label = first.label
        self.where = np.zeros(count, dtype=bool)
        self._first = first
        self._shared = shared
        self._labels: list[tuple[np.ndarray, str]] = []

    def add(self, label: str, segments: np.ndarray) -> None:
        """Let it act at the segments of another term, which messages call by ``label``."""
        self.where[segments] = True
        self._labels.append((segments, label))

    def reactants(self) -> list:
        """The parts that it reads or changes, each once."""
        return [self._shared.get(part, part) for part in self._first.reactants()]

    def counts(self) -> dict:
        """{part: number of molecules that come with one reaction}, of those that change."""
        counts = self._first.counts()
        return {self._shared.get(part, part): count for part, count in counts.items()}

    def expression(self, leaf_of: Callable[[Any], Any]) -> Any:
        """The solver's expression of the rate, with ``leaf_of(part)`` for each part."""
        return self._first.expression(lambda part: leaf_of(self._shared.get(part, part)))

    def label_at(self, segment: int) -> str:
        """What messages call the term that acts at a segment."""
        return _word_at(self._labels, segment)


class _Sharing:
    """Joins the terms of this rank."""

    def __init__(self, terms: list, numbers: dict, count: int):
        self._terms = terms
        self._numbers = numbers
        self._count = count
        self._segments: dict[Hashable, np.ndarray] = {}  # of parts and membranes
        self._outside: dict[Any, int] = {}
        self._texts = [self._text(term) for term in terms]
        self._parts = self._shared_parts()
        self._membranes = self._shared_membranes()

    def terms(self) -> list[SharedTerm]:
        """The joined terms, in an order that is the script's at each segment."""
        found: list[SharedTerm] = []
        by_key: dict[Hashable, list[int]] = {}  # places in found
        last = np.full(self._count, -1)  # the place in found of the last term at each segment
        for term, text in zip(self._terms, self._texts):
            segments = self._segments_of(term)
            membrane = self._membranes.get(id(term.membrane))
            parts = [id(self._parts.get(part, part)) for part in self._inside(term)]
            alike = by_key.setdefault((text, id(membrane), *parts), [])
            lowest = last[segments].max(initial=-1)
            place = next((place for place in alike if place > lowest), None)
            if place is None:
                place = len(found)
                alike.append(place)
                found.append(SharedTerm(term, self._parts, membrane, self._count))
            found[place].add(term.label, segments)
            last[segments] = place
        return found

    def _inside(self, term: Any) -> list:
        return [part for part in term.reactants() if is_intracellular(part)]

    def _text(self, term: Any) -> tuple:
        """All that a term says, with the parts inside cells by their order of mention."""
        place: dict[Any, int] = {}
        for part in term.reactants():
            if is_intracellular(part):
                place[part] = len(place)
            else:
                place[part] = OUTSIDE + self._outside.setdefault(part, len(self._outside))
        rate = term.expression(lambda part: Concentration(place[part]))
        counts = tuple((place[part], count) for part, count in term.counts().items())
        kind = term.membrane is None, term.per_area, term.carries
        return str(rate), counts, kind

    def _shared_parts(self) -> dict[Any, SharedPart]:
        """{part: the one that it belongs to} of the parts inside cells."""
        roles: dict[Any, list] = {}
        for term, text in zip(self._terms, self._texts):
            for place, part in enumerate(self._inside(term)):
                roles.setdefault(part, []).append((text, place))
        found: dict[Any, SharedPart] = {}
        alike: dict[Hashable, list[SharedPart]] = {}
        for part, of_part in roles.items():
            segments = part.states(self._numbers)[0]
            self._segments[part] = np.unique(segments)
            key = part.constant, part.ion, part.charge, part.variable, frozenset(of_part)
            candidates = alike.setdefault(key, [])
            shared = next((one for one in candidates if one.has_room(segments)), None)
            if shared is None:
                shared = SharedPart(part, self._count)
                candidates.append(shared)
            shared.add(part, segments)
            found[part] = shared
        return found

    def _shared_membranes(self) -> dict[int, SharedMembrane]:
        """{id of a membrane's region: the one that it belongs to}."""
        roles: dict[int, list] = {}
        areas: dict[int, tuple] = {}
        for term, text in zip(self._terms, self._texts):
            if term.membrane is not None:
                roles.setdefault(id(term.membrane), []).append(text)
                if id(term.membrane) not in areas:
                    areas[id(term.membrane)] = term.membrane.name, *term.areas(self._numbers)
        found: dict[int, SharedMembrane] = {}
        alike: dict[Hashable, list[SharedMembrane]] = {}
        for membrane, of_membrane in roles.items():
            name, segments, of_segments = areas[membrane]
            self._segments[membrane] = np.unique(segments[of_segments > 0])
            candidates = alike.setdefault(frozenset(of_membrane), [])
            shared = next((one for one in candidates if one.has_room(segments)), None)
            if shared is None:
                shared = SharedMembrane(self._count)
                candidates.append(shared)
            shared.add(name, segments, of_segments)
            found[membrane] = shared
        return found

    def _segments_of(self, term: Any) -> np.ndarray:
        """The segments where a term acts: all its regions inside cells are there."""
        found = np.arange(self._count)
        needed: list[Hashable] = list(self._inside(term))
        if term.membrane is not None:
            needed.append(id(term.membrane))
        for number, one in enumerate(needed):
            segments = self._segments[one]
            found = np.intersect1d(found, segments, assume_unique=True) if number else segments
        return found


def joined(terms: list, numbers: dict, count: int) -> list[SharedTerm]:
    """Join the alike terms of this rank. Local.

    Parameters
    ----------
    terms : of all reactions at segments
    numbers : {section: number of its first segment}
    count : segments of this rank
    """
    return _Sharing(terms, numbers, count).terms()
