"""The part of a species that lies in one region: what scripts read and set concentrations by."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np

from ecsmpi.cells.flux import Flux
from ecsmpi.description.profiles import FileProfile, Profile, values_at
from ecsmpi.description.voxels import Voxels
from ecsmpi.run.writes import Write
from ecsmpi.rxd.arithmetic import Arithmetic
from ecsmpi.rxd.compat import InvalidValue, RxDException, RxdStandIn
from ecsmpi.rxd.forgetting import refuse_forgotten
from ecsmpi.rxd.node import NodeExtracellular
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.source import checked_source, scale_of


class SpeciesOnExtracellular(Arithmetic, RxdStandIn):
    """The part of a species that lies in one region; it does not keep the species alive."""

    original = "species.SpeciesOnExtracellular"
    settable = ("region",)

    def __init__(self, simulation, species, region):
        self._simulation, self._of, self.region = simulation, species._held, region
        self._seen_at, self._seen = (
            None,
            None,
        )  # the box that answers reads, and the stamp of the simulation then
        self._is_set_by_pointer = (
            None  # (flat index of a voxel) -> bool, where the region has pointers
        )

    @property
    def species(self):
        """The species."""
        species = self._of()
        if species is None:
            raise RxDException(
                "the species has been deleted: keep it in a variable as long as its parts are used"
            )
        refuse_forgotten(species)
        return species

    @property
    def _field(self):
        if not self.defined_on_region(self.region):
            raise RxDException(f"species {self.species} is no longer defined on {self.region!r}")
        return self._simulation.field(self.species, self.region)

    @property
    def _space(self):
        return self._simulation.space(self.region)

    @property
    def states3d(self) -> np.ndarray:
        """(nx, ny, nz) mM: on one process a live, writable view; on several ranks a read-only copy.
        Local.
        """
        self._field
        return self._simulation.reading.whole(self.species, self.region)

    @property
    def local(self) -> np.ndarray:
        """This rank's planes (n, ny, nz), a live writable view (mM); box planes `planes[0]` to
        `planes[1]`.

        Other ranks may see at once what is written to it: between such a write and their reads put
        ``pc.barrier()``.
        """
        self._field
        return self._simulation.reading.slab(self.species, self.region)

    @property
    def planes(self) -> tuple[int, int]:
        """The x-planes [lo, hi) of the box that this rank owns."""
        return self._field.planes

    def gather(self, root: int = 0) -> np.ndarray | None:
        """(nx, ny, nz) mM, read-only, on rank ``root``; None on the others. Local."""
        if self._simulation.comm.rank != root:
            return None
        box = self.states3d.view()
        box.flags.writeable = False
        return box

    @property
    def nodes(self) -> NodeList:
        """The nodes of all voxels, in C order."""
        return NodeList.of([(self, Voxels(self.region.box))])

    @property
    def concentration(self) -> np.ndarray:
        """All concentrations in C order (mM), a copy. Local."""
        return self.nodes.value

    @concentration.setter
    def concentration(self, value) -> None:
        """Set by a number, an array of the box's shape, or a function of a node. Local.

        This rank sees the values at once. Other ranks that do not set them too see them from the
        next step on.
        """
        self._field
        self._simulation.reading.set(self.species, self.region, self._whole_write(value))

    @property
    def d(self):
        """Diffusion coefficient in this region, as given (um2/ms); from the next step on where set,
        on every rank.
        """
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
        """The volume fraction: a number where all voxels have the same one, else (places,) of those
        at (x, y, z) um. Local.
        """
        if not isinstance(self.region.tissue.volume_fraction, Profile):
            return self.region.alpha
        return self.region.volume_fractions(
            [self.node_by_location(*place).part()[1].index[0] for place in locs]
        )

    def extent(self, axes: str) -> list[float]:
        """[xlo, xhi, ylo, ...] of the box (um) along axes such as "xyz" or "xz"; RxDException names
        others.
        """
        if axes not in ("xyz", "xy", "xz", "yz", "x", "y", "z"):
            raise RxDException(f"axes must be one of xyz, xy, xz, yz, x, y, z, got {axes!r}")
        box = self.region.box
        return [
            end for axis in axes for end in (box.lo["xyz".index(axis)], box.hi["xyz".index(axis)])
        ]

    def fill(self, field, value) -> None:
        """Set a field of some planes by a number, an array of the box's shape, or a function of a
        node. Local.
        """
        self._whole_write(value).apply(field.owned, field.planes)

    def values_at(self, voxels: Voxels) -> np.ndarray:
        """(voxels,) concentrations (mM), a copy. Local."""
        self._field
        return self._simulation.reading.values(self.species, self.region, voxels)

    def set_values_at(self, voxels: Voxels, value) -> None:
        """Set them by a number, (voxels,) numbers, or a function of a node. Local; see
        `concentration`.
        """
        self._field
        self._simulation.reading.set(self.species, self.region, self._write(voxels, value))

    def _whole_write(self, value) -> Write:
        voxels = Voxels(self.region.box)
        if isinstance(value, Profile):
            stays = repr(value) if isinstance(value, FileProfile) else ""
            return Write(
                voxels, lambda planes, _places, _voxels: self._profile_in(value, planes), stays
            )
        return self._write(
            voxels, self._checked_array(value).reshape(-1) if np.ndim(value) else value
        )

    def _profile_in(self, profile: Profile, planes: tuple[int, int]) -> np.ndarray:
        return self._checked(profile.planes(self.region.box, *planes)).reshape(-1)

    def _write(self, voxels: Voxels, value) -> Write:
        if callable(value):
            return Write(voxels, lambda _planes, _places, there: self._function_in(value, there))
        values = self._checked(value)
        if values.ndim:
            values = values.copy()  # the script may change its own before other ranks ask for them
        return Write.of(voxels, values)

    def _function_in(self, function, voxels: Voxels) -> np.ndarray:
        return self._checked(np.fromiter(map(function, self.each(voxels)), float, len(voxels)))

    def _checked(self, values) -> np.ndarray:
        return concentrations(f"concentration of {self.species}", values)

    def _checked_array(self, array) -> np.ndarray:
        array, shape = np.asarray(array), self.region.box.shape
        if (
            array.size != np.prod(shape)
            or array.ndim not in (1, 3)
            or (array.ndim == 3 and array.shape != shape)
        ):
            raise InvalidValue(
                f"concentration of {self.species} must have the box's shape {shape}, got {array.shape}"
            )
        return array

    def node_by_location(self, x: float, y: float, z: float) -> NodeExtracellular:
        """The node of the voxel that holds a point (um)."""
        flat = int(self.region.box.index_of([[x, y, z]])[0])
        if flat < 0:
            raise RxDException(f"location ({x}, {y}, {z}) um is outside {self.region!r}")
        return self.node_by_ijk(
            *(int(index) for index in np.unravel_index(flat, self.region.box.shape))
        )

    def node_by_ijk(self, i: int, j: int, k: int) -> NodeExtracellular:
        """The node of voxel (i, j, k)."""
        if not all(0 <= index < count for index, count in zip((i, j, k), self.region.box.shape)):
            raise RxDException(
                f"voxel ({i}, {j}, {k}) is outside the {self.region.box.shape} voxels of the region"
            )
        return NodeExtracellular(self, i, j, k)

    def each(self, voxels: Voxels):
        """The nodes of voxels, one by one."""
        return itertools.starmap(NodeExtracellular, ((self, *ijk) for ijk in voxels.ijk()))

    def node(self, flat: int) -> NodeExtracellular:
        """The node of a voxel by its index in C order."""
        _, ny, nz = self.region.box.shape
        return NodeExtracellular(self, flat // (ny * nz), flat // nz % ny, flat % nz)

    def value_at(self, i: int, j: int, k: int) -> float:
        """Concentration of a voxel (mM). Local."""
        if self._seen_at != self._simulation.reading.stamp:
            self._look()
        if self._is_set_by_pointer is not None and self._is_set_by_pointer(self._flat(i, j, k)):
            self._simulation.reading.apply_pointer_writes()
            self._look()
        if self._seen is not None:
            return self._seen.item(i, j, k)
        return self._simulation.reading.value(self.species, self.region, self._flat(i, j, k))

    def _look(self) -> None:
        """Keep the box that answers reads until something changes, so that loops over nodes are
        fast.
        """
        self._field
        seen = self._simulation.reading.kept(self.species, self.region)
        object.__setattr__(
            self, "_seen", seen
        )  # past RxdStandIn's checks, which take longer than all the rest
        object.__setattr__(self, "_seen_at", self._simulation.reading.stamp)
        pointers = self._space.pointers
        is_set = partial(pointers.is_set, self.species.key) if pointers else None
        object.__setattr__(self, "_is_set_by_pointer", is_set)

    def set_value_at(self, i: int, j: int, k: int, concentration: float) -> None:
        """Set the concentration of a voxel (mM). Local; see `concentration`."""
        value = concentration if type(concentration) is float else _one_number(concentration)
        if not math.isfinite(value):
            raise InvalidValue(f"node.value must be finite, got {value}")
        if self._seen_at != self._simulation.reading.stamp:
            self._look()
        if self._is_set_by_pointer is not None:
            self._simulation.reading.apply_pointer_writes()  # so that the last value counts
            self._space.pointers.show(self.species.key, self._flat(i, j, k), value)
        if self._simulation.comm.size == 1:
            self._seen[i, j, k] = value
            self._simulation.reading.touch()
        else:
            self._simulation.reading.set_one(self.species, self.region, self._flat(i, j, k), value)

    def _flat(self, i: int, j: int, k: int) -> int:
        _, ny, nz = self.region.box.shape
        return (i * ny + j) * nz + k

    def _include_flux(self, voxels: Voxels, source: tuple, units: str) -> None:
        """See NodeExtracellular.include_flux. Local; during a run to be called on every rank."""
        self._field
        if self.species.ion(self.region).constant:
            raise RxDException(
                f"{self.species} is a Parameter, which does not change: no flux can go into it"
            )
        flux = Flux(voxels.array(), checked_source(source), scale_of(units))
        self._simulation.add_flux(self.species, self.region, flux)

    def watch(self, i: int, j: int, k: int):
        """NEURON's pointer to a voxel's value. Local."""
        self._field
        return self._simulation.point(self.species, self.region, self._flat(i, j, k))

    def __eq__(self, other):
        same = isinstance(other, SpeciesOnExtracellular)
        return same and self._of is other._of and self.region is other.region

    def __hash__(self):
        return hash((id(self._of), id(self.region)))

    def __repr__(self):
        return f"{self.species}[{self.region!r}]"

    def __str__(self):
        return f"{self.species}[ecs]"


def _one_number(value) -> float:
    """A number in mM; InvalidValue names what is none."""
    number = concentrations("node.value", value)
    if number.ndim:
        raise InvalidValue(f"node.value must be one number in mM, got {value!r}")
    return float(number)


def concentrations(what: str, value) -> np.ndarray:
    """One or more finite numbers in mM; ValueError names them else."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidValue(f"{what} must be a number in mM, got {value!r}") from None
    if not np.isfinite(values).all():
        raise InvalidValue(f"{what} must be finite, got {values[~np.isfinite(values)].flat[0]}")
    return values
