"""The plan that NEURON's initialisation makes of a description: segments, slabs, exchange, laws, compiled kernels."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np
from neuron import n
from neuron.rxd import constants, node

from ecsmpi.cells import membrane, rehearsal
from ecsmpi.cells.crossings import Crossings
from ecsmpi.cells.duplicates import Duplicates
from ecsmpi.ranks import launch
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.restart import RECORDER
from ecsmpi.run.spaces import Spaces
from ecsmpi.solver import threads
from ecsmpi.solver.entry_rows import BLOCK
from ecsmpi.solver.stepper import compile_kernels
from ecsmpi.solver.varying import needs_uneven
from ecsmpi.solver.workspace import lines_are_short

NAMED_OUTSIDE = 5  # segments outside the box that a warning names


class Planned(Spaces):
    """A script's spaces, coupled to its segments and ready to step, for as long as neither changes.

    What has changed between steps without harm, such as d or a rate, is planned anew; else the next step raises RuntimeError.
    """

    def __init__(self, comm):
        super().__init__(comm)
        self.clock = GridClock()
        self.crossings = Crossings(node._get_states)
        self._planned, self._planned_as, self._here = [], None, []  # what for, as of which version, the spaces
        self._reacting, self._react_in = [], []
        self._warned_outside = None
        self._duplicates = Duplicates()
        self._compiled = set()

    def plan(self) -> None:
        """Find the segments, plan the exchange, set initial concentrations. Collective."""
        species = self.species
        self._agree(self._describe(species))
        self.segments.release(one.name for one in species)
        self._free_dropped_spaces()
        self._planned, self._planned_as, self._changed, self._here = self._coupled(), self._now(), False, []
        self.clock.restart()
        if not species:
            return
        membrane.refuse_unsupported_modes()
        n.ParallelContext().timeout(0)  # psolve's watchdog would end a run of long steps with status 0
        self.segments.plan({one.name: one.charge for one in species if one.name and one.name.isidentifier()})
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

    def _compile(self) -> None:
        """Compile the kernels that the model needs, once for each node, outside of any step. Collective."""
        here = {
            (needs_uneven(one.ion(region), region.tissue), lines_are_short(region.box), self.space(region).has_threads)
            for one in self.species for region in one.regions
        }  # fmt: skip
        needed = set().union(*self.comm.allgather(here))  # slabs of other sizes may have other threads
        for kind in sorted(needed - self._compiled):
            with launch.one_per_node_first(self.comm, "compiles the solver, once on this machine; about 20 s"):
                compile_kernels(launch.own_communicator(), *kind)
        self._compiled |= needed
        self._compile_loops_at_segments()

    def _compile_loops_at_segments(self) -> None:
        """The same of what couples boxes to segments. Collective."""
        count = self.segments.all.count
        blocked = count > BLOCK
        here = set()
        if count:
            here.add(("exchange", self.reproducible, blocked, threads.for_work(count, threads.ROWS) > 1))
        if self.crossings.all:
            here.add(("crossings",))
        needed = set().union(*self.comm.allgather(here)) - self._compiled
        for name, *kind in sorted(needed):
            with launch.one_per_node_first(self.comm, "compiles the loops at segments, once on this machine"):
                rehearsal.compile_exchange(*kind) if name == "exchange" else rehearsal.compile_crossings()
        self._compiled |= needed

    def _fill_space(self, region) -> None:
        """Initial concentrations. Local."""
        space = self.space(region)
        space.forget({species.key for species in self.on(region)})
        for species in self.on(region):
            species.fill(region, space.field(species.key))

    def _plan_space(self, region) -> None:
        ions = {species.key: species.ion(region) for species in self.on(region)}
        space = self.space(region)
        space.plan(ions, self.segments.ions, self.segments.all, n.FARADAY)

    def _plan_crossings(self) -> None:
        """The reactions at segments, with copies of the voxels of now. Collective."""
        self.crossings.plan(self.comm, self.segments.all, membrane.first_segments(), (constants.molecules_per_mM_um3(), n.FARADAY))
        for region in self.regions:
            self.space(region).plan_copies(self.crossings.now, region)

    def _plan_reactions(self) -> None:
        """The laws that hold in each region from now on. Collective."""
        self._reacting = self._reaction_keys()
        laws = {region: self.laws(region) for region in self.in_order_of_reacting()}
        self._agree("; ".join(f"{law.rate} changes {law.changes}" for here in laws.values() for law in here))
        for region, here in laws.items():
            beside = [ion_and_field for other in self.beside(region) for ion_and_field in self.space(other).planned()]
            self.space(region).plan_reactions(here, beside)
        self._react_in = [self.space(region) for region, here in laws.items() if here]

    def _describe(self, species) -> str:
        boxes = (str([(one.ion(region), region.box, region.tissue) for region in one.regions]) for one in species)
        return "; ".join(boxes) + f"; grid_steps {self.clock.steps}"

    def _agree(self, described: str) -> None:
        """Raise on every rank where ranks describe different models, which no later message would explain."""
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
        if self._recorder is not None:
            outside = [name for name in outside if not name.startswith(RECORDER)]
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

    def _in_no_box(self) -> np.ndarray:
        """(segments,) whether a segment lies in none of the boxes of some named species. Local."""
        outside = np.zeros(self.segments.all.count, dtype=bool)
        for name in self.segments.ions:
            lost = np.ones(self.segments.all.count, dtype=bool)
            for region in self.regions:
                if any(region in one.regions for one in self.species if one.name == name):
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
            raise RuntimeError("the ranks of the model have changed since n.finitialize(): call it again before the run goes on")
        if self._planned_as != (now := self._now()):
            self._refuse_other_couplings()
            self._planned_as = now
        if self._planned and self.segments.moved():
            self._check_segments()
            self._find_segments()

    def _now(self) -> tuple:
        """Another one wherever `_coupled` is; microseconds."""
        return self.version, bool(self.crossings.own)

    def _refuse_other_couplings(self) -> None:
        if self._planned != (coupled := self._coupled()):
            what = "species" if self._planned[:-1] != coupled[:-1] else "reactions at segments, of which there were or are none,"
            raise RuntimeError(f"{what} have changed since n.finitialize(): call it again before the run goes on")

    def _coupled(self) -> list:
        """What NEURON's side depends on: of the species, and whether its reactions inside cells are ours."""
        species = [(one.key, one.name, one.charge, *map(id, one.regions)) for one in self.species]
        return [*species, bool(self.crossings.own)] if species else []

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
        for region in self.regions:
            self.space(region).settle_copies()
            self._plan_space(region)
            self.space(region).find_segments()
        self._plan_crossings()
        if self.crossings.now:
            self.crossings.now.find()
        self._plan_reactions()
        self._changed = False
