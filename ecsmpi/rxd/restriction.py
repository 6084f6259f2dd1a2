"""The part of a species that lies in one region: what scripts read and set concentrations by."""

from __future__ import annotations

import itertools

import numpy as np

from ecsmpi.meeting import meet
from ecsmpi.rxd.missing import RxDException, StandIn
from ecsmpi.rxd.node import Node


class SpeciesOnExtracellular(StandIn):
    """The part of a species that lies in one region."""

    original = "species.SpeciesOnExtracellular"

    def __init__(self, simulation, species, region):
        self._simulation, self.species, self.region = simulation, species, region

    @property
    def _field(self):
        return self._simulation.field(self.species, self.region)

    @property
    def _space(self):
        return self._simulation.space(self.region)

    def _meet(self, what: str) -> None:
        """All ranks must come here, or this one says so rather than hang."""
        if self._simulation.comm.size > 1:
            meet(self._simulation.comm, f"{self}.{what}")

    @property
    def states3d(self) -> np.ndarray:
        """(nx, ny, nz) mM: on one rank a live writable view; on several a read-only gather. Collective."""
        field = self._field
        if self._simulation.comm.size == 1:
            return field.owned
        self._meet("states3d")
        return self._space.gather(self.species.key)

    @property
    def local(self) -> np.ndarray:
        """This rank's planes (n, ny, nz), a live writable view (mM); box planes `planes[0]` to `planes[1]`."""
        return self._field.owned

    @property
    def planes(self) -> tuple[int, int]:
        """The x-planes [lo, hi) of the box that this rank owns."""
        return self._field.planes

    def gather(self, root: int = 0) -> np.ndarray | None:
        """(nx, ny, nz) mM, read-only, on rank ``root``; None on the others. Collective."""
        self._field
        self._meet("gather()")
        return self._space.gather(self.species.key, root)

    @property
    def concentration(self) -> np.ndarray:
        """All concentrations in C order (mM). Collective."""
        return self.states3d.reshape(-1)

    @concentration.setter
    def concentration(self, value) -> None:
        """Set by a number, an array of the box's shape, or a function of a node. Local: set it on every rank."""
        self.fill(self._field, value)

    def fill(self, field, value) -> None:
        """Set a field of this rank by a number, an array of the box's shape, or a function of a node. Local."""
        lo, hi = field.planes
        if callable(value):
            _, ny, nz = self.region.box.shape
            nodes = (Node(self, *ijk) for ijk in itertools.product(range(lo, hi), range(ny), range(nz)))
            value = np.fromiter((value(node) for node in nodes), float, field.owned.size).reshape(field.owned.shape)
        elif np.ndim(value):
            value = self._checked_array(value)[lo:hi]
        field.owned[:] = concentrations(f"concentration of {self.species}", value)

    def _checked_array(self, array) -> np.ndarray:
        array, shape = np.asarray(array, dtype=float), self.region.box.shape
        if array.size != np.prod(shape) or array.ndim not in (1, 3) or (array.ndim == 3 and array.shape != shape):
            raise ValueError(f"concentration of {self.species} must have the box's shape {shape}, got {array.shape}")
        return array.reshape(shape)

    def node_by_location(self, x: float, y: float, z: float) -> Node:
        """The node of the voxel that holds a point (um)."""
        flat = int(self.region.box.index_of([[x, y, z]])[0])
        if flat < 0:
            raise RxDException(f"location ({x}, {y}, {z}) um is outside {self.region!r}")
        return self.node_by_ijk(*(int(index) for index in np.unravel_index(flat, self.region.box.shape)))

    def node_by_ijk(self, i: int, j: int, k: int) -> Node:
        """The node of voxel (i, j, k)."""
        if not all(0 <= index < count for index, count in zip((i, j, k), self.region.box.shape)):
            raise RxDException(f"voxel ({i}, {j}, {k}) is outside the {self.region.box.shape} voxels of the region")
        return Node(self, i, j, k)

    def value_at(self, i: int, j: int, k: int) -> float:
        """Concentration of a voxel (mM). Collective."""
        self._field
        self._meet("node.value")
        return self._space.value(self.species.key, i, j, k)

    def set_value_at(self, i: int, j: int, k: int, concentration: float) -> None:
        """Set the concentration of a voxel (mM). Collective."""
        self._field
        self._meet("node.value = ...")
        self._space.set_value(self.species.key, i, j, k, float(concentrations("node.value", concentration)))

    def watch(self, i: int, j: int, k: int):
        """NEURON's one-element vector that follows a voxel. Local."""
        self._field
        _, ny, nz = self.region.box.shape
        return self._simulation.watch(self.species, self.region, (i * ny + j) * nz + k)

    def __repr__(self):
        return f"{self.species}[{self.region!r}]"

    def __str__(self):
        return f"{self.species}[ecs]"


def concentrations(what: str, value) -> np.ndarray:
    """One or more finite numbers in mM; ValueError names them else."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number in mM, got {value!r}") from None
    if not np.isfinite(values).all():
        raise ValueError(f"{what} must be finite, got {values[~np.isfinite(values)].flat[0]}")
    return values
