"""NEURON's side of the coupling: this rank's segments, and their ions.

Nothing here talks to other ranks. Segments are numbered in the order of `recorder.sections`, and
every array of segments is in that order.
"""

import ctypes
import functools
import hashlib
import sys

import numpy as np

from ecsmpi.cells.morphology import Paths
from ecsmpi.cells.nmodl import used_ions, written_by_ion
from ecsmpi.cells.recorder import sections
from ecsmpi.neuron_api.interpreter import n, neuron

_structure_change = neuron.nrn_dll_sym("structure_change_cnt", ctypes.c_int)
_diam_change = neuron.nrn_dll_sym("diam_change_cnt", ctypes.c_int)
_change_waits = neuron.nrn_dll_sym("v_structure_change", ctypes.c_int)
# Odd numbers without a pattern, by which bits are spread over a hash.
HASH_ODD = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
    ],
    dtype=np.uint64,
)


class Segments:
    """All segments of this rank as they are now; no handle into NEURON is kept, so sections can be
    deleted.

    Sections without 3-D points get them (``n.define_shape()``). Two of these are equal when the
    sections' names, nseg and geometry are the same.

    Attributes
    ----------
    count : number of segments
    area : (count,) um2, lateral areas of the frusta between the 3-D points, cut at the segments'
    ends
    centre : (count, 3) um, interpolated along the arc
    """

    def __init__(self):
        n.define_shape()
        self._sections, paths = _read_paths()
        self._nseg = paths.nseg
        self.count = int(paths.nseg.sum())
        self.area = paths.segment_areas()
        self.centre = paths.segment_centres()
        self._end = np.cumsum(paths.nseg)

    def name(self, i: int) -> str:
        """Name of segment `i` for messages, such as ``soma(0.5)``."""
        if not 0 <= i < self.count:
            raise IndexError(f"segment {i} of {self.count}")
        section = int(np.searchsorted(self._end, i, side="right"))
        nseg = self._nseg[section]
        x = (i - (self._end[section] - nseg) + 0.5) / nseg
        return f"{self._sections[section]}({x:g})"

    def section_hashes(self, names: list[str]) -> np.ndarray:
        """(sections,) uint64: equal where the given name, nseg, areas and centres are, and the same
        on every rank.

        names: one for each section, in the order of `recorder.sections`.
        """
        words = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
        hashes = np.frombuffer(b"".join(words), dtype=np.uint64) * HASH_ODD[4]
        if not len(names):
            return hashes
        numbers = np.column_stack([self.area, self.centre]) + 0.0  # -0.0 is 0.0
        bits = numbers.view(np.uint64) * HASH_ODD[:4]
        begin = self._end - self._nseg
        within = np.arange(self.count) - np.repeat(begin, self._nseg)
        mixed = (bits ^ (bits >> np.uint64(29))).sum(axis=1, dtype=np.uint64) * (
            2 * within + 1
        ).astype(np.uint64)
        mixed ^= mixed >> np.uint64(32)
        return hashes + np.add.reduceat(mixed * HASH_ODD[0], begin)

    def sections_of(self, segments: np.ndarray) -> np.ndarray:
        """(sections,) whether any of these numbers of segments is in a section."""
        found = np.zeros(self._nseg.size, dtype=bool)
        found[np.searchsorted(self._end, segments, side="right")] = True
        return found

    def require(self) -> None:
        """Raise RuntimeError where the number of segments is no longer this."""
        present = sum(sec.nseg for sec in sections())
        if present != self.count:
            raise RuntimeError(
                f"{self.count} segments have become {present} during n.finitialize(): change sections before it, "
                "or in an FInitializeHandler made before ecsmpi is imported"
            )

    def fingerprint(self) -> bytes:
        """Digest of the sections' names, nseg, areas and centres."""
        digest = hashlib.blake2b("\n".join(self._sections).encode())
        for numbers in (self._nseg, self.area, self.centre):
            digest.update(numbers.tobytes())
        return digest.digest()

    def __eq__(self, other):
        return isinstance(other, Segments) and self.fingerprint() == other.fingerprint()

    __hash__ = None


