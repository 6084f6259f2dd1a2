"""What a script described, and its life: plan, initial state, steps. hooks.py lets NEURON drive it."""

from __future__ import annotations

import hashlib
import warnings
import weakref

import numpy as np

from ecsmpi.ranks import launch

launch.start()

from neuron import n  # noqa: E402  NEURON must find MPI started
from neuron.rxd import constants, node  # noqa: E402

from ecsmpi.cells import membrane  # noqa: E402
from ecsmpi.run.course import Course  # noqa: E402
from ecsmpi.run.described import Described  # noqa: E402
from ecsmpi.cells.coupled import CoupledSegments  # noqa: E402
from ecsmpi.cells.crossings import Crossings  # noqa: E402
from ecsmpi.run.grid_clock import GridClock  # noqa: E402
from ecsmpi.description.decomposition import GRAIN, Slabs, plane_weights  # noqa: E402
from ecsmpi.ranks.meeting import meet  # noqa: E402
from ecsmpi.run.observers import label  # noqa: E402
from ecsmpi.reactions.reaction import RateNotFinite  # noqa: E402
from ecsmpi.run.restart import RECORDER  # noqa: E402
from ecsmpi.run.space import Space  # noqa: E402
from ecsmpi.solver.stepper import compile_kernels  # noqa: E402
from ecsmpi.solver.varying import needs_uneven  # noqa: E402
from ecsmpi.solver.timing import Phases  # noqa: E402

NAMED_OUTSIDE = 5  # segments outside the box that a warning names
FAR_AWAY = 1e9  # um, where the recorder lies


