"""The plan that NEURON's initialisation makes of what a script has described.

registry, segments --Planner.plan--> Plan --Planner.replan--> Plan with changed coefficients
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.cells.membrane_reaction_plan import MembraneReactionPlan
from ecsmpi.cells.membrane_reactions import MembraneReactions
from ecsmpi.cells.neuron_modes import refuse_unsupported_modes
from ecsmpi.cells.segments import first_segments
from ecsmpi.description.differences import first_difference
from ecsmpi.description.model import can_name_ion
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.rxd_names import molecules_per_mM_um3
from ecsmpi.run.couplings import CALL_AGAIN, Coupled, Couplings
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.kernel_compilation import KernelCompilation
from ecsmpi.run.model_warnings import ModelWarnings
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry, described


@dataclass(frozen=True, eq=False)
class Plan:
    """What an initialisation has settled. It is replaced, not changed.

    Attributes
    ----------
    couplings : Couplings
        What NEURON's side of the model depends on; false without any species.
    version : tuple
        Version of the description that the couplings are known to fit.
    solvers : tuple of RegionSolver
        Of the regions, in their order; all are coupled to the segments.
    reacting : tuple of RegionSolver
        Those with rate laws, in the order of reacting.
    reactions : tuple
        Keys of the reactions whose laws hold.
    membrane : MembraneReactionPlan or None
        The reactions at segments, if any rank has some.
    volume_fractions : mapping
        {region: (segments,) volume fraction at initialisation} where a State is that fraction.
    is_begun : bool
        Whether n.finitialize() has ever begun to plan.
    is_complete : bool
        Whether it has come to its end.
    """

    couplings: Couplings = Couplings()
    version: tuple | None = None
    solvers: tuple[RegionSolver, ...] = ()
    reacting: tuple[RegionSolver, ...] = ()
    reactions: tuple = ()
    membrane: MembraneReactionPlan | None = None
    volume_fractions: Mapping = field(default_factory=dict)
    is_begun: bool = False
    is_complete: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compute."""
        return not self.couplings

    def require_complete(self) -> None:
        """Raise RuntimeError where planning has failed."""
        if not self.is_complete:
            raise RuntimeError(f"n.finitialize() did not come to its end: {CALL_AGAIN}")

    def fitting(self, version: tuple, couplings: Couplings) -> Plan:
        """The plan for a description that has changed since; RuntimeError where it does not fit.

        Species that have come since and have no charge need nothing of NEURON, and fit.
        """
        if couplings.species and not self.is_begun:
            raise RuntimeError("n.finitialize() was never called: call it before the first step")
        known = self.couplings
        if known and known == couplings.without_newcomers(known):
            known = couplings
        known.refuse(couplings)
        return replace(self, couplings=known, version=version)


