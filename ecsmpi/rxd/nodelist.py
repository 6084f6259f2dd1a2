"""Lists of nodes: voxels in an order, read and set as arrays, without an object for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.description.profiles import FloatArray
from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.interpreter import nrn
from ecsmpi.neuron_api.rxd_names import NodeInside, NodeListInside
from ecsmpi.rxd.argument_types import PerAxis
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.node import NodeExtracellular
from ecsmpi.rxd.stand_in import RxdStandIn

if TYPE_CHECKING:
    from ecsmpi.rxd.extracellular import Extracellular
    from ecsmpi.rxd.species import Species
    from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

    Group = tuple[SpeciesOnExtracellular, Voxels]


class NodeList(RxdStandIn, MutableSequence[NodeExtracellular]):
    """Nodes in an order; ``value`` and coordinates are arrays of shape (nodes,).

    It has the methods of a Python list: append, clear, count, extend, index, pop, remove, reverse.
    Call the list with a region, a point (x, y, z) in um or a function of a node to choose nodes.

    Any rank may read and set ``value`` at any time. A rank reads at once what it sets itself; other
    ranks read it from the next step on.

    Parameters
    ----------
    nodes
        NodeExtracellular objects, or another list of nodes. A list of nodes inside cells is
        NEURON's own.

    Raises
    ------
    TypeError
        If an element is not a node.

    Examples
    --------
    >>> n.finitialize(-65)
    1.0
    >>> nodes = k[ecs].nodes
    >>> nodes[nodes.x3d > 0].value = 4  # mM
    >>> nodes((30, 0, 0)).value
    array([4.])
    >>> len(nodes(lambda node: node.value > 3.5))
    500
    """

    original = "nodelist.NodeList"
    hidden = ("of",)
    _groups: list[Group]

    def __new__(cls, nodes: Iterable[Any] = ()) -> NodeList:
        # the groups are made here, as a generator gives its nodes only once
        groups: Iterable[Group]
        if type(nodes) is NodeList:
            groups = nodes._groups
        else:
            nodes = list(nodes)
            if nodes and isinstance(nodes[0], NodeInside):
                of_neuron: NodeList = NodeListInside(nodes)
                return of_neuron
            groups = map(_group_of, nodes)
        made = super().__new__(cls)
        made._groups = _joined(groups)
        return made

    def __init__(self, nodes: Iterable[Any] = ()) -> None:
        """The constructor has done it all: see ``__new__``."""

    @classmethod
    def of(cls, groups: Iterable[Group]) -> NodeList:
        """The list of pairs: a species in a region, and voxels of the region."""
        made = cls()
        made._groups = _joined(groups)
        return made

    def __len__(self) -> int:
        return sum(len(voxels) for _, voxels in self._groups)

    def __iter__(self) -> Iterator[NodeExtracellular]:
        for on_region, voxels in self._groups:
            yield from on_region.each(voxels)

    def __getitem__(self, key: Any) -> Any:
        """A node, or a list of some of the nodes. Local.

        Parameters
        ----------
        key
            An integer for a node; a slice, or an array of integers or Booleans, for a list:
            ``nodes[3]``, ``nodes[::2]``, ``nodes[nodes.x3d > 0]``.

        Returns
        -------
        NodeExtracellular or NodeList

        Raises
        ------
        IndexError
            If there is no such node, or not one Boolean for each node.
        TypeError
            For any other key.
        """
        if isinstance(key, Integral):
            return self._node(range(len(self))[int(key)])
        if len(self._groups) == 1:
            [(on_region, voxels)] = self._groups
            chosen = key if isinstance(key, slice) else _places(key, len(self))
            return NodeList.of([(on_region, voxels[chosen])])
        if isinstance(key, slice):
            return self._chosen(np.arange(len(self))[key])
        return self._chosen(_places(key, len(self)))

    def _node(self, place: int) -> NodeExtracellular:
        for on_region, voxels in self._groups:
            if place < len(voxels):
                return on_region.node(int(voxels.index[place]))
            place -= len(voxels)
        raise IndexError(f"no node {place}")

    def _chosen(self, places: NDArray[np.int64]) -> NodeList:
        """The nodes at these places of a list over several regions."""
        sizes = [len(voxels) for _, voxels in self._groups]
        begins = np.cumsum([0, *sizes])
        numbers = np.searchsorted(begins[1:], places, side="right")  # of the groups
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        groups = []
        for run, number in zip(np.split(places, cuts), np.split(numbers, cuts)):
            if run.size:
                on_region, voxels = self._groups[number[0]]
                groups.append((on_region, voxels[run - begins[number[0]]]))
        return NodeList.of(groups)

    def __setitem__(self, key: Any, node: Any) -> None:
        place = range(len(self))[key]
        self._groups = (self[:place] + [node] + self[place + 1 :])._groups

    def __delitem__(self, key: Any) -> None:
        places = np.delete(np.arange(len(self)), key)
        self._groups = self[places]._groups if places.size else []

    def insert(self, index: int, value: NodeExtracellular) -> None:
        """Put a node before a place of the list. Local.

        Parameters
        ----------
        index
            The place, from 0.
        value
            The node.
        """
        place = slice(index).indices(len(self))[1]
        self._groups = (self[:place] + [value] + self[place:])._groups

    def copy(self) -> NodeList:
        """Another list of the same nodes. Local.

        Returns
        -------
        NodeList
        """
        return NodeList(self)

    def sort(self, *, key: Callable[[NodeExtracellular], Any], reverse: bool = False) -> None:
        """Sort the list in place. Local.

        Parameters
        ----------
        key
            A function of a node: the nodes are in the order of what it returns.
        reverse
            Whether the order is descending.
        """
        keys = [key(node) for node in self]
        order = sorted(range(len(self)), key=keys.__getitem__, reverse=reverse)
        self._groups = self[np.array(order, dtype=int)]._groups

    def __add__(self, other: Iterable[Any]) -> NodeList:
        return NodeList.of([*self._groups, *NodeList(other)._groups])

    def __radd__(self, other: Iterable[Any]) -> NodeList:
        return NodeList(other) + self

    def __eq__(self, other: Any) -> bool:
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other))

    def __call__(self, condition: Any) -> NodeList:
        """The nodes that meet a condition; an empty list if none can meet it.

        Parameters
        ----------
        condition
            A region, a point (x, y, z) in um, or a function of a node that returns whether to take
            it.

        Returns
        -------
        NodeList
        """
        if callable(condition) and not isinstance(condition, nrn.Section):
            chosen: NodeList = self[np.fromiter(map(condition, self), bool, len(self))]
            return chosen
        return NodeList.of(
            (on_region, _meeting(on_region, voxels, condition))
            for on_region, voxels in self._groups
        )

    @property
    def value(self) -> FloatArray:
        """(nodes,) concentrations (mM), a copy. Local.

        Set it (mM) by a number, (nodes,) numbers or a function of a node. Raises InvalidValue for a
        number that is not finite, and RxDException for an array of another length.
        """
        return self._joint([on_region.values_at(voxels) for on_region, voxels in self._groups])

    @value.setter
    def value(self, value: Any) -> None:
        if not np.ndim(value):
            for on_region, voxels in self._groups:
                on_region.set_values_at(voxels, value)
            return
        if len(value) != len(self):
            raise RxDException(
                f"concentration needs one number, or one for each of {len(self)} nodes, "
                f"got {len(value)}"
            )
        values = np.asarray(value)
        begin = 0
        for on_region, voxels in self._groups:
            end = begin + len(voxels)
            on_region.set_values_at(voxels, values[begin:end])
            begin = end

    concentration = value

    @property
    def d(self) -> FloatArray:
        """Diffusion coefficients (um2/ms): (nodes,), or (nodes, 3) if some differ by axis."""
        axes = max((np.shape(on_region.d) for on_region, _ in self._groups), default=())
        return self._joint(
            [
                np.broadcast_to(on_region.d, (len(voxels), *axes))
                for on_region, voxels in self._groups
            ]
        )

    @property
    def diff(self) -> FloatArray:
        """The same as `d` (um2/ms); setting it sets d in the whole regions of the nodes.

        Set it on every rank.
        """
        return self.d

    @diff.setter
    def diff(self, value: PerAxis) -> None:
        for on_region, _ in self._groups:
            on_region.d = value

    @property
    def x3d(self) -> FloatArray:
        """(nodes,) x of the voxels' centres (um)."""
        return self._joint([voxels.centres(0) for _, voxels in self._groups])

    @property
    def y3d(self) -> FloatArray:
        """(nodes,) y of the voxels' centres (um)."""
        return self._joint([voxels.centres(1) for _, voxels in self._groups])

    @property
    def z3d(self) -> FloatArray:
        """(nodes,) z of the voxels' centres (um)."""
        return self._joint([voxels.centres(2) for _, voxels in self._groups])

    @property
    def volume(self) -> FloatArray:
        """(nodes,) free volumes (um3). Local."""
        return self._joint([on_region.volumes(voxels) for on_region, voxels in self._groups])

    @property
    def region(self) -> list[Extracellular]:
        """The region of each node."""
        regions: list[Extracellular] = []
        for on_region, voxels in self._groups:
            regions += [on_region.region] * len(voxels)
        return regions

    @property
    def species(self) -> list[Species]:
        """The species of each node."""
        species: list[Species] = []
        for on_region, voxels in self._groups:
            species += [on_region.species] * len(voxels)
        return species

    @property
    def _ref_value(self) -> Any:
        """NEURON's pointer to the concentration (mM) of a list's only node. Local.

        Reading it raises RxDException for a list of any other length.
        """
        if len(self) != 1:
            raise RxDException(f"a reference needs a list of one node, this has {len(self)}")
        return self[0]._ref_value

    _ref_concentration = _ref_value

    def include_flux(self, *source: Any, units: str = "molecule/ms") -> None:
        """Let a source add ions to each of the voxels in every step from now on.

        See `NodeExtracellular.include_flux`: also for who calls it, and for what it raises.

        Parameters
        ----------
        source
            The rate into each voxel, in ``units``: a number; a pointer; an object and the name of
            its variable; or a function without arguments.
        units
            "molecule/ms", "mol/ms", "mmol/ms", "millimol/ms" or "mol/s".
        """
        for on_region, voxels in self._groups:
            on_region._include_flux(voxels, source, units)

    @staticmethod
    def _joint(arrays: list[FloatArray]) -> FloatArray:
        if not arrays:
            return np.zeros(0)
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def __repr__(self) -> str:
        groups = ", ".join(f"{len(voxels)} of {on_region}" for on_region, voxels in self._groups)
        return f"NodeList({groups or 'no nodes'})"


