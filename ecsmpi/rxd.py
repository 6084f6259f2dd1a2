"""The names of neuron.rxd for the extracellular space: change `from neuron import rxd` into `from ecsmpi import rxd`.

What is here means what it means in neuron.rxd; what is collective says so. What neuron.rxd has beyond it raises at once,
so that no script silently computes something else.
"""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace

from ecsmpi.simulation import Simulation  # starts MPI before NEURON is imported
from ecsmpi import kernels, launch, observers  # isort: skip  (numba reads its environment after that)
from ecsmpi.grid import Box
from ecsmpi.hooks import Hooks
from ecsmpi.missing import MissingFeature as MissingFeature  # for scripts that want to catch it
from ecsmpi.missing import RxDException, StandIn, missing_name
from ecsmpi.model import Ion, Tissue
from ecsmpi.restriction import SpeciesOnExtracellular, concentrations
from ecsmpi.timing import Phases

import neuron  # isort: skip
from neuron import n  # isort: skip

_simulation = Simulation(launch.start())
_hooks = Hooks(_simulation)
_keys = itertools.count()


class Options(StandIn):
    """rxd.options: ``enable.extracellular`` can forbid extracellular regions; ``reproducible`` makes results have
    the same bits at any number of ranks, in blocks of 16 planes, of which each rank owns whole ones.
    """

    original = "options"

    def __init__(self):
        self.__dict__["enable"] = SimpleNamespace(extracellular=True)

    @property
    def reproducible(self) -> bool:
        """Whether results have the same bits at any number of ranks."""
        return _simulation.reproducible

    @reproducible.setter
    def reproducible(self, wanted: bool) -> None:
        _simulation.reproduce(wanted)


options = Options()


def __getattr__(name):
    raise missing_name(name)


class Extracellular(StandIn):
    """An extracellular region: the box from (xlo, ylo, zlo) to at least (xhi, yhi, zhi) um, in voxels of dx um.

    dx: a number or (dx, dy, dz). volume_fraction in (0, 1]; tortuosity > 0 or permeability = 1/tortuosity**2,
    not both; numbers. Raises ValueError naming the argument.
    """

    original = "Extracellular"

    def __init__(
        self, xlo, ylo, zlo, xhi, yhi, zhi, dx, volume_fraction=1, tortuosity=None, permeability=None
    ):  # fmt: skip
        if not options.enable.extracellular:
            raise RxDException("extracellular diffusion is disabled: set rxd.options.enable.extracellular = True")
        self.box = Box.spanning((xlo, ylo, zlo), (xhi, yhi, zhi), dx)
        self.tissue = Tissue.from_rxd(volume_fraction, tortuosity, permeability)

    @property
    def alpha(self) -> float:
        """Volume fraction."""
        return self.tissue.volume_fraction

    @property
    def tortuosity(self) -> float:
        """Tortuosity."""
        return self.tissue.tortuosity

    @property
    def permeability(self) -> float:
        """1/tortuosity**2."""
        return self.tissue.permeability

    def volume(self, index=None) -> float:
        """Free volume (um3) of the region, or of one voxel where ``index`` is given."""
        return self.box.voxel_volume * self.alpha * (self.box.voxels if index is None else 1)

    def __repr__(self):
        return f"Extracellular({self.box}, volume_fraction={self.alpha}, tortuosity={self.tortuosity})"


class Species(StandIn):
    """A species in one or more extracellular regions.

    d: um2/ms, a number or (dx, dy, dz). name: NEURON's name of the ion, e.g. 'k', or None. charge: of the
    ion; without one it gets no currents. initial: mM, a number, a function of a node, or None for NEURON's
    default (ko0_k_ion). ecs_boundary_conditions: mM at the walls, or None for walls without flux.
    atolscale concerns variable time steps, which are refused; represents is an ontology label.
    Raises ValueError or RxDException naming the argument.
    """

    original = "Species"

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
        _simulation.add(self)

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
        return SpeciesOnExtracellular(_simulation, self, region)

    def __repr__(self):
        return f"Species({self._name or 'unnamed'}, d={self._d}, charge={self._charge}, initial={self.initial})"

    def __str__(self):
        return self._name or repr(self)


class Output(observers.Output):
    __doc__ = observers.Output.__doc__

    def __init__(self, path, every: float, species=None, attach: bool = True):
        """Arguments as above; species also as rxd.Species. attach: take part from now on."""
        if species is not None:
            chosen = [species] if isinstance(species, (str, Species)) else species
            species = [observers.label(_simulation, one) if isinstance(one, Species) else one for one in chosen]
        super().__init__(path, every, species, {"neuron": neuron.__version__})
        if attach:
            add_observer(self)


class Progress(observers.Progress):
    __doc__ = observers.Progress.__doc__

    def __init__(self, tstop: float | None = None, stream=None, attach: bool = True):
        """Arguments as above. attach: take part from now on."""
        super().__init__(tstop, stream)
        if attach:
            add_observer(self)


def add_observer(observer) -> None:
    """Let an object take part in the run: started(simulation, t), stepped(simulation, t), ended(), on all ranks."""
    _simulation.observers.append(observer)


def all_species() -> list[Species]:
    """The script's species, in the order they were made."""
    return _simulation.species


def phases() -> Phases:
    """How long each phase of the steps has taken on this rank."""
    return _simulation.phases


def rank() -> int:
    """This rank."""
    return _simulation.comm.rank


def nthread(count: int | None = None) -> int:
    """Threads that each rank uses for its slab; ``count`` sets it. Raises ValueError beyond the rank's cores."""
    if count is not None:
        most = int(os.environ["NUMBA_NUM_THREADS"])
        if not 1 <= count <= most:
            raise ValueError(
                f"nthread must be from 1 to {most}, the cores of this rank, got {count}; "
                "start the ranks with more cores each, or set NUMBA_NUM_THREADS"
            )
        kernels.set_threads(int(count))
    return kernels.threads()


def set_solve_type(domain=None, dimension=None, dx=None, nsubseg=None, method=None) -> None:
    """Accepted: it chooses how intracellular regions are solved, of which there are none here."""


def _checked_regions(regions) -> list[Extracellular]:
    found = list(regions) if hasattr(regions, "__iter__") else [regions]
    for region in found:
        if not isinstance(region, Extracellular):
            raise RxDException(f"regions of a species must be rxd.Extracellular of ecsmpi, got {region!r}")
    if not found or len(set(found)) < len(found):
        raise RxDException(f"a species needs one or more different regions, got {regions!r}")
    return found


def _refuse_duplicate(species: Species) -> None:
    for other in _simulation.species:
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