class Planner:
    """Makes plans of a model. Its parts outlive each plan.

    Parameters
    ----------
    registry : ModelRegistry
        What the script has described.
    solvers : RegionSolvers
        Of the regions.
    segments : CoupledSegments
        Of this rank.
    reactions : MembraneReactions
        At the segments.
    clock : GridClock
        How many of NEURON's steps make one of the grid.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        solvers: RegionSolvers,
        segments: CoupledSegments,
        reactions: MembraneReactions,
        clock: GridClock,
    ):
        self._registry = registry
        self._solvers = solvers
        self._clock = clock
        self._segments = segments
        self._reactions = reactions
        self.kernels = KernelCompilation()
        self.warnings = ModelWarnings()

    # what a plan depends on

    def version(self) -> tuple:
        """Cheap key that changes whenever `couplings` may (a few microseconds). Local."""
        return self._registry.version, bool(self._reactions.own_keys)

    def couplings(self) -> Couplings:
        """What NEURON's side depends on now. Local."""
        species = []
        for one in self._registry.species:
            regions = tuple(id(region) for region in one.regions)
            species.append(Coupled(one.key, one.name, one.charge, regions))
        if not species:
            return Couplings()
        return Couplings(tuple(species), bool(self._reactions.own))

    def reaction_keys(self) -> tuple:
        """Keys of the reactions that take part now. Local."""
        in_boxes = [one.key for one in self._registry.reactions]
        return (*in_boxes, *self._reactions.keys())

    # planning

    def begin(self) -> Plan:
        """Begin a plan, which is not complete; what the script has dropped is released. Collective.

        Raises ValueError on every rank where ranks describe different models.
        """
        self._agree_on_model()
        self._segments.release(one.name for one in self._registry.species)
        self._solvers.free_dropped()
        self._clock.restart()
        return Plan(
            couplings=self.couplings(),
            version=self.version(),
            reactions=self.reaction_keys(),
            is_begun=True,
            is_complete=False,
        )

    def plan(self, begun: Plan) -> Plan:
        """Find the segments, plan the exchange, set initial concentrations. Collective.

        begun: the plan that `begin` returned.
        """
        species = self._registry.species
        if not species:
            return replace(begun, is_complete=True)
        refuse_unsupported_modes()
        n.ParallelContext().timeout(0)  # psolve's watchdog would end runs of long steps, status 0
        self.warnings.warn_of_misspelt_ions(self._registry, self._solvers.comm)
        ions = {one.name: one.charge for one in species if can_name_ion(one.name)}
        self._segments.plan(ions)
        regions = self._registry.regions
        self._solvers.partition(regions, self._segments.all.centre)
        solvers = self._solvers.of_all(regions)
        self._compile()
        for region in regions:
            self.fill(region)
            self._plan_region(region)
        planned = replace(begun, solvers=tuple(solvers), is_complete=True)
        planned = self._with_reactions(planned)
        self.warnings.warn_of_places(self._registry, self._solvers, self._segments)
        return planned

    def replan(self, previous: Plan) -> Plan:
        """Plan with the coefficients, fluxes and reactions of now. Collective.

        Concentrations stay.
        """
        self._agree_on_model()
        self._compile()
        regions = self._registry.regions
        for region in regions:
            for species in self._registry.species_in(region):
                self._solvers.field(species, region)  # a newcomer has its initial concentrations
            solver = self._solvers.of(region)
            solver.settle_copies()
            self._plan_region(region)
            solver.find_segments()
        planned = replace(previous, solvers=tuple(self._solvers.of_all(regions)))
        planned = self._with_reactions(planned)
        if planned.membrane:
            planned.membrane.find()
        return planned

    def fill(self, region) -> None:
        """Set the initial concentrations of a region's species. Local."""
        species = self._registry.species_in(region)
        self._solvers.of(region).keep_species({one.key for one in species})
        for one in species:
            self._solvers.fill(one, region)

    def find_segments(self, planned: Plan) -> None:
        """Look up where NEURON keeps the segments' variables. Local."""
        self._segments.find()
        for solver in planned.solvers:
            solver.find_segments()
        if planned.membrane:
            planned.membrane.find()

    def check_segments(self, planned: Plan) -> None:
        """Raise RuntimeError where NEURON's new structure has other segments. Local."""
        self._segments.check()
        for solver in planned.solvers:
            solver.fluxes.check()

    def _plan_region(self, region) -> None:
        specs = {one.key: one.spec(region) for one in self._registry.species_in(region)}
        segments = self._segments
        self._solvers.of(region).plan(specs, segments.ions, segments.all, n.FARADAY)

    def _compile(self) -> None:
        self.kernels.compile_needed(self._registry, self._solvers, self._segments, self._reactions)

    # reactions

    def _with_reactions(self, planned: Plan) -> Plan:
        """The plan with the reactions of now, at segments and in regions. Collective."""
        fractions = dict(planned.volume_fractions)
        at_segments = self._plan_at_segments(fractions)
        return replace(
            planned,
            membrane=at_segments,
            volume_fractions=fractions,
            reactions=self.reaction_keys(),
            reacting=tuple(self._plan_in_regions()),
        )

    def _plan_at_segments(self, fractions: dict) -> MembraneReactionPlan | None:
        """Plan the reactions at segments, with copies of the voxels of now. Collective."""
        natural_constants = molecules_per_mM_um3(), n.FARADAY
        self._reactions.plan(
            self._solvers.comm,
            self._segments.all,
            first_segments(),
            natural_constants,
            lambda: self._complete_fractions(fractions),
        )
        planned = self._reactions.now
        for region in self._registry.regions:
            self._solvers.of(region).plan_copies(planned, region)
        return planned

    def _complete_fractions(self, fractions: dict[object, np.ndarray]) -> dict:
        """Add {region: (segments,) volume fractions} where a State is the fraction. Collective.

        They stay what they are at initialisation, or when the State becomes the tissue, as NEURON's
        reactions keep them.
        """
        for region in self._registry.regions:
            is_live = getattr(region.tissue.volume_fraction, "live", False)
            if is_live and region not in fractions:
                solver = self._solvers.of(region)
                fractions[region] = solver.volume_fractions_at_segments()
        return fractions

    def _plan_in_regions(self) -> list[RegionSolver]:
        """Plan the laws of each region; the solvers with laws, in order of reacting. Collective."""
        registry = self._registry
        laws = {region: registry.laws(region) for region in registry.in_order_of_reacting()}
        lines: list[str] = []
        for of_region in laws.values():
            lines += map(described, of_region)
        self._agree(lines)
        reacting = []
        for region, of_region in laws.items():
            neighbours = []
            for other in registry.neighbours(region):
                neighbours += self._solvers.of(other).planned()
            solver = self._solvers.of(region)
            solver.plan_reactions(of_region, neighbours)
            if of_region:
                reacting.append(solver)
        return reacting

    # ranks

    def _agree_on_model(self) -> None:
        """Raise ValueError where ranks describe different species, regions or steps. Collective."""
        lines = []
        for one in self._registry.species:
            places = [(one.spec(region), region.box, region.tissue) for region in one.regions]
            lines.append(f"{one.name}: {places}")
        self._agree([*lines, f"grid_steps={self._clock.steps}"])

    def _agree(self, lines: list[str]) -> None:
        """Raise ValueError on every rank where ranks describe different models. Collective.

        No later message would explain it.
        """
        comm = self._solvers.comm
        digests = comm.allgather(hashlib.sha256("\n".join(lines).encode()).digest())
        rank = next((rank for rank, one in enumerate(digests) if one != digests[0]), 0)
        if rank == 0:
            return
        described_by = comm.allgather(lines)
        there, here = first_difference(described_by[0], described_by[rank])
        raise ValueError(
            f"ranks 0 and {rank} describe different extracellular spaces: make the same "
            "regions, species and reactions on every rank (only cells, and reactions in "
            "or across their membranes, may differ); for models of its own on each rank "
            "call pc.subworlds(1), or set rxd.options.comm = MPI.COMM_SELF. "
            f"Rank 0 has {there}; rank {rank} has {here}"
        )