# so that a script may ask of any nodes whether they are a list of nodes
NodeList.register(NodeListInside)


def _group_of(node: Any) -> Group:
    if not isinstance(node, NodeExtracellular):
        raise TypeError(f"a list of nodes takes nodes, got {node!r}")
    return node.as_group()


def _joined(groups: Iterable[Group]) -> list[Group]:
    """The groups without empty ones; those of one species and region that follow are one."""
    joined: list[Group] = []
    for on_region, voxels in groups:
        if not len(voxels):
            continue
        if joined and joined[-1][0] == on_region:
            voxels = Voxels.joined(joined.pop()[1], voxels)
        joined.append((on_region, voxels))
    return joined


def _places(key: Any, count: int) -> NDArray[np.int64]:
    """Places in a list of ``count`` nodes, from an array of integers or Booleans."""
    places = np.asarray(key)
    if places.dtype == bool and places.shape != (count,):
        raise IndexError(f"a choice of {count} nodes needs as many Booleans, got {places.shape}")
    if places.dtype != bool and places.dtype.kind not in "iu" and places.size:
        raise TypeError(f"nodes are chosen by integers, a slice or Booleans, got {key!r}")
    kind = bool if places.dtype == bool else int
    chosen: NDArray[np.int64] = np.arange(count)[places.astype(kind)]
    return chosen


def _meeting(on_region: SpeciesOnExtracellular, voxels: Voxels, condition: Any) -> Voxels:
    """The voxels that meet a condition: a region, or a point (x, y, z) in um."""
    if isinstance(condition, tuple) and len(condition) == 3:
        return voxels.only(int(on_region.region.box.index_of([condition])[0]))
    return voxels if condition is on_region.region else voxels[:0]
