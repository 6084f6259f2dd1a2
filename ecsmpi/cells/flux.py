"""Fluxes that a script adds to voxels by ``node.include_flux``.

Each flux counts once, however many ranks know of it. It is an entry of the exchange for each of its
voxels, as a segment's current is. The plan of the exchange settles which rank has that entry:

    a number       the owner of the voxel
    a function     the owner of the voxel, if it has the function, else the lowest rank that has it
    a pointer      into cells: every rank that gave one; to anything else (t, a vector): the lowest
                   rank that gave it
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecsmpi.neuron_api import pointers


def kind(source: Any) -> str:
    """What a source of a flux is: pointer, function or number."""
    if pointers.is_pointer(source):
        return "pointer"
    return "function" if callable(source) else "number"


@dataclass(frozen=True, eq=False)
class Flux:
    """Mass from a source into voxels: source / scale is in mM um3/ms.

    Attributes
    ----------
    voxels : (voxels,) flat indices into the box
    source : a number, a function, or NEURON's pointer
    """

    voxels: np.ndarray
    source: Any
    scale: float

    @property
    def of_one_rank(self) -> bool:
        """Whether the source is a variable of this rank's cells, which no other rank can have."""
        return kind(self.source) == "pointer" and pointers.leads_into_a_cell(self.source)

    def name(self) -> str:
        """A digest that is the same for the same call on other ranks."""
        voxels = np.ascontiguousarray(self.voxels, dtype=np.int64)
        made = hashlib.blake2b(voxels.tobytes(), digest_size=16)
        made.update(f"{kind(self.source)} {self.scale!r} {self._source_name()}".encode())
        return made.hexdigest()

    def _source_name(self) -> str:
        if kind(self.source) == "number":
            return repr(self.source)
        if kind(self.source) == "pointer":
            return ""
        code = getattr(self.source, "__code__", None)
        where = (code.co_filename, code.co_firstlineno) if code else type(self.source).__qualname__
        return f"{getattr(self.source, '__qualname__', '')} {where}"


@dataclass(frozen=True)
class _Share:
    """The voxels of a flux that this rank has; ion: number of the ion."""

    ion: int
    flux: Flux
    voxels: np.ndarray


@dataclass(frozen=True)
class _Entries:
    """The entries of one ion in the exchange.

    sources : (entries,) place of each one's source in `Sources`
    factors : (entries,) mM/ms in the voxel for a source of 1
    runs : which entries lie in which voxel, as the exchange wants it
    """

    ion: int
    sources: np.ndarray
    factors: np.ndarray
    runs: Any


