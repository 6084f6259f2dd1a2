"""Lists of nodes: voxels in an order, read and set as arrays without an object for each."""

from __future__ import annotations

from collections.abc import MutableSequence
from numbers import Integral

import numpy as np

from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.interpreter import nrn
from ecsmpi.neuron_api.rxd_names import NodeInside, NodeListInside
from ecsmpi.rxd.compat import RxDException, RxdStandIn
from ecsmpi.rxd.node import NodeExtracellular


class NodeList(RxdStandIn, MutableSequence):
    """Nodes of one species, made when asked for one by one; ``value`` and coordinates are arrays,
    (nodes,).

    Index it by a number, a slice, or an array of integers or Booleans: ``nodes[nodes.x3d > 0]``.
    Call it with a region, a point (x, y, z), or a function of a node that says which to take. Any
    rank reads and sets ``value`` at any time; other ranks see what one rank alone has set from the
    next step on.
    """

    original = "nodelist.NodeList"

    def __new__(cls, nodes=()):
        """A list of nodes inside cells is NEURON's own. The parts are made here: a generator gives
        its nodes once.
        """
        if type(nodes) is NodeList:
            parts = nodes._parts
        else:
            nodes = list(nodes)
            if nodes and isinstance(nodes[0], NodeInside):
                return NodeListInside(nodes)
            parts = map(_part_of, nodes)
        made = super().__new__(cls)
        made._parts = _joined(parts)
        return made

    def __init__(self, nodes=()):
        """nodes: NodeExtracellular objects, of a list or a generator, or another list of nodes."""

    @classmethod
    def of(cls, parts) -> NodeList:
        """The list of some pairs (a species on a region, Voxels)."""
        made = cls()
        made._parts = _joined(parts)
        return made

    def __len__(self):
        return sum(len(voxels) for _, voxels in self._parts)

    def __iter__(self):
        return (node for part, voxels in self._parts for node in part.each(voxels))

    def __getitem__(self, key):
        if isinstance(key, Integral):
            at = range(len(self))[key]
            for part, voxels in self._parts:
                if at < len(voxels):
                    return part.node(int(voxels.index[at]))
                at -= len(voxels)
        if len(self._parts) == 1:
            [(part, voxels)] = self._parts
            return NodeList.of(
                [(part, voxels[key if isinstance(key, slice) else _places(key, len(self))])]
            )
        return self._taken(
            np.arange(len(self))[key] if isinstance(key, slice) else _places(key, len(self))
        )

    def _taken(self, places: np.ndarray) -> NodeList:
        """The nodes at these places, of a list over several regions."""
        sizes = [len(voxels) for _, voxels in self._parts]
        begins = np.cumsum([0, *sizes])
        numbers = np.searchsorted(begins[1:], places, side="right")
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        parts = []
        for run, number in zip(np.split(places, cuts), np.split(numbers, cuts)):
            if run.size:
                part, voxels = self._parts[number[0]]
                parts.append((part, voxels[run - begins[number[0]]]))
        return NodeList.of(parts)

    def __setitem__(self, key, node):
        at = range(len(self))[key]
        self._parts = (self[:at] + [node] + self[at + 1 :])._parts

    def __delitem__(self, key):
        places = np.delete(np.arange(len(self)), key)
        self._parts = self[places]._parts if places.size else []

    def insert(self, at: int, node: NodeExtracellular) -> None:
        """Put a node before place ``at``."""
        at = slice(at).indices(len(self))[1]
        self._parts = (self[:at] + [node] + self[at:])._parts

    def copy(self) -> NodeList:
        """The same nodes in another list."""
        return NodeList(self)

    def sort(self, *, key, reverse: bool = False) -> None:
        """Sort in place by a function of a node."""
        order = sorted(
            range(len(self)), key=[key(node) for node in self].__getitem__, reverse=reverse
        )
        self._parts = self[np.array(order, dtype=int)]._parts

    def __add__(self, other) -> NodeList:
        return NodeList.of([*self._parts, *NodeList(other)._parts])

    def __radd__(self, other) -> NodeList:
        return NodeList(other) + self

    def __eq__(self, other):
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other))

    def __call__(self, condition) -> NodeList:
        """The nodes in a region, at a point (x, y, z), or for which a function is true; none for
        what cannot be met.
        """
        if callable(condition) and not isinstance(condition, nrn.Section):
            return self[np.fromiter(map(condition, self), bool, len(self))]
        return NodeList.of(
            (part, _meeting(part, voxels, condition)) for part, voxels in self._parts
        )

    @property
    def value(self) -> np.ndarray:
        """(nodes,) concentrations (mM), a copy. Local."""
        return self._joint([part.values_at(voxels) for part, voxels in self._parts])

    @value.setter
    def value(self, value) -> None:
        """Set by a number, (nodes,) numbers, or a function of a node (mM). Local."""
        values = self._each("concentration", value) if np.ndim(value) else value
        at = 0
        for part, voxels in self._parts:
            part.set_values_at(voxels, values[at : at + len(voxels)] if np.ndim(value) else value)
            at += len(voxels)

    concentration = value

    @property
    def d(self) -> np.ndarray:
        """Diffusion coefficients (um2/ms): (nodes,), or (nodes, 3) where some are given for each
        axis.
        """
        axes = max((np.shape(part.d) for part, _ in self._parts), default=())
        return self._joint(
            [np.broadcast_to(part.d, (len(voxels), *axes)) for part, voxels in self._parts]
        )

    @property
    def diff(self) -> np.ndarray:
        """As d; setting it sets the d of the nodes' whole regions."""
        return self.d

    @diff.setter
    def diff(self, value) -> None:
        for part, _ in self._parts:
            part.d = value

    @property
    def x3d(self) -> np.ndarray:
        """(nodes,) x of the centres (um)."""
        return self._joint([voxels.centres(0) for _, voxels in self._parts])

    @property
    def y3d(self) -> np.ndarray:
        """(nodes,) y of the centres (um)."""
        return self._joint([voxels.centres(1) for _, voxels in self._parts])

    @property
    def z3d(self) -> np.ndarray:
        """(nodes,) z of the centres (um)."""
        return self._joint([voxels.centres(2) for _, voxels in self._parts])

    @property
    def volume(self) -> np.ndarray:
        """(nodes,) free volumes (um3)."""
        return self._joint([part.volumes(voxels) for part, voxels in self._parts])

    @property
    def region(self) -> list:
        """The region of each node."""
        return [part.region for part, voxels in self._parts for _ in range(len(voxels))]

    @property
    def species(self) -> list:
        """The species of each node."""
        return [part.species for part, voxels in self._parts for _ in range(len(voxels))]

    @property
    def _ref_value(self):
        return self._only()._ref_value

    _ref_concentration = _ref_value

    def include_flux(self, *source, units: str = "molecule/ms") -> None:
        """The same flux into each of the nodes: see NodeExtracellular.include_flux."""
        for part, voxels in self._parts:
            part._include_flux(voxels, source, units)

    def _only(self) -> NodeExtracellular:
        if len(self) != 1:
            raise RxDException(f"a reference needs a list of one node, this has {len(self)}")
        return self[0]

    def _each(self, what: str, values) -> np.ndarray:
        if len(values) != len(self):
            raise RxDException(
                f"{what} needs one number, or one for each of {len(self)} nodes, got {len(values)}"
            )
        return np.asarray(values)

    @staticmethod
    def _joint(arrays: list) -> np.ndarray:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays) if arrays else np.zeros(0)

    def __repr__(self):
        parts = ", ".join(f"{len(voxels)} of {part}" for part, voxels in self._parts)
        return f"NodeList({parts or 'no nodes'})"


