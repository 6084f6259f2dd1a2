"""The plan that NEURON's initialisation makes of a description: segments, slabs, exchange, laws,
compiled kernels.
"""

from __future__ import annotations

import hashlib
import warnings

import numpy as np

from ecsmpi.cells import compile_loops
from ecsmpi.cells.duplicates import Duplicates
from ecsmpi.cells.membrane_reactions import MembraneReactions
from ecsmpi.cells.misspelt_ions import misspelt_ions
from ecsmpi.cells.neuron_modes import refuse_unsupported_modes
from ecsmpi.cells.segments import first_segments
from ecsmpi.description.model import can_name_ion
from ecsmpi.neuron_api import lifetimes
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.intracellular_species import states
from ecsmpi.neuron_api.rxd_names import molecules_per_mM_um3
from ecsmpi.ranks import compiling, launch
from ecsmpi.run.couplings import CALL_AGAIN, Coupled, Couplings
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.overlaps import warn_of_overlaps
from ecsmpi.run.spaces import Spaces
from ecsmpi.solver import threads
from ecsmpi.solver.diffusion_planner import needs_heterogeneous
from ecsmpi.solver.entry_runs import BLOCK
from ecsmpi.solver.stepper import compile_kernels
from ecsmpi.solver.workspace import lines_are_short

NAMED_OUTSIDE = 5  # segments outside the box that a warning names


