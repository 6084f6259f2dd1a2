"""Species: what diffuses, in which regions, and what it starts from."""

from __future__ import annotations

import itertools

from ecsmpi.model import Ion
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.intracellular import lies_inside
from ecsmpi.rxd.missing import RxDException, StandIn
from ecsmpi.rxd.restriction import SpeciesOnExtracellular, concentrations
from ecsmpi.rxd.session import simulation

from neuron import n, rxd as neuron_rxd  # isort: skip  (session has started MPI)

_keys = itertools.count()


class Species(StandIn):
    """A species in one or more extracellular regions.

    d: um2/ms, a number or (dx, dy, dz). name: NEURON's name of the ion, e.g. 'k', or None. charge: of the
    ion; without one it gets no currents. initial: mM, a number, a function of a node, or None for NEURON's
    default (ko0_k_ion). ecs_boundary_conditions: mM at the walls, or None for walls without flux.
    atolscale concerns variable time steps, which are refused; represents is an ontology label.
    Raises ValueError or RxDException naming the argument.

    Where all regions lie inside cells, it is NEURON's own species.
    """

    original = "Species"

    def __new__(cls, regions=None, *args, **kwargs):
        return neuron_rxd.Species(regions, *args, **kwargs) if lies_inside(regions) else super().__new__(cls)

    def __init__(
        self, regions=None, d=0, name=None, charge=0, initial=None, atolscale=1,
        ecs_boundary_conditions=None, represents=None,
    ):  # fmt: skip
        self._regions = _checked_regions(regions)
        self._d, self._name, self._charge, self._walls = d, name, charge, ecs_boundary_conditions
        self.initial, self.represents, self._atolscale = initial, represents, atolscale
        self.ion()
        if not (initial is None or callable(initial)):
            self.initial = concentrations("initial", initial)
        _refuse_duplicate(self)
        self.key = next(_keys)
        simulation.add(self)

    @property
    def regions(self) -> list[Extracellular]:
        """The regions of the species."""
        return self._regions

    @property
    def name(self) -> str | None:
        """The name of the ion."""
        return self._name

    @property
    def charge(self) -> int:
        """The charge of the ion."""
        return self._charge

    @property
    def d(self):
        """Diffusion coefficient, as given (um2/ms)."""
        return self._d

    def ion(self) -> Ion:
        """The description that the solver works from."""
        return Ion.from_rxd(self._name, self._d, self._charge, self._walls)

    def fill(self, region: Extracellular, field) -> None:
        """Set a field to the initial concentrations. Local."""
        self[region].fill(field, self._default() if self.initial is None else self.initial)
        if self.initial is None and self._walls is not None:
            field.hold_walls(self._walls)

    def _default(self) -> float:
        return getattr(n, f"{self._name}o0_{self._name}_ion", 0.0) if self._name else 0.0

    def __getitem__(self, region) -> SpeciesOnExtracellular:
        if region not in self._regions:
            raise RxDException(f"species {self} is not defined on {region!r}")
        return SpeciesOnExtracellular(simulation, self, region)

    def __repr__(self):
        return f"Species({self._name or 'unnamed'}, d={self._d}, charge={self._charge}, initial={self.initial})"

    def __str__(self):
        return self._name or repr(self)


def _checked_regions(regions) -> list[Extracellular]:
    found = list(regions) if hasattr(regions, "__iter__") else [regions]
    for region in found:
        if not isinstance(region, Extracellular):
            raise RxDException(f"regions of a species must be rxd.Extracellular of ecsmpi, got {region!r}")
    if not found or len(set(found)) < len(found):
        raise RxDException(f"a species needs one or more different regions, got {regions!r}")
    return found


def _refuse_duplicate(species: Species) -> None:
    for other in simulation.species:
        if species.name and other.name == species.name:
            if shared := [region for region in species.regions if region in other.regions]:
                raise RxDException(
                    f'species "{species.name}" is already defined on {shared[0]!r}: give it another name, or '
                    "put all regions in one Species"
                )
            if other.charge != species.charge:
                raise RxDException(
                    f'species "{species.name}" has charge {other.charge} on another region, got {species.charge}'
                )