def first_segments() -> dict:
    """{section: number of its first segment}."""
    found, count = {}, 0
    for sec in sections():
        found[sec] = count
        count += sec.nseg
    return found


def node_indices() -> np.ndarray:
    """(segments,) where NEURON keeps each one's row of the equations of the voltages."""
    return np.array([seg.node_index() for sec in sections() for seg in sec], dtype=np.int64)


def segment_areas() -> np.ndarray:
    """(segments,) um2, as NEURON takes them for currents."""
    return np.array([seg.area() for sec in sections() for seg in sec], dtype=float)


def _read_paths():
    """Names of sections, and their `Paths`."""
    names, nseg, length, first, arc, diam, xyz = [], [], [], [0], [], [], []
    for sec in sections():
        points = range(sec.n3d())
        names.append(sec.name())
        nseg.append(sec.nseg)
        length.append(sec.L)
        arc.extend(map(sec.arc3d, points))
        diam.extend(map(sec.diam3d, points))
        xyz.extend(zip(map(sec.x3d, points), map(sec.y3d, points), map(sec.z3d, points)))
        first.append(len(arc))
    lengths = (np.array(values, dtype=float) for values in (length, arc, diam, xyz))
    length, arc, diam, xyz = lengths
    nseg, first = np.array(nseg, dtype=int), np.array(first)
    return names, Paths(nseg, length, first, arc, diam, xyz.reshape(-1, 3))


ADVANCED = (
    3 + 4 * 1 + 8 * 2 + 32 * 1 + 64 * 1
)  # what ion_style says where `use_ion` has set it, and NEURON's rxd
POTENTIAL_GIVEN = ADVANCED - 64  # and where NEURON need not compute the reversal potential


def use_ion(name: str, charge: float):
    """Let every section have the ion `name`, its concentrations being states that somebody else
    advances.

    The reversal potential follows the concentrations before every step. ``finitialize`` resets the
    concentrations to the ion's defaults (ki0_k_ion, ko0_k_ion), which INITIAL blocks see, as with
    NEURON's rxd: the caller sets them after the INITIAL blocks. Safe to repeat.

    Raises
    ------
    ValueError where the name cannot be an ion's, or where NEURON knows the ion with another charge.
    """
    ion = f"{name}_ion"
    if not str(name).isidentifier():
        raise ValueError(
            f"{name!r} cannot name an ion: use a name such as 'k', of letters, digits and _"
        )
    is_known = hasattr(n, ion)
    if is_known and n.ion_charge(ion) != charge:
        known = n.ion_charge(ion)
        raise ValueError(
            f"charge of {name} is {known:g} in NEURON, got {charge}: give the same charge"
        )
    if (
        not is_known and n.ion_register(name, charge) < 0
    ):  # NEURON takes the longer, the more ions there are
        taken = f"{name}i, {name}o, i{name} or e{name}"
        raise ValueError(f"{name!r} cannot name an ion: {taken} means something else in NEURON")
    for sec in sections():
        if not sec.has_membrane(ion):
            sec.insert(ion)
        n.ion_style(ion, 3, 2, 1, 1, 1, sec=sec)


def choose_potential(name: str, computed: bool) -> bool:
    """Whether NEURON computes the ion's reversal potential itself where `use_ion` has set it; false
    if not in all sections.
    """
    used = [sec for sec in sections() if _is_used(name, sec)]
    everywhere = len(used) == sum(1 for _ in sections())
    if computed or everywhere:
        for sec in used:
            n.ion_style(f"{name}_ion", 3, 2, 1, int(computed), 1, sec=sec)
    return everywhere


def _is_used(name: str, sec) -> bool:
    """Whether the ion is in a section as `use_ion` has set it."""
    return sec.has_membrane(f"{name}_ion") and n.ion_style(f"{name}_ion", sec=sec) in (
        ADVANCED,
        POTENTIAL_GIVEN,
    )