NodeList.register(
    NodeListInside
)  # so that a script can ask of any nodes whether they are a list of nodes


def _part_of(node) -> tuple:
    if not isinstance(node, NodeExtracellular):
        raise TypeError(f"a list of nodes takes nodes, got {node!r}")
    return node.part()


def _joined(parts) -> list:
    """Parts that follow each other on the same region become one."""
    made = []
    for part, voxels in parts:
        if not len(voxels):
            continue
        if made and made[-1][0] == part:
            voxels = Voxels.joined(made.pop()[1], voxels)
        made.append((part, voxels))
    return made


def _places(key, count: int) -> np.ndarray:
    """Places from an array of integers or Booleans."""
    places = np.asarray(key)
    if places.dtype == bool and places.shape != (count,):
        raise IndexError(f"a choice of {count} nodes needs as many Booleans, got {places.shape}")
    if places.dtype != bool and places.dtype.kind not in "iu" and places.size:
        raise TypeError(f"nodes are chosen by integers, a slice or Booleans, got {key!r}")
    return np.arange(count)[places.astype(bool if places.dtype == bool else int)]


def _meeting(part, voxels: Voxels, condition) -> Voxels:
    """The voxels that meet a condition."""
    if isinstance(condition, tuple) and len(condition) == 3:
        return voxels.only(int(part.region.box.index_of([condition])[0]))
    return voxels if condition is part.region else voxels[:0]