class Planned(Spaces):
    """A script's spaces, coupled to its segments and ready to step, for as long as neither changes.

    What has changed between steps without harm, such as d or a rate, is planned anew; else the next
    step raises RuntimeError.
    """

    def __init__(self, comm):
        super().__init__(comm)
        self.clock = GridClock()
        self.crossings = MembraneReactions(states)
        self._planned, self._planned_as, self._here = (
            Couplings(),
            None,
            [],
        )  # what for, as of which version, the spaces
        self._begun, self._whole = (
            False,
            True,
        )  # whether a plan was ever begun, and whether the last one came to its end
        self._reacting, self._react_in, self._fractions = [], [], {}
        self._warned_outside = self._warned_overlaps = None
        self._warned_misspelt = set()
        self._duplicates = Duplicates()
        self._compiled = set()

    def let_go(self) -> None:
        """What the script has dropped is gone. Local, before a plan or where nothing goes on."""
        lifetimes.let_go(self._species, self._reactions, self.crossings.living)

    def forget(self) -> None:
        """There is nothing any more, as before the first plan. Collective."""
        super().forget()
        self.crossings.forget()
        self._planned, self._planned_as, self._here = Couplings(), None, []
        self._begun, self._whole = False, True
        self._reacting, self._react_in, self._warned_outside = [], [], None

    def plan(self) -> None:
        """Find the segments, plan the exchange, set initial concentrations. Collective."""
        self._begun, self._whole = True, False
        with compiling.while_planning():
            self._plan()
        self._whole = True

    def _plan(self) -> None:
        species = self.species
        self._agree(self._describe(species))
        self.segments.release(one.name for one in species)
        self._free_dropped_spaces()
        self._planned, self._planned_as, self._changed, self._here = (
            self._coupled(),
            self._now(),
            False,
            [],
        )
        self._fractions = {}
        self.clock.restart()
        if not species:
            return
        refuse_unsupported_modes()
        n.ParallelContext().timeout(
            0
        )  # psolve's watchdog would end a run of long steps with status 0
        self._warn_of_misspelt_ions()
        self.segments.plan({one.name: one.charge for one in species if can_name_ion(one.name)})
        self._partition()
        self._here = [self.space(region) for region in self.regions]
        self._compile()
        for region in self.regions:
            self._fill_space(region)
            self._plan_space(region)
        self._plan_crossings()
        self._plan_reactions()
        self._warn_of_segments_outside()
        self._duplicates.warn(self.comm, self.segments.all, [space.inside for space in self._here])
        if self.comm.rank == 0 and self._warned_overlaps != self.version:
            self._warned_overlaps = self.version
            warn_of_overlaps(species)

    def _compile(self) -> None:
        """Compile the kernels that the model needs, once for each node, outside of any step.
        Collective.
        """
        here = {
            (
                needs_heterogeneous(one.ion(region), region.tissue),
                lines_are_short(region.box),
                self.space(region).has_threads,
            )
            for one in self.species
            for region in one.regions
        }
        needed = set().union(
            *self.comm.allgather(here)
        )  # slabs of other sizes may have other threads
        for kind in sorted(needed - self._compiled):
            with launch.one_per_node_first(
                self.comm, "compiles the solver, once on this machine; about 20 s"
            ):
                compiling.ahead("kernels", *kind)
                compile_kernels(launch.own_communicator(), *kind)
        self._compiled |= needed
        self._compile_loops_at_segments()

    def _compile_loops_at_segments(self) -> None:
        """The same of what couples boxes to segments. Collective."""
        count = self.segments.all.count
        blocked = count > BLOCK
        here = set()
        if count:
            here.add(
                ("exchange", self.reproducible, blocked, threads.for_work(count, threads.SLOTS) > 1)
            )
        if self.crossings.all:
            here.add(("crossings",))
        needed = set().union(*self.comm.allgather(here)) - self._compiled
        for name, *kind in sorted(needed):
            with launch.one_per_node_first(
                self.comm, "compiles the loops at segments, once on this machine"
            ):
                compiling.answer(name, *kind)
                compile_loops.compile_exchange(
                    *kind
                ) if name == "exchange" else compile_loops.compile_membrane_reactions()
        self._compiled |= needed

    def _fill_space(self, region) -> None:
        """Initial concentrations. Local."""
        space = self.space(region)
        space.forget({species.key for species in self.on(region)})
        for species in self.on(region):
            field = space.field(species.key)
            profile = species.initial_profile(region)
            field.owned[:] = profile.planes(region.box, *field.planes)

    def _plan_space(self, region) -> None:
        ions = {species.key: species.ion(region) for species in self.on(region)}
        space = self.space(region)
        space.plan(ions, self.segments.ions, self.segments.all, n.FARADAY)

    def _plan_crossings(self) -> None:
        """The reactions at segments, with copies of the voxels of now. Collective."""
        constants_of_nature = molecules_per_mM_um3(), n.FARADAY
        numbers = first_segments()
        self.crossings.plan(
            self.comm, self.segments.all, numbers, constants_of_nature, self._fractions_at_segments
        )
        for region in self.regions:
            self.space(region).plan_copies(self.crossings.now, region)

    def _fractions_at_segments(self) -> dict:
        """{region: (segments,) volume fractions} where a State is the volume fraction. Collective.

        They stay what they are at initialisation, or when the State becomes the tissue, as NEURON's
        reactions keep them.
        """
        for region in self.regions:
            if region not in self._fractions and getattr(
                region.tissue.volume_fraction, "live", False
            ):
                self._fractions[region] = self.space(region).volume_fractions_at_segments()
        return self._fractions

    def _plan_reactions(self) -> None:
        """The laws that hold in each region from now on. Collective."""
        self._reacting = self._reaction_keys()
        laws = {region: self.laws(region) for region in self.in_order_of_reacting()}
        self._agree(
            "; ".join(f"{law.rate} changes {law.changes}" for here in laws.values() for law in here)
        )
        for region, here in laws.items():
            beside = [
                ion_and_field
                for other in self.beside(region)
                for ion_and_field in self.space(other).planned()
            ]
            self.space(region).plan_reactions(here, beside)
        self._react_in = [self.space(region) for region, here in laws.items() if here]

    def _describe(self, species) -> str:
        boxes = (
            str([(one.ion(region), region.box, region.tissue) for region in one.regions])
            for one in species
        )
        return "; ".join(boxes) + f"; grid_steps {self.clock.steps}"

    def _agree(self, described: str) -> None:
        """Raise on every rank where ranks describe different models, which no later message would
        explain.
        """
        digests = self.comm.allgather(hashlib.sha256(described.encode()).digest())
        if len(set(digests)) > 1:
            odd = next(rank for rank, digest in enumerate(digests) if digest != digests[0])
            raise ValueError(
                f"ranks 0 and {odd} describe different extracellular spaces: make the same regions, species and "
                f"reactions on every rank (only cells, and reactions in or across their membranes, may differ); for models of its own on each rank "
                f"call pc.subworlds(1), or set rxd.options.comm = MPI.COMM_SELF. This is rank {self.comm.rank}: {described}"
            )

    def _warn_of_segments_outside(self) -> None:
        """One warning, on rank 0, that counts and names them. Collective."""
        outside = [self.segments.all.name(int(i)) for i in np.flatnonzero(self._in_no_box())]
        listed = self.comm.gather((len(outside), outside[:NAMED_OUTSIDE]))
        if self.comm.rank or listed == self._warned_outside:
            return
        self._warned_outside = listed
        count = sum(number for number, _ in listed)
        if count:
            names = [name for _, some in listed for name in some][:NAMED_OUTSIDE]
            more = ", ..." if count > len(names) else ""
            warnings.warn(
                f"{count} segments lie outside every extracellular box and take no part in it: "
                f"{', '.join(names)}{more}; enlarge the box to include them",
                stacklevel=2,
            )

    def _warn_of_misspelt_ions(self) -> None:
        """One warning, on rank 0, of each species that no mechanism uses beside an ion that one
        does, such as K and k. Collective.
        """
        names = [one.name for one in self.species if one.charge and can_name_ion(one.name)]
        found = [
            misspelt for there in self.comm.allgather(misspelt_ions(names)) for misspelt in there
        ]
        used = {ion for _, ion in found}
        for name, ion in dict.fromkeys(found):
            if (
                self.comm.rank == 0
                and name not in used
                and (name, ion) not in self._warned_misspelt
            ):
                warnings.warn(
                    f"no mechanism uses {name}, the name of an extracellular species; did you mean {ion}?",
                    stacklevel=2,
                )
                self._warned_misspelt.add((name, ion))

    def _in_no_box(self) -> np.ndarray:
        """(segments,) whether a segment lies in none of the boxes of some named species. Local."""
        outside = np.zeros(self.segments.all.count, dtype=bool)
        regions = {}
        for one in self.species:
            regions.setdefault(one.name, set()).update(one.regions)
        for where in {frozenset(regions[name]) for name in self.segments.ions}:
            lost = np.ones(self.segments.all.count, dtype=bool)
            for region in where:
                lost[self.space(region).inside] = False
            outside |= lost
        return outside

    def _find_segments(self) -> None:
        """Find where NEURON keeps the segments' variables. Local."""
        self.segments.find()
        for region in self.regions:
            self.space(region).find_segments()
        if self.crossings.now:
            self.crossings.now.find()

    def _check_plan(self) -> None:
        if self.worlds.changed_from(self.comm) and self._planned:
            raise RuntimeError(
                "the ranks of the model have changed since n.finitialize(): call it again before the run goes on"
            )
        if self._planned_as != (now := self._now()):
            self._refuse_other_couplings()
            self._planned_as = now
        if not self._whole:
            raise RuntimeError(f"n.finitialize() did not come to its end: {CALL_AGAIN}")
        if self._planned and self.segments.moved():
            self._check_segments()
            self._find_segments()

    def _now(self) -> tuple:
        """Another one wherever `_coupled` is; microseconds."""
        return self.version, bool(self.crossings.own)

    def _refuse_other_couplings(self) -> None:
        coupled = self._coupled()
        if coupled.species and not self._begun:
            raise RuntimeError("n.finitialize() was never called: call it before the first step")
        if self._planned and self._planned == coupled.without_newcomers(self._planned):
            self._changed = self._changed or self._planned != coupled
            self._planned = coupled
        self._planned.refuse(coupled)

    def _coupled(self) -> Couplings:
        """What NEURON's side depends on."""
        species = tuple(
            Coupled(one.key, one.name, one.charge, tuple(map(id, one.regions)))
            for one in self.species
        )
        return Couplings(species, bool(self.crossings.own)) if species else Couplings()

    def _check_segments(self) -> None:
        """NEURON's structure has changed: the plan is dead if the segments have."""
        self.segments.check()
        for region in self.regions:
            self.space(region).fluxes.check()

    def _stale(self) -> bool:
        return self._changed or self._reacting != self._reaction_keys()

    def _reaction_keys(self) -> list:
        return [one.key for one in self.reactions] + self.crossings.keys()

    def _take_changes(self) -> None:
        """Plan with the coefficients, fluxes and reactions of now; concentrations stay. Collective."""
        self._agree(self._describe(self.species))
        self._compile()
        self._here = [self.space(region) for region in self.regions]
        for region in self.regions:
            for species in self.on(region):
                self.field(
                    species, region
                )  # with its initial concentrations where it has come since the last plan
            self.space(region).settle_copies()
            self._plan_space(region)
            self.space(region).find_segments()
        self._plan_crossings()
        if self.crossings.now:
            self.crossings.now.find()
        self._plan_reactions()
        self._changed = False
