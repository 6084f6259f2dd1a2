"""Species in extracellular regions: what diffuses, where, and from which concentrations."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ecsmpi.description.model import SpeciesSpec, Tissue, can_name_ion
from ecsmpi.description.profiles import BorderProfile, Profile, profile_of
from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.interpreter import n, neuron_rxd
from ecsmpi.notebook import cells
from ecsmpi.rxd.argument_types import (
    BoundaryConditions,
    Concentrations,
    PerAxis,
    Regions,
    TissueValue,
)
from ecsmpi.rxd.duplicate_species import made_inside_cells, refuse_duplicate, replace_older
from ecsmpi.rxd.errors import InvalidValue, RxDException
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.intracellular import sides
from ecsmpi.rxd.model_reset import refuse_forgotten
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.profiles import finite_concentrations
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.signatures import shows_arguments
from ecsmpi.rxd.species_arithmetic import SpeciesArithmetic
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular
from ecsmpi.rxd.stand_in import RxdStandIn
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, every_species

_keys = itertools.count()


def __getattr__(name: str) -> Any:
    if name == "_all_species":
        # NEURON's list of weak references, which scripts read to save all concentrations
        return [weakref.ref(one) for one in every_species()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@shows_arguments
class Species(SpeciesArithmetic, RxdStandIn):
    """A species in one or more regions.

    Make it on every rank, with the same arguments. With all regions inside cells it is NEURON's own
    species; with regions on both sides of the membrane it is one of NEURON's inside and one of
    ecsmpi's outside, under one name.

    Parameters
    ----------
    regions
        An rxd.Extracellular or rxd.Region, or a list of these. None or an empty list: the species
        takes part once it has regions.
    d
        Diffusion coefficient (um2/ms), a number or (dx, dy, dz).
    name
        Name of the ion, such as "k", or None. A species without charge may have any name.
    charge
        Charge of the ion (elementary charges). Only a species with a name and a charge gets
        currents.
    initial
        Initial concentration (mM): a number, an array of the box's shape, a function of a node,
        ``rxd.from_function(f)``, ``rxd.from_file(path, dataset)``, or None for NEURON's default,
        such as ``n.ko0_k_ion``. Evaluated at each n.finitialize.
    atolscale
        Scale of NEURON's tolerance, dimensionless. It has no effect: variable time steps are
        refused.
    ecs_boundary_conditions
        None: no flux through the faces of the box. A number: the concentration (mM) at all faces.
        A dict: the condition of each face, by "xlo", "xhi", "x" (both), "ylo" and so on. A number
        or a function of t (ms) holds a face at a value, as ``rxd.Held(value)`` does;
        ``rxd.Bath(value, permeability)`` lets a bath exchange through it.
    represents
        A label of an ontology, such as "CHEBI:29103".
    volume_fraction, tortuosity, permeability
        The tissue as this species sees it (dimensionless), where it sees another than the rest:
        values as for `Extracellular`. None: the region's.

    Attributes
    ----------
    initial : float, array, function or profile
        Initial concentration (mM), as given; a new one counts from the next finitialize on. Set it
        on every rank.
    represents : str or None
        The label of an ontology.

    Raises
    ------
    InvalidValue
        For a wrong argument, which it names; an RxDException and a ValueError.
    RxDException
        If another species has the name in one of the regions, or elsewhere with another charge.
        In a notebook a species replaces one that an earlier cell made.

    Examples
    --------
    Calcium whose upper z face is held at 2 mM:

    >>> ca = rxd.Species(
    ...     ecs, d=0.6, name="ca", charge=2, initial=1.2, ecs_boundary_conditions={"zhi": 2.0}
    ... )
    >>> n.finitialize(-65)
    1.0
    >>> ca[ecs].node_by_location(0, 0, 0).value  # mM
    1.2
    """

    original = "Species"
    settable = ("initial", "represents", "key")
    hidden = ("d_on", "initial_profile", "key", "set_d_on", "spec", "tissue_on")
    initial: Any
    represents: Any
    key: int
    _held: Any
    _whole: Callable[[], TransmembraneSpecies | None]

    def __new__(cls, regions: Regions = None, *args: Any, **kwargs: Any) -> Any:
        inside, outside = sides(regions)
        if not inside:
            return super().__new__(cls)
        within = made_inside_cells(getattr(neuron_rxd, cls.original), inside, args, kwargs)
        return TransmembraneSpecies(within, cls(outside, *args, **kwargs)) if outside else within

    def __init__(
        self,
        regions: Regions = None,
        d: PerAxis = 0,
        name: str | None = None,
        charge: int = 0,
        initial: Concentrations | None = None,
        atolscale: float = 1,
        ecs_boundary_conditions: BoundaryConditions = None,
        represents: str | None = None,
        volume_fraction: TissueValue | None = None,
        tortuosity: TissueValue | None = None,
        permeability: TissueValue | None = None,
    ):
        self._regions = _checked_regions(regions)
        self._d = d
        self._d_on: weakref.WeakKeyDictionary[Extracellular, Any] = weakref.WeakKeyDictionary()
        self._name = name
        self._charge = charge
        self._boundary_conditions = ecs_boundary_conditions
        self.initial = initial
        self.represents = represents
        self._atolscale = atolscale
        tissue = {
            "volume_fraction": volume_fraction,
            "tortuosity": tortuosity,
            "permeability": permeability,
        }
        self._own_tissue = {
            name: profile_of(name, value) for name, value in tissue.items() if value is not None
        }
        self._made_in = simulation.registry.made_in
        self._cell = cells.number
        self._check()
        if not (initial is None or callable(initial) or isinstance(initial, Profile)):
            self.initial = finite_concentrations("initial", initial)
        self.key = next(_keys)
        replace_older(self)
        simulation.registry.add(self)

    @property
    def regions(self) -> list[Extracellular]:
        """The extracellular regions. Set them on every rank.

        New ones count from the next finitialize on.
        """
        return list(self._regions)

    @regions.setter
    def regions(self, regions: Regions) -> None:
        self._change("_regions", _checked_regions(regions))

    @property
    def name(self) -> str | None:
        """The name of the ion. Set it on every rank.

        A new one counts from the next finitialize on.
        """
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._change("_name", name)

    @property
    def charge(self) -> int:
        """The charge of the ion (elementary charges). Set it on every rank.

        A new one counts from the next finitialize on.
        """
        return self._charge

    @charge.setter
    def charge(self, charge: int) -> None:
        self._change("_charge", charge)

    @property
    def d(self) -> PerAxis:
        """Diffusion coefficient in all regions, as the script gave it (um2/ms).

        Set it on every rank; it acts from the next step on. Raises InvalidValue if it is negative
        or no number.
        """
        return self._d

    @d.setter
    def d(self, value: PerAxis) -> None:
        self._change("_d", value)
        self._d_on.clear()
        simulation.change()

    def d_on(self, region: Extracellular) -> PerAxis:
        """Diffusion coefficient in one region, as the script gave it (um2/ms)."""
        d: PerAxis = self._d_on.get(region, self._d)
        return d

    def set_d_on(self, region: Extracellular, value: PerAxis) -> None:
        """Set the diffusion coefficient in one region (um2/ms), from the next step on.

        Local; to be called on every rank. Raises InvalidValue if it is negative or no number.
        """
        self._spec(value)
        self._d_on[region] = value
        simulation.change()

    def spec(self, region: Extracellular) -> SpeciesSpec:
        """The description of the species in a region that the solver works from."""
        return replace(self._spec(self.d_on(region)), tissue=self._other_tissue_on(region))

    def _other_tissue_on(self, region: Extracellular) -> Tissue | None:
        """The tissue that the species sees if it is not the region's.

        A State that is the volume fraction of a region does not itself lie in the free volume.
        """
        for profile in region.tissue.profiles:
            if profile.live and getattr(profile, "species", None) is self:
                return Tissue()
        return self.tissue_on(region) if self._own_tissue else None

    def tissue_on(self, region: Extracellular) -> Tissue:
        """The tissue that the species sees in a region: the region's, with the species' own."""
        own = self._own_tissue
        if not own:
            return region.tissue
        given: dict[str, Any] = {
            "volume_fraction": region.tissue.volume_fraction,
            "tortuosity": None,
            "permeability": None,
        }
        if "tortuosity" not in own and "permeability" not in own:
            given["permeability"] = region.tissue.permeability
        given.update(own)
        return region.made_of(**given, face_average=region.tissue.face_average)

    def _spec(self, d: Any) -> SpeciesSpec:
        try:
            return SpeciesSpec.from_rxd(self._name, d, self._charge, self._boundary_conditions)
        except ValueError as error:
            raise InvalidValue(str(error)) from None

    def _change(self, attribute: str, value: Any) -> None:
        """Set an attribute, unless the species would be wrong with it."""
        refuse_forgotten(self)
        before = getattr(self, attribute)
        object.__setattr__(self, attribute, value)
        try:
            self._check()
        except BaseException:
            object.__setattr__(self, attribute, before)
            raise
        simulation.registry.redescribe()

    def _check(self) -> None:
        self._spec(self._d)
        for region in self._regions:
            self.tissue_on(region)
        refuse_duplicate(self)

    @property
    def nodes(self) -> NodeList:
        """The nodes of all voxels, region by region, in C order."""
        return NodeList.of((self[region], Voxels(region.box)) for region in self._regions)

    def defined_on_region(self, region: object) -> bool:
        """Whether the species has a region.

        Parameters
        ----------
        region
            An extracellular region, or anything else.

        Returns
        -------
        bool
        """
        return region in self._regions

    def re_init(self) -> None:
        """Set the voxels of segments to the outside concentrations (mM) of these. Collective.

        Of several segments in one voxel the last one of the highest rank counts.
        """
        refuse_forgotten(self)
        simulation.set_from_segments([self])

    def initial_profile(self, region: Extracellular) -> Profile:
        """The initial concentrations (mM) in a region, with NEURON's defaults of now. Local.

        Raises InvalidValue if ``initial`` does not fit the box or is not finite.
        """
        if self.initial is not None:
            return self[region].profile(self.initial)
        profile = self[region].profile(self._default())
        wall = self._spec(self._d).wall
        return profile if wall is None else BorderProfile(profile, wall)

    def _default(self) -> float:
        if not can_name_ion(self._name):
            return 0.0
        default: float = getattr(n, f"{self._name}o0_{self._name}_ion", 0.0)
        return default

    def __getitem__(self, region: Extracellular) -> SpeciesOnExtracellular:
        """The species in one of its regions: ``k[ecs]``. Local.

        Parameters
        ----------
        region
            One of the species' regions.

        Returns
        -------
        SpeciesOnExtracellular
            Reads and sets the concentrations (mM) there.

        Raises
        ------
        RxDException
            If the species does not have the region.
        """
        refuse_forgotten(self)
        if region not in self._regions:
            raise RxDException(f"{self!r} is not defined on {region!r}")
        return SpeciesOnExtracellular(simulation, self, region)

    def __repr__(self) -> str:
        return (
            f"Species({self._name or 'unnamed'}, d={self._d}, charge={self._charge}, "
            f"initial={self.initial})"
        )

    def __str__(self) -> str:
        return self._name or repr(self)


def _checked_regions(regions: Regions) -> list[Extracellular]:
    """Extracellular regions as a list, which is empty for a species that gets its regions later."""
    if regions is None:
        return []
    regions = list(regions) if hasattr(regions, "__iter__") else [regions]
    for region in regions:
        if isinstance(region, neuron_rxd.Region):
            raise RxDException(
                "a species gets its regions inside cells when it is made, "
                f"got {region!r}: make it again with them"
            )
        if isinstance(region, neuron_rxd.Extracellular):
            raise RxDException(
                "regions of a species must be rxd.Extracellular of ecsmpi, got NEURON's "
                f"{region!r}: import rxd from ecsmpi, not from neuron, in all of the script"
            )
        if not isinstance(region, Extracellular):
            raise RxDException(
                f"regions of a species must be rxd.Extracellular of ecsmpi, got {region!r}"
            )
        refuse_forgotten(region)
    if len(set(regions)) < len(regions):
        raise RxDException(f"a species needs different regions, got {regions!r}")
    found: list[Extracellular] = regions
    return found
