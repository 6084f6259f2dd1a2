"""Fluxes that a script adds to voxels, ``node.include_flux``: counted once, however many ranks know
of them.

A flux is an entry of the exchange for each of its voxels, as a segment's current is. Which rank has
that entry is settled when the exchange is planned:

    a number       the owner of the voxel
    a function     the owner of the voxel, if it has the function, else the lowest rank that has it
    a pointer      into cells: every rank that gave one; to anything else (t, a vector): the lowest that gave it
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ecsmpi.neuron_api.interpreter import hoc, n

KINDS = "pointer", "function", "number"


def kind(source) -> str:
    """What a source is: pointer, function or number."""
    return (
        "pointer"
        if isinstance(source, hoc.HocObject)
        else "function"
        if callable(source)
        else "number"
    )


@dataclass(frozen=True, eq=False)
class Flux:
    """Mass from a source into voxels: source / scale is in mM um3/ms.

    voxels: (voxels,) flat indices into the box. source: a number, a function, or NEURON's pointer.
    """

    voxels: np.ndarray
    source: object
    scale: float

    @property
    def of_one_rank(self) -> bool:
        """Whether the source is a variable of this rank's cells, which no other rank can have."""
        return kind(self.source) == "pointer" and "row=" in repr(self.source)

    def name(self) -> str:
        """The same for the same call on other ranks."""
        made = hashlib.blake2b(
            np.ascontiguousarray(self.voxels, dtype=np.int64).tobytes(), digest_size=16
        )
        made.update(f"{kind(self.source)} {self.scale!r} {self._source_name()}".encode())
        return made.hexdigest()

    def _source_name(self) -> str:
        if kind(self.source) == "number":
            return repr(self.source)
        code = getattr(self.source, "__code__", None)
        where = (code.co_filename, code.co_firstlineno) if code else type(self.source).__qualname__
        return (
            f"{getattr(self.source, '__qualname__', '')} {where}"
            if kind(self.source) == "function"
            else ""
        )


class Fluxes:
    """The fluxes into one box, as planned entries. Ions are known by their key."""

    def __init__(self):
        self._added: list[tuple[object, Flux]] = []

    def add(self, key, flux: Flux) -> None:
        """Take part from the next plan on. Local."""
        self._added.append((key, flux))

    def forget(self, keys) -> None:
        """Drop the fluxes of ions that are not among ``keys``. Local."""
        self._added = [(key, flux) for key, flux in self._added if key in keys]

    def plan(self, comm, slabs, box, keys: list) -> np.ndarray:
        """Settle which fluxes into which voxels this rank has; their flat voxels, (entries,).
        Collective.
        """
        shares = [share for share in self._shares(comm, slabs, box.plane, keys) if share[2].size]
        shares.sort(key=lambda share: share[0])
        counts = [voxels.size for _, _, voxels in shares]
        self._fluxes = [flux for _, flux, _ in shares]
        self._flux = np.repeat(np.arange(len(shares)), counts)
        self._ion = np.repeat(np.array([ion for ion, _, _ in shares], dtype=np.int64), counts)
        self._voxels = np.concatenate(
            [np.zeros(0, dtype=np.int64), *[voxels for _, _, voxels in shares]]
        )
        return self._voxels

    def _shares(self, comm, slabs, plane_size, keys) -> list:
        """(number of the ion, flux, those of its voxels that this rank has) of each flux added
        here. Collective.
        """
        added = [(keys.index(key), flux) for key, flux in self._added]
        names = _numbered([f"{ion} {flux.name()}" for ion, flux in added if not flux.of_one_rank])
        holders: dict[str, list[int]] = {}
        for rank, theirs in enumerate(comm.allgather(names)):
            for name in theirs:
                holders.setdefault(name, []).append(rank)
        names = iter(names)
        shares = []
        for ion, flux in added:
            voxels = flux.voxels
            if not flux.of_one_rank:
                voxels = voxels[
                    _mine(flux, holders[next(names)], slabs.owner(voxels // plane_size), comm.rank)
                ]
            shares.append((ion, flux, voxels))
        return shares

    def couple(self, exchange, volume: float) -> None:
        """Let `take` tell this exchange, which wants the fluxes' voxels; volume: of a voxel, tissue
        and all (um3). Local.
        """
        self._sources, self._entries = Sources([flux.source for flux in self._fluxes]), []
        factor = 1 / (np.array([flux.scale for flux in self._fluxes])[self._flux] * volume)
        for ion in np.unique(self._ion).tolist():
            here = np.flatnonzero(self._ion == ion)
            rows = exchange.entry_runs(self._voxels[here])
            self._entries.append((ion, self._sources.place[self._flux[here]], factor[here], rows))
        self._exchange = exchange

    def check(self) -> None:
        """Raise where a pointer's variable is gone; NEURON would end the job without saying what to
        do. Local.
        """
        for _, flux in self._added:
            if kind(flux.source) == "pointer":
                living(flux.source)

    def take(self, dt: float) -> None:
        """Let the sources flow for dt (ms). Local."""
        if not self._entries:
            return
        values = self._sources.read()
        for ion, source, factor, rows in self._entries:
            self._exchange.add_sources(ion, values, source, factor, dt, rows)


class Sources:
    """What fluxes come from, as one array: pointers, functions, numbers. ``place``: where in it
    each source is.
    """

    def __init__(self, sources: list):
        pointers, functions, numbers = (
            [i for i, one in enumerate(sources) if kind(one) == k] for k in KINDS
        )
        self.place = np.argsort(np.array(pointers + functions + numbers, dtype=np.int64)).astype(
            np.uint32
        )
        self._handles = n.PtrVector(len(pointers)) if pointers else None
        self._vector = n.Vector(len(pointers))
        for at, i in enumerate(pointers):
            self._handles.pset(at, living(sources[i]))
        self._read = self._vector.as_numpy() if pointers else np.zeros(0)
        self._functions = list(enumerate((sources[i] for i in functions), len(pointers)))
        self._values = np.array([0.0] * len(pointers + functions) + [sources[i] for i in numbers])

    def read(self) -> np.ndarray:
        """(sources,) values now; the same buffer each time."""
        if self._handles is not None:
            self._handles.gather(self._vector)
            self._values[: self._read.size] = self._read
        for at, function in self._functions:
            self._values[at] = function()
        return self._values


def living(pointer):
    """The pointer, if what it points to exists; ValueError else."""
    try:
        if repr(pointer).startswith(("data_handle", "<hoc ref")):
            pointer[0]
            return pointer
    except ValueError:
        pass
    raise ValueError(
        f"a flux needs a pointer to something that exists, such as synapse._ref_i, got {pointer}: keep in a variable what it "
        "points into, or delete the species, and its fluxes with it"
    )


def _numbered(names: list[str]) -> list[str]:
    """The names, each with how often it came before."""
    seen: Counter = Counter()
    numbered = []
    for name in names:
        numbered.append(f"{name} {seen[name]}")
        seen[name] += 1
    return numbered


def _mine(flux: Flux, holders: list[int], owner: np.ndarray, rank: int) -> np.ndarray:
    """(voxels,) which of a flux's voxels this rank has, among the ranks that hold it."""
    if kind(flux.source) == "pointer":
        return np.full(owner.shape, rank == holders[0])
    return (owner == rank) | ((rank == holders[0]) & ~np.isin(owner, holders))