def refuse_other_writers(*names: str):
    """Raise where a mechanism in use sets the outside concentration of one of the ions `names`
    itself.

    Raises
    ------
    ValueError naming the mechanism, a section that has it, and the cure.
    """
    for is_point, mechanism in _mechanisms():
        for name in _written(is_point, mechanism).keys() & set(names):
            outside = f"{name}o"
            section = (
                _section_with(is_point, mechanism)
                if outside in _written(is_point, mechanism)[name]
                else None
            )
            if section is not None:
                raise ValueError(
                    f"{mechanism} in {section} writes {outside}, which the extracellular space sets: "
                    f"remove {mechanism}, or give the species another name"
                )


def _mechanisms():
    """(is it a point process, name) of all mechanisms that NEURON knows."""
    selected = n.ref("")
    for is_point in (False, True):
        kind = n.MechanismType(int(is_point))
        for i in range(int(kind.count())):
            kind.select(i)
            kind.selected(selected)
            yield is_point, selected[0]


def ions_in_use(among) -> set[str]:
    """The ions among some names that a mechanism of this rank's segments uses."""
    wanted, found = set(among), set()
    for is_point, mechanism in _mechanisms():
        named = _ions(is_point, mechanism) & wanted
        if not named <= found and _section_with(is_point, mechanism) is not None:
            found |= named
    return found


def known_ions() -> set[str]:
    """The ions that some mechanism of NEURON's could use, in use or not."""
    return {ion for kind in _mechanisms() for ion in _ions(*kind)}


@functools.lru_cache(maxsize=None)
def _ions(is_point, mechanism):
    kind = n.MechanismType(int(is_point))
    kind.select(mechanism)
    return frozenset(used_ions(kind.code()))


@functools.lru_cache(maxsize=None)
def _written(is_point, mechanism):
    """{ion: names of its variables} that the mechanism writes."""
    kind = n.MechanismType(int(is_point))
    kind.select(mechanism)
    return written_by_ion(kind.code())


def _section_with(is_point, mechanism):
    """The first section of this rank that has the mechanism, or None."""
    if not is_point:
        return next((sec for sec in sections() if sec.has_membrane(mechanism)), None)
    placed = n.List(mechanism)
    segments = (placed.o(i).get_segment() for i in range(int(placed.count())))
    return next((seg.sec for seg in segments if seg is not None), None)


def structure_counts() -> tuple[int, int, int]:
    """NEURON's counts of (structure, diameter) changes, and whether one waits: cheap enough for
    every step.

    The counts move when NEURON takes a change in, at its next initialisation or step, not when the
    script makes it. Instances of mechanisms come, go and are put in another order only where one of
    the three moves.
    """
    return _structure_change.value, _diam_change.value, _change_waits.value


def change_structure():
    """Let NEURON set itself up anew at its next initialisation or step, as after a change of
    structure.
    """
    _change_waits.value = 1


def refuse_unsupported_modes():
    """Raise where NEURON would step in a way that leaves the extracellular space out; microseconds.

    Raises
    ------
    RuntimeError naming the mode and the cure.
    """
    refuse_threads()
    if n.CVode().active():
        raise RuntimeError(
            "the variable time step is not supported: call n.cvode.active(False) and set n.dt"
        )
    coreneuron = sys.modules.get("neuron.coreneuron")
    if coreneuron is not None and coreneuron.enable:
        raise RuntimeError("CoreNEURON is not supported: set coreneuron.enable = False")


def refuse_threads():
    """Raise RuntimeError, which names the cure, where NEURON has several threads; and again when it
    sets itself up anew.
    """
    threads = int(n.ParallelContext().nthread())
    if threads > 1:
        change_structure()
        raise RuntimeError(
            f"NEURON uses {threads} threads here: call pc.nthread(1) and use more ranks"
        )