class Fluxes:
    """The fluxes into one box, as planned entries. Ions are known by their key."""

    def __init__(self) -> None:
        self._added: list[tuple[Any, Flux]] = []

    def add(self, key: Any, flux: Flux) -> None:
        """Add a flux of an ion from the next plan on. Local."""
        self._added.append((key, flux))

    def has(self, key: Any) -> bool:
        """Whether an ion has fluxes. Local."""
        return any(one == key for one, _ in self._added)

    def forget(self, keys: Collection[Any]) -> None:
        """Drop the fluxes of ions that are not among ``keys``. Local."""
        self._added = [(key, flux) for key, flux in self._added if key in keys]

    def plan(self, comm: Any, slabs: Any, box: Any, keys: list) -> np.ndarray:
        """Settle which fluxes into which voxels this rank has. Collective.

        Returns (entries,) the flat voxels of this rank's entries.
        """
        shares = self._shares(comm, slabs, box.plane, keys)
        shares.sort(key=lambda share: share.ion)
        self._fluxes = []
        ions = []
        counts = []
        voxels = [np.zeros(0, dtype=np.int64)]
        for share in shares:
            if share.voxels.size:
                self._fluxes.append(share.flux)
                ions.append(share.ion)
                counts.append(share.voxels.size)
                voxels.append(share.voxels)
        self._flux = np.repeat(np.arange(len(counts)), counts)
        self._ion = np.repeat(np.array(ions, dtype=np.int64), counts)
        self._voxels = np.concatenate(voxels)
        return self._voxels

    def _shares(self, comm: Any, slabs: Any, plane_size: int, keys: list) -> list[_Share]:
        """This rank's share of each flux added here, which may be empty. Collective."""
        shared = []
        for key, flux in self._added:
            if not flux.of_one_rank:
                shared.append(f"{keys.index(key)} {flux.name()}")
        names = _numbered(shared)
        holders: dict[str, list[int]] = {}
        for rank, theirs in enumerate(comm.allgather(names)):
            for name in theirs:
                holders.setdefault(name, []).append(rank)
        own_names = iter(names)
        shares = []
        for key, flux in self._added:
            voxels = flux.voxels
            if not flux.of_one_rank:
                owners = slabs.owner(voxels // plane_size)
                voxels = voxels[_is_mine(flux, holders[next(own_names)], owners, comm.rank)]
            shares.append(_Share(keys.index(key), flux, voxels))
        return shares

    def couple(self, exchange: Any, volume: float) -> None:
        """Let `take` add the sources to this exchange, which the voxels were planned for. Local.

        volume: um3 of a voxel, tissue and all.
        """
        self._sources = Sources([flux.source for flux in self._fluxes])
        self._entries = []
        scales = np.array([flux.scale for flux in self._fluxes])
        factor = 1 / (scales[self._flux] * volume)
        for ion in np.unique(self._ion).tolist():
            of_ion = np.flatnonzero(self._ion == ion)
            sources = self._sources.place[self._flux[of_ion]]
            runs = exchange.entry_runs(self._voxels[of_ion])
            self._entries.append(_Entries(ion, sources, factor[of_ion], runs))
        self._exchange = exchange

    def check(self) -> None:
        """Raise ValueError where a pointer's variable is gone. Local.

        NEURON would end the job without saying what to do.
        """
        for _, flux in self._added:
            if kind(flux.source) == "pointer":
                living(flux.source)

    def take(self, dt: float) -> None:
        """Let the sources flow for dt (ms). Local."""
        if not self._entries:
            return
        values = self._sources.read()
        for one in self._entries:
            self._exchange.add_sources(one.ion, values, one.sources, one.factors, dt, one.runs)


class Sources:
    """The sources of fluxes as one array: first pointers, then functions, then numbers.

    Attributes
    ----------
    place : (sources,) where in the array each source is
    """

    def __init__(self, sources: Sequence[Any]):
        by_kind: dict[str, list[int]] = {"pointer": [], "function": [], "number": []}
        for i, source in enumerate(sources):
            by_kind[kind(source)].append(i)
        order = by_kind["pointer"] + by_kind["function"] + by_kind["number"]
        self.place = np.argsort(np.array(order, dtype=np.int64)).astype(np.uint32)
        given = [living(sources[i]) for i in by_kind["pointer"]]
        self._pointers = pointers.PointerValues(given)
        self._pointer_count = len(given)
        self._functions: list[tuple[int, Callable[[], float]]] = []
        for at, i in enumerate(by_kind["function"], len(given)):
            self._functions.append((at, sources[i]))
        changing = len(given) + len(self._functions)
        numbers = [sources[i] for i in by_kind["number"]]
        self._values = np.array([0.0] * changing + numbers)

    def read(self) -> np.ndarray:
        """(sources,) values now; the same buffer each time."""
        if self._pointer_count:
            self._values[: self._pointer_count] = self._pointers.read()
        for at, function in self._functions:
            self._values[at] = function()
        return self._values


def living(pointer: Any) -> Any:
    """The pointer, if the variable that it leads to exists; ValueError else."""
    if pointers.exists(pointer):
        return pointer
    raise ValueError(
        "a flux needs a pointer to something that exists, such as synapse._ref_i, got "
        f"{pointer}: keep in a variable what it points into, or delete the species, and its fluxes "
        "with it"
    )


def _numbered(names: list[str]) -> list[str]:
    """The names, each with how often it came before."""
    seen: Counter = Counter()
    numbered = []
    for name in names:
        numbered.append(f"{name} {seen[name]}")
        seen[name] += 1
    return numbered


def _is_mine(flux: Flux, holders: list[int], owner: np.ndarray, rank: int) -> np.ndarray:
    """(voxels,) whether this rank has a flux's entry in each voxel.

    holders: ranks that have the flux, ascending. owner: (voxels,) rank of each voxel.
    """
    if kind(flux.source) == "pointer":
        return np.full(owner.shape, rank == holders[0])
    return (owner == rank) | ((rank == holders[0]) & ~np.isin(owner, holders))
