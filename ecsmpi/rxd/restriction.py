"""The part of a species that lies in one region: what scripts read and set concentrations by."""

from __future__ import annotations

import itertools
import weakref

import numpy as np

from ecsmpi.cells.flux import Flux
from ecsmpi.ranks.meeting import meet
from ecsmpi.description.profiles import Profile, values_at
from ecsmpi.rxd.arithmetic import Arithmetic
from ecsmpi.rxd.missing import InvalidValue, RxDException, StandIn
from ecsmpi.rxd.node import NodeExtracellular
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.source import checked_source, scale_of
from ecsmpi.description.voxels import Voxels


class SpeciesOnExtracellular(Arithmetic, StandIn):
    """The part of a species that lies in one region; it does not keep the species alive."""

    original = "species.SpeciesOnExtracellular"
    settable = ("region",)

    def __init__(self, simulation, species, region):
        self._simulation, self._of, self.region = simulation, weakref.ref(species), region

    @property
    def species(self):
        """The species."""
        species = self._of()
        if species is None:
            raise RxDException("the species has been deleted: keep it in a variable as long as its parts are used")
        return species

    @property
    def _field(self):
        if not self.defined_on_region(self.region):
            raise RxDException(f"species {self.species} is no longer defined on {self.region!r}")
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
    def nodes(self) -> NodeList:
        """The nodes of all voxels, in C order."""
        return NodeList.of([(self, Voxels(self.region.box))])

    @property
    def concentration(self) -> np.ndarray:
        """All concentrations in C order (mM), a copy. Collective."""
        return self.nodes.value

    @concentration.setter
    def concentration(self, value) -> None:
        """Set by a number, an array of the box's shape, or a function of a node. Local: set it on every rank."""
        self.fill(self._field, value)

    @property
    def d(self):
        """Diffusion coefficient in this region, as given (um2/ms); from the next step on where set, on every rank."""
        return self.species.d_on(self.region)

    @d.setter
    def d(self, value) -> None:
        self.species.set_d_on(self.region, value)

    def defined_on_region(self, region) -> bool:
        """Whether the region is this one, and the species still has it."""
        return region is self.region and self.species.defined_on_region(region)

    def volumes(self, voxels: Voxels) -> np.ndarray:
        """(voxels,) free volumes (um3)."""
        fraction = self.species.tissue_on(self.region).volume_fraction
        return self.region.box.voxel_volume * values_at(fraction, self.region.box, voxels.array())

    def alpha_by_location(self, locs) -> np.ndarray | float:
        """The volume fraction: a number where all voxels have the same one, else (places,) of those at (x, y, z) um. Local."""
        if not isinstance(self.region.tissue.volume_fraction, Profile):
            return self.region.alpha
        return self.region.volume_fractions([self.node_by_location(*place).part()[1].index[0] for place in locs])

    def extent(self, axes: str) -> list[float]:
        """[xlo, xhi, ylo, ...] of the box (um) along axes such as "xyz" or "xz"; RxDException names others."""
        if axes not in ("xyz", "xy", "xz", "yz", "x", "y", "z"):
            raise RxDException(f"axes must be one of xyz, xy, xz, yz, x, y, z, got {axes!r}")
        box = self.region.box
        return [end for axis in axes for end in (box.lo["xyz".index(axis)], box.hi["xyz".index(axis)])]

    def fill(self, field, value) -> None:
        """Set a field of this rank by a number, an array of the box's shape, or a function of a node. Local."""
        if isinstance(value, Profile):
            field.owned[:] = concentrations(f"concentration of {self.species}", value.planes(self.region.box, *field.planes))
            return
        value = self._checked_array(value).reshape(-1) if np.ndim(value) else value
        self._set(field, Voxels(self.region.box), value)

    def values_at(self, voxels: Voxels) -> np.ndarray:
        """(voxels,) concentrations (mM), a copy. Collective."""
        self._field
        self._meet("nodes.value")
        return self._space.values(self.species.key, voxels)

    def set_values_at(self, voxels: Voxels, value) -> None:
        """Set them by a number, (voxels,) numbers, or a function of a node. Local: set them on every rank."""
        self._set(self._field, voxels, value)

    def _set(self, field, voxels: Voxels, value) -> None:
        places, local = voxels.within(field.planes)
        if callable(value):
            value = np.fromiter(map(value, self.each(voxels[places])), float, len(voxels[places]))
            places = slice(None)
        value = concentrations(f"concentration of {self.species}", value)
        field.owned.reshape(-1)[local] = value[places] if value.ndim else value
        self._simulation.touch()

    def _checked_array(self, array) -> np.ndarray:
        array, shape = np.asarray(array), self.region.box.shape
        if array.size != np.prod(shape) or array.ndim not in (1, 3) or (array.ndim == 3 and array.shape != shape):
            raise InvalidValue(f"concentration of {self.species} must have the box's shape {shape}, got {array.shape}")
        return array

    def node_by_location(self, x: float, y: float, z: float) -> NodeExtracellular:
        """The node of the voxel that holds a point (um)."""
        flat = int(self.region.box.index_of([[x, y, z]])[0])
        if flat < 0:
            raise RxDException(f"location ({x}, {y}, {z}) um is outside {self.region!r}")
        return self.node_by_ijk(*(int(index) for index in np.unravel_index(flat, self.region.box.shape)))

    def node_by_ijk(self, i: int, j: int, k: int) -> NodeExtracellular:
        """The node of voxel (i, j, k)."""
        if not all(0 <= index < count for index, count in zip((i, j, k), self.region.box.shape)):
            raise RxDException(f"voxel ({i}, {j}, {k}) is outside the {self.region.box.shape} voxels of the region")
        return NodeExtracellular(self, i, j, k)

    def each(self, voxels: Voxels):
        """The nodes of voxels, one by one."""
        return itertools.starmap(NodeExtracellular, ((self, *ijk) for ijk in voxels.ijk()))

    def node(self, flat: int) -> NodeExtracellular:
        """The node of a voxel by its index in C order."""
        _, ny, nz = self.region.box.shape
        return NodeExtracellular(self, flat // (ny * nz), flat // nz % ny, flat % nz)

    def value_at(self, i: int, j: int, k: int) -> float:
        """Concentration of a voxel (mM). Collective."""
        field = self._field
        self._meet("node.value")
        return self._space.value(field, i, j, k)

    def set_value_at(self, i: int, j: int, k: int, concentration: float) -> None:
        """Set the concentration of a voxel (mM). Collective."""
        field = self._field
        self._meet("node.value = ...")
        value, (lo, hi) = float(concentrations("node.value", concentration)), field.planes
        if lo <= i < hi:
            field.owned[i - lo, j, k] = value
        self._simulation.touch()

    def _include_flux(self, voxels: Voxels, source: tuple, units: str) -> None:
        """See NodeExtracellular.include_flux. Local; during a run to be called on every rank."""
        self._field
        if self.species.ion(self.region).constant:
            raise RxDException(f"{self.species} is a Parameter, which does not change: no flux can go into it")
        flux = Flux(voxels.array(), checked_source(source), scale_of(units))
        self._simulation.add_flux(self.species, self.region, flux)

    def watch(self, i: int, j: int, k: int):
        """NEURON's one-element vector that follows a voxel. Local."""
        self._field
        _, ny, nz = self.region.box.shape
        return self._simulation.watch(self.species, self.region, (i * ny + j) * nz + k)

    def __eq__(self, other):
        same = isinstance(other, SpeciesOnExtracellular)
        return same and self._of is other._of and self.region is other.region

    def __hash__(self):
        return hash((id(self._of), id(self.region)))

    def __repr__(self):
        return f"{self.species}[{self.region!r}]"

    def __str__(self):
        return f"{self.species}[ecs]"


def concentrations(what: str, value) -> np.ndarray:
    """One or more finite numbers in mM; ValueError names them else."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidValue(f"{what} must be a number in mM, got {value!r}") from None
    if not np.isfinite(values).all():
        raise InvalidValue(f"{what} must be finite, got {values[~np.isfinite(values)].flat[0]}")
    return values
