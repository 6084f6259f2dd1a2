"""Species: what diffuses, in which regions, and what it starts from."""

from __future__ import annotations

import itertools
import weakref
from dataclasses import replace

from ecsmpi.description.model import SpeciesSpec, Tissue, can_name_ion
from ecsmpi.description.profiles import Profile, profile_of
from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.interpreter import n, neuron_rxd
from ecsmpi.rxd.arithmetic import Arithmetic
from ecsmpi.rxd.compat import InvalidValue, RxDException, RxdStandIn
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.forgetting import refuse_forgotten
from ecsmpi.rxd.intracellular import sides
from ecsmpi.rxd.nodelist import NodeList
from ecsmpi.rxd.redefinition import LEFTOVER, species_inside
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.signatures import shows_arguments
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular, concentrations
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, every_species

_keys = itertools.count()


def __getattr__(name):
    if (
        name == "_all_species"
    ):  # NEURON's list of weak references, which scripts read to save all concentrations
        return [weakref.ref(one) for one in every_species()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@shows_arguments
class Species(Arithmetic, RxdStandIn):
    """A species in one or more extracellular regions.

    d: um2/ms, a number or (dx, dy, dz). name: NEURON's name of the ion, e.g. 'k', or None. charge:
    of the ion; without one it gets no currents. initial: mM, a number, a function of a node, or
    None for NEURON's default (ko0_k_ion), also an array, or rxd.from_file. ecs_boundary_conditions:
    mM at the walls, or None for walls without flux, or a dict that says for "xlo", "xhi", "x"
    (both), "ylo" ... what each face does: a number or a function of t (ms) is the value it is held
    at, as is rxd.Held(value); rxd.Bath(value, permeability) lets a bath exchange through it.
    volume_fraction, tortuosity or permeability: as for Extracellular, where the species sees other
    tissue than the rest. atolscale concerns variable time steps, which are refused; represents is
    an ontology label. Name, charge and regions may be changed between runs, d at any time, on every
    rank. Raises InvalidValue, an RxDException and a ValueError, naming the argument.

    Where all regions lie inside cells, it is NEURON's own species; where some do, it is one of
    NEURON's inside, and one outside. A species without regions (None, or []) takes part once it has
    some.
    """

    original = "Species"
    settable = ("initial", "represents", "key")

    def __new__(cls, regions=None, *args, **kwargs):
        inside, outside = sides(regions)
        if not inside:
            return super().__new__(cls)
        within = species_inside(getattr(neuron_rxd, cls.original), inside, args, kwargs)
        return TransmembraneSpecies(within, cls(outside, *args, **kwargs)) if outside else within

    def __init__(
        self,
        regions=None,
        d=0,
        name=None,
        charge=0,
        initial=None,
        atolscale=1,
        ecs_boundary_conditions=None,
        represents=None,
        volume_fraction=None,
        tortuosity=None,
        permeability=None,
    ):
        self._regions = _checked_regions(regions)
        self._d, self._d_on = d, weakref.WeakKeyDictionary()
        self._name, self._charge, self._walls = name, charge, ecs_boundary_conditions
        self.initial, self.represents, self._atolscale = initial, represents, atolscale
        self._own_tissue = {
            name: profile_of(name, value)
            for name, value in (
                ("volume_fraction", volume_fraction),
                ("tortuosity", tortuosity),
                ("permeability", permeability),
            )
            if value is not None
        }
        self._made_in = simulation.registry.made_in
        self._check()
        if not (initial is None or callable(initial) or isinstance(initial, Profile)):
            self.initial = concentrations("initial", initial)
        self.key = next(_keys)
        simulation.registry.add(self)

    @property
    def regions(self) -> list[Extracellular]:
        """The regions of the species; from the next finitialize on where set, on every rank."""
        return list(self._regions)

    @regions.setter
    def regions(self, regions) -> None:
        self._change("_regions", _checked_regions(regions))

    @property
    def name(self) -> str | None:
        """The name of the ion; from the next finitialize on where set, on every rank."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._change("_name", name)

    @property
    def charge(self) -> int:
        """The charge of the ion; from the next finitialize on where set, on every rank."""
        return self._charge

    @charge.setter
    def charge(self, charge: int) -> None:
        self._change("_charge", charge)

    @property
    def d(self):
        """Diffusion coefficient, as given (um2/ms); from the next step on where set, on every rank."""
        return self._d

    @d.setter
    def d(self, value) -> None:
        self._change("_d", value)
        self._d_on.clear()
        simulation.change()

    def d_on(self, region: Extracellular):
        """Diffusion coefficient in one region, as given (um2/ms)."""
        return self._d_on.get(region, self._d)

    def set_d_on(self, region: Extracellular, value) -> None:
        """Set the diffusion coefficient in one region (um2/ms), from the next step on. Local: set
        it on every rank.
        """
        self._ion(value)
        self._d_on[region] = value
        simulation.change()

    def ion(self, region: Extracellular) -> SpeciesSpec:
        """The description that the solver works from."""
        return replace(self._ion(self.d_on(region)), tissue=self._other_tissue_on(region))

    def _other_tissue_on(self, region: Extracellular) -> Tissue | None:
        """What the species sees in place of the region's tissue: what a tissue is made of does not
        lie in it.
        """
        if any(profile.live and profile.species is self for profile in region.tissue.profiles):
            return Tissue()
        return self.tissue_on(region) if self._own_tissue else None

    def tissue_on(self, region: Extracellular) -> Tissue:
        """The tissue that the species sees in a region: the region's, but for what was said of its
        own.
        """
        own, of_region = self._own_tissue, region.tissue
        if not own:
            return of_region
        diffusion = (
            {}
            if {"tortuosity", "permeability"} & own.keys()
            else {"permeability": of_region.permeability}
        )
        given = {
            "volume_fraction": of_region.volume_fraction,
            "tortuosity": None,
            "permeability": None,
            **diffusion,
            **own,
        }
        return region.made_of(**given, face_average=of_region.face_average)

    def _ion(self, d) -> SpeciesSpec:
        try:
            return SpeciesSpec.from_rxd(self._name, d, self._charge, self._walls)
        except ValueError as error:
            raise InvalidValue(str(error)) from None

    def _change(self, attribute: str, value) -> None:
        """Set an attribute unless the species would be wrong with it."""
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
        self._ion(self._d)
        for region in self._regions:
            self.tissue_on(region)
        _refuse_duplicate(self)

    @property
    def nodes(self) -> NodeList:
        """The nodes of all voxels, region by region in C order."""
        return NodeList.of((self[region], Voxels(region.box)) for region in self._regions)

    def defined_on_region(self, region) -> bool:
        """Whether the species has the region."""
        return region in self._regions

    def re_init(self) -> None:
        """Set the voxels of segments to what these hold outside (ko). Collective."""
        refuse_forgotten(self)
        simulation.set_from_segments([self])

    def fill(self, region: Extracellular, field) -> None:
        """Set a field to the initial concentrations. Local."""
        self[region].fill(field, self._default() if self.initial is None else self.initial)
        if self.initial is None and isinstance(self._walls, (int, float)):
            field.hold_walls(self._walls)

    def _default(self) -> float:
        return (
            getattr(n, f"{self._name}o0_{self._name}_ion", 0.0) if can_name_ion(self._name) else 0.0
        )

    def __getitem__(self, region) -> SpeciesOnExtracellular:
        refuse_forgotten(self)
        if region not in self._regions:
            raise RxDException(f"{self!r} is not defined on {region!r}")
        return SpeciesOnExtracellular(simulation, self, region)

    def __repr__(self):
        return f"Species({self._name or 'unnamed'}, d={self._d}, charge={self._charge}, initial={self.initial})"

    def __str__(self):
        return self._name or repr(self)


def _checked_regions(regions) -> list[Extracellular]:
    """Regions as a list: of one, of several, or of none where a species gets its regions later."""
    if regions is None:
        return []
    found = list(regions) if hasattr(regions, "__iter__") else [regions]
    for region in found:
        if isinstance(region, neuron_rxd.Region):
            raise RxDException(
                f"a species gets its regions inside cells when it is made, got {region!r}: make it anew with them"
            )
        if not isinstance(region, Extracellular):
            raise RxDException(
                f"regions of a species must be rxd.Extracellular of ecsmpi, got {region!r}"
            )
        refuse_forgotten(region)
    if len(set(found)) < len(found):
        raise RxDException(f"a species needs different regions, got {regions!r}")
    return found


def _refuse_duplicate(species: Species) -> None:
    """Raise RxDException where another living species has the name in one of the regions, or with
    another charge.
    """
    if _duplicate(species) is None:
        return
    simulation.let_go()  # it may be one that only a reference cycle holds
    if said := _duplicate(species):
        raise RxDException(said)


def _duplicate(species: Species) -> str | None:
    """What is wrong with another species of the name."""
    name = species.name
    for other in (
        [one for one in simulation.registry.scripts_species if one._name == name] if name else ()
    ):
        if other is not species:
            if shared := [region for region in species.regions if region in other.regions]:
                return (
                    f'species "{species.name}" is already defined on {shared[0]!r}: give it another name, or '
                    f"put all regions in one Species; {LEFTOVER}"
                )
            if other.charge != species.charge:
                return f'species "{species.name}" has charge {other.charge} on another region, got {species.charge}; {LEFTOVER}'
    return None