class Simulation(Described):
    """All regions and species of a script, and their run-time spaces.

    Observers have ``started(simulation, t)``, ``stepped(simulation, t)`` after each step of the grid, and ``ended()``; where they
    wait for what NEURON does after that, ``completed()`` before its next step.
    """

    def __init__(self, comm):
        super().__init__()
        self.comm = comm
        self.observers = []
        self.phases = Phases()
        self.reproducible = False
        self.clock = GridClock()
        self.course = Course(self)
        self.crossings = Crossings(node._get_states)
        self._reacting, self._react_in = [], []
        self._spaces, self._slabs = {}, {}  # boxes that are alike are cut alike
        self._planned, self._planned_as, self._here = [], None, []  # what for, as of which version, the spaces
        self._changed = self._touched = False
        self.segments = CoupledSegments()
        self._warned_outside = None
        self._compiled = set()
        self._recorder = None

    # what the script describes

    def space(self, region) -> Space:
        """The run-time space of a region, made at the first call. Local."""
        key = weakref.ref(region)
        if key not in self._spaces:
            slabs = self._slabs.setdefault(region.box, self._even_slabs(region.box))
            self._spaces[key] = Space(self.comm, region.box, region.tissue, self.phases, slabs)
        return self._spaces[key]

    def _even_slabs(self, box) -> Slabs:
        return Slabs(box.shape[0], self.comm.size, GRAIN if self.reproducible else None)

    def field(self, species, region):
        """A species' field, with its initial concentrations if it is new. Local."""
        space = self.space(region)
        key = species.key
        if key not in space.fields:
            species.fill(region, space.field(key))
        return space.fields[key]

    def add_flux(self, species, region, flux) -> None:
        """A flux into a species, from the next plan on. Local."""
        self.space(region).fluxes.add(species.key, flux)
        self.change()

    def change(self) -> None:
        """The description has changed: plan anew before the grid's next step. Local, to be called on every rank."""
        self._changed = True

    def change_tissue(self, region, tissue, conserve_mass: bool) -> None:
        """A region becomes another tissue. Local, to be called on every rank."""
        if (space := self._spaces.get(weakref.ref(region))) is not None:
            space.change_tissue(tissue, conserve_mass)
        if any(profile.live for profile in tissue.profiles) or any(species.ion(region).tissue for species in self.on(region)):
            self.change()  # their own tissue has parts of the region's, or the region's is made of them

    def watch(self, species, region, flat: int):
        """A NEURON vector of one element that follows a voxel on this rank from the next finitialize on. Local."""
        self._let_record()
        watched = self.space(region).watched
        if (species.key, flat) not in watched:
            vector = n.Vector(1)
            watched[species.key, flat] = (vector, vector.as_numpy())
        return watched[species.key, flat][0]

    def _let_record(self) -> None:
        """Vector.record fails on a rank without any section: give it one, far from any box."""
        if not any(True for _ in n.allsec()):
            self._recorder = n.Section(name=RECORDER)
            for x in (FAR_AWAY, FAR_AWAY + 1):
                self._recorder.pt3dadd(x, FAR_AWAY, FAR_AWAY, 1)

    def reproduce(self, wanted: bool) -> None:
        """Whether results have the same bits at any number of ranks; for boxes that are not in use yet. Local."""
        if wanted != self.reproducible and any(reference() is not None for reference in self._spaces):
            raise RuntimeError("rxd.options.reproducible must be set before any concentration is used: set it first")
        self.reproducible = bool(wanted)

    # NEURON's initialisation

    def plan(self) -> None:
        """Type 3: find the segments, plan the exchange, set initial concentrations. Collective."""
        self._complete()
        species = self.species
        self._agree(self._describe(species))
        self.segments.release(one.name for one in species)
        self._free_dropped_spaces()
        self._planned, self._planned_as, self._changed, self._here = self._coupled(), self._now(), False, []
        self.clock.restart()
        if not species:
            return
        membrane.refuse_unsupported_modes()
        self._compile()
        n.ParallelContext().timeout(0)  # psolve's watchdog would end a run of long steps with status 0
        self.segments.plan({one.name: one.charge for one in species if one.name})
        self._partition()
        self._here = [self.space(region) for region in self.regions]
        for region in self.regions:
            self._fill_space(region)
            self._plan_space(region)
        self._plan_crossings()
        self._plan_reactions()
        self._warn_of_segments_outside()

    def _free_dropped_spaces(self) -> None:
        """Spaces whose regions are gone give their messages back. Collective."""
        for reference in [reference for reference in self._spaces if reference() is None]:
            self._spaces.pop(reference).free()
        self._slabs = {space.box: space.slabs for space in self._spaces.values()}

    def _partition(self) -> None:
        """Cut the boxes that nobody has looked into yet by what their planes cost. Collective."""
        for box in dict.fromkeys(region.box for region in self.regions):
            if not self.comm.allreduce(box in self._slabs) and not self.reproducible and self.comm.size > 1:
                self._slabs[box] = Slabs.weighed(plane_weights(box.plane, self._asked(box)), self.comm.size)

    def _asked(self, box) -> np.ndarray:
        """(planes,) voxels with segments, once for each rank of these. Collective."""
        voxels = np.unique(box.index_of(self.segments.all.centre))
        own = np.bincount(voxels[voxels >= 0] // box.plane, minlength=box.shape[0])
        return self.comm.allreduce(own)

    def _compile(self) -> None:
        """Compile the kernels that the model needs, once for each node, outside of any step. Collective."""
        needed = {needs_uneven(one.ion(region), region.tissue) for one in self.species for region in one.regions}
        for uneven in sorted(needed - self._compiled):
            with launch.one_per_node_first(self.comm):
                compile_kernels(launch.own_communicator(), uneven)
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
        crossing = [(part.key, self.regions.index(part.region)) for part in self.crossings.outside() if part.region in self.regions]
        return "; ".join(boxes) + f"; grid_steps {self.clock.steps}; crossing {crossing}"

    def _agree(self, described: str) -> None:
        """Raise on every rank where ranks describe different models, which no later message would explain."""
        digests = self.comm.allgather(hashlib.sha256(described.encode()).digest())
        if len(set(digests)) > 1:
            odd = next(rank for rank, digest in enumerate(digests) if digest != digests[0])
            raise ValueError(
                f"ranks 0 and {odd} describe different extracellular spaces: make the same regions, species and "
                f"reactions on every rank (only sections may differ). This is rank {self.comm.rank}: {described}"
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

    def deliver_first(self) -> None:
        """Type 0: inside concentrations as NEURON resets them, outside ones from the grid. Collective."""
        if self._planned:
            self.segments.all.require()
            self._find_segments()
        for ion in self.segments.ions.values():
            ion.reset()
        self.deliver()

    def deliver(self) -> None:
        """Type 1: outside concentrations of all segments, and watched values. Collective."""
        for region in self.regions:
            self.space(region).deliver()

    def _find_segments(self) -> None:
        """Find where NEURON keeps the segments' variables. Local."""
        self.segments.find()
        for region in self.regions:
            self.space(region).find_segments()
        if self.crossings.now:
            self.crossings.now.find()

    def start(self) -> None:
        """Type 2: the run begins, or goes on where a checkpoint was taken. Collective."""
        if self.species:
            self.course.begin()

    def fields(self) -> list[tuple]:
        """(name, box, field) of each species in each region."""
        return [(label(self, one), region.box, self.field(one, region)) for one in self.species for region in one.regions]

    def summary(self) -> list[str]:
        """What runs where, and how the slabs are coupled, in a line for each box. Collective."""
        lines = []
        for region in self.regions:
            shape, slabs = region.box.shape, self.space(region).slabs.thicknesses()
            cut = f"{len(slabs)} slab{'s' * (len(slabs) > 1)} of {min(slabs)} to {max(slabs)} planes"
            how = self.space(region).report(n.dt)
            lines.append("; ".join([f"{shape[0]} x {shape[1]} x {shape[2]} voxels in {cut}", *how]))
        return lines

    # NEURON's step

    def add_currents(self, right) -> None:
        """Reactions add the currents that they carry to the ions', and to the right-hand side of the voltages (mA/cm2).

        One process can look at the voxels anew here. With more, copies follow each step instead, so that no call of NEURON's
        that only some ranks make hangs; and a change by the script, made on all ranks. right(): (nodes,) that side, in NEURON's memory.
        """
        self._complete()
        if self._planned and self.crossings.now:
            self._check_plan()
            if self.clock.between_steps and (self._touched or self.comm.size == 1):
                self._renew_copies()
            self.crossings.now.add_currents(right())

    def _complete(self) -> None:
        """Observers that wait for the end of a step may look now. Local."""
        for observer in self.observers:
            if hasattr(observer, "completed"):
                observer.completed()

    def touch(self) -> None:
        """The script has set concentrations. Local, to be called on every rank."""
        self._touched = True

    def _renew_copies(self) -> None:
        for space in self._here:
            space.renew_copies()
        self._touched = False

    def step(self, t: float, dt: float) -> None:
        """One fixed step of NEURON, of dt to t (ms), and one of all regions where it is due. Collective."""
        self._check_plan()
        if not self._planned:
            return
        if self._stale() and self.clock.between_steps:
            self._meet("the first step after a change of d, of a reaction or a rate, or a new flux")
            self._take_changes()
        n.t = t - dt  # psolve sets it at events only, so that functions of the script would see a time that checkpoints change
        with self.phases["currents"]:
            for space in self._here:
                space.take_currents(dt)
        self._react_at_segments(t, dt)
        if self.clock.tick():
            self._advance(t)
        self.phases.steps += 1
        with self.phases["observers"]:
            self.course.stepped(t, dt)

    def _react_at_segments(self, t: float, dt: float) -> None:
        """A step of dt to t (ms) of what reacts there. Local."""
        if self.crossings.now:
            with self.phases["cells"]:
                try:
                    self.crossings.now.advance(dt)
                except RateNotFinite as error:
                    raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
                self.crossings.now.show_currents()

    def before_reactions(self) -> None:
        """NEURON is about to add the ions' currents to its species: without what reactions carry, which bring their ions. Local."""
        if self._planned and self.crossings.now:
            self.crossings.now.withhold_currents()

    def take_reactions(self) -> None:
        """Type 3, before NEURON plans: what it would run at the segments of our reactions is ours. Local."""
        self.crossings.take_over()

    def _advance(self, t: float) -> None:
        """Bring all regions, the segments' concentrations and the observers to t (ms). Collective."""
        try:
            for space in self._react_in:  # all of them before any diffuses
                space.react()
            for space in self._here:
                space.diffuse(t)
        except RateNotFinite as error:
            raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
        with self.phases["observers"]:
            for observer in self.observers:
                observer.stepped(self, t)

    def refuse_variable_steps(self) -> None:
        """NEURON asks for states of a variable time step: refuse, unless there is no extracellular space."""
        if self.species:
            membrane.refuse_unsupported_modes()

    def _check_plan(self) -> None:
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

    def _meet(self, what: str) -> None:
        if self.comm.size > 1:
            meet(self.comm, what)

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

    def take_segments(self, chosen) -> None:
        """Set the voxels of segments to what the segments hold outside, for some of the species. Collective."""
        self._check_plan()
        self._meet("re_init()")
        self._changed = any(self.comm.allgather(self._stale()))
        if self._changed and self.clock.between_steps:
            self._take_changes()
        for species in self.species if self._planned else []:
            if species.name and species in chosen:
                outside = self.segments.ions[species.name].outside.values()
                for region in species.regions:
                    self.space(region).take_segments(species.key, outside)
        for region in self.regions if self._planned else []:
            self.space(region).show()  # the segments are as the script has set them

    def _check_segments(self) -> None:
        """NEURON's structure has changed: the plan is dead if the segments have."""
        self.segments.check()
        for region in self.regions:
            self.space(region).fluxes.check()

    def end(self) -> None:
        """Close what observers hold. Collective, at exit."""
        for observer in self.observers:
            observer.ended()
