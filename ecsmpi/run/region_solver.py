"""One extracellular region at run time.

    currents of segments --> exchange --> stepper --> exchange --> concentrations at segments

The exchange serves entries: a segment that lies in the box, or a voxel that a flux goes into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecsmpi.cells.flux import Fluxes
from ecsmpi.cells.membrane_reaction_plan import MembraneReactionPlan
from ecsmpi.cells.segment_ion import SegmentIon
from ecsmpi.cells.segments import Segments
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.voxels import Voxels
from ecsmpi.reactions.rate_law import Law
from ecsmpi.run.membrane_copies import MembraneCopies
from ecsmpi.run.pointers import Pointers
from ecsmpi.run.segment_coupling import SegmentCoupling
from ecsmpi.run.slab_tissues import SlabTissues
from ecsmpi.solver.accounts import Account
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tissue import SlabTissue


class RegionSolver:
    """The concentrations of all species in one box, coupled to this rank's segments.

    The fields exist from the first use of a species on. Exchange, stepper and copies are those of
    the last `plan`. Species are known by a key, any hashable.

    Parameters
    ----------
    comm
        Communicator of all ranks of the model.
    box, tissue : Box, Tissue
        Of the region.
    phases : Phases
        Where the time of each phase of a step is added up.
    slabs : Slabs
        Of the box. With a grain, results have the same bits at any number of ranks.

    Attributes
    ----------
    planes : (int, int)
        The planes [lo, hi) of the box that this rank owns.
    fields : dict
        {key: SlabField} of the species.
    pointers : Pointers
        NEURON's pointers to voxels of this box.
    fluxes : Fluxes
        Fluxes that the script has added.
    """

    def __init__(self, comm, box: Box, tissue: Tissue, phases: Phases, slabs: Slabs):
        self.comm = comm
        self.box = box
        self.phases = phases
        self.slabs = slabs
        self.planes = slabs.planes(comm.rank)
        self.fields: dict[object, SlabField] = {}
        self.pointers = Pointers()
        self.fluxes = Fluxes()
        self._tissues = SlabTissues(comm, box, self.planes, tissue)
        self._species: dict[object, SpeciesSpec] = {}
        self._coupling: Any = None  # SegmentCoupling of the last plan
        self._stepper: Any = None  # Stepper of the last plan
        self._copies: MembraneCopies | None = None
        self._initial_fractions = np.zeros(0)  # at initialisation, where a State is the fraction
        self._time_taken = 0.0  # ms since the last step of the grid, for which currents were taken

    @property
    def tissue(self) -> Tissue:
        """The region's tissue now."""
        return self._tissues.tissue

    @property
    def slab_voxels(self) -> int:
        """Voxels of this slab."""
        lo, hi = self.planes
        return (hi - lo) * self.box.plane

    @property
    def in_box(self) -> np.ndarray:
        """Numbers of the segments of this rank that lie in the box."""
        return self._coupling.in_box

    def field(self, key) -> SlabField:
        """The field of a species, made at the first call. Local."""
        if key not in self.fields:
            self.fields[key] = SlabField(self.box, self.planes)
        return self.fields[key]

    # planning

    def keep_species(self, keys) -> None:
        """Drop everything of species that are not among ``keys``. Local."""
        self.fields = {key: field for key, field in self.fields.items() if key in keys}
        self.pointers.forget(keys)
        self.fluxes.forget(keys)

    def plan(
        self,
        species: dict[object, SpeciesSpec],
        ions: dict[str, SegmentIon],
        segments: Segments,
        faraday: float,
    ) -> None:
        """Couple the species to the segments as they are now. Collective.

        Parameters
        ----------
        species : dict
            {key: description} in the order that laws count them.
        ions : dict
            {name: SegmentIon} of the species with a name that an ion can have.
        segments : Segments
            All segments of this rank.
        faraday : float
            C/mol.
        """
        self.free()
        self._species = species
        keys = list(species)
        specs = list(species.values())
        pointer_voxels = self.pointers.plan(keys)
        flux_voxels = self.fluxes.plan(self.comm, self.slabs, self.box, keys)
        tissues = self._tissues.plan(specs)
        self._coupling = SegmentCoupling(
            self.comm,
            self.box,
            self.slabs,
            specs,
            [ions.get(spec.name) if spec.name else None for spec in specs],
            segments,
            np.concatenate([pointer_voxels, flux_voxels]),
            faraday,
        )
        exchange = self._coupling.exchange
        fields = [self.field(key) for key in keys]
        self._stepper = Stepper(self.comm, self.box, tissues, specs, fields, exchange, self.phases)
        self._time_taken = 0.0
        self.fluxes.couple(exchange, self.box.voxel_volume)

    def plan_reactions(
        self, laws: list[Law], neighbours: list[tuple[SpeciesSpec, SlabField]]
    ) -> None:
        """Let these laws hold from now on. Collective.

        Parameters
        ----------
        laws : list of Law
            Their numbers of species count the species of the plan, then the neighbours.
        neighbours : list of (SpeciesSpec, SlabField)
            Species of other regions on the same grid, which the laws read.
        """
        self._stepper.plan_reactions(laws, neighbours)

    @property
    def planned_keys(self) -> list:
        """The keys of the species of the plan, in its order."""
        return list(self._species)

    def planned(self) -> list[tuple[SpeciesSpec, SlabField]]:
        """The species of the plan and their fields, in its order."""
        return [(spec, self.fields[key]) for key, spec in self._species.items()]

    def plan_copies(self, plan: MembraneReactionPlan | None, region) -> None:
        """Couple copies of this region's voxels to the reactions at segments. Collective."""
        if plan is None:
            return
        own_keys = list(plan.extracellular(region))
        keys = sorted(set().union(*self.comm.allgather(own_keys)))  # ranks may have other reactions
        if not keys:
            return
        copies = MembraneCopies(
            self.comm,
            self.slabs,
            self.box,
            keys,
            [self.fields[key] for key in keys],
            [self.slab_tissue(key) for key in keys],
            plan,
            region,
        )
        self._plan_induced_currents(plan, copies)
        self._copies = copies
        self.renew_copies()

    def _plan_induced_currents(self, plan: MembraneReactionPlan, copies: MembraneCopies) -> None:
        """Plan the currents of reactions in tissue whose volume fraction is a State. Collective."""
        names = {}
        for f, (spec, tissue) in enumerate(zip(self._species.values(), self._stepper.tissues)):
            if spec.name and spec.charge and tissue.copies_keep_volume:
                names[f] = spec.name
        if names and self.comm.allreduce(len(plan.carried())):
            tissue = self._stepper.tissues[next(iter(names))]
            fractions = self._initial_fractions
            copies.induce_currents(plan, names, tissue, fractions, self._coupling)

    def volume_fractions_at_segments(self) -> np.ndarray:
        """(segments,) volume fractions now in the voxels of this rank's segments. Collective.

        Segments outside the box have 1. The fractions of the slab are kept: the reactions of the
        plan see those of initialisation.
        """
        fractions = self._tissues.volume_fractions()
        self._initial_fractions = fractions.reshape(-1)
        return self._coupling.values_at_segments(fractions, elsewhere=1.0)

    def find_segments(self) -> None:
        """Look up where NEURON keeps the variables of the segments in the box. Local."""
        self._coupling.find()

    # a step

    def take_currents(self, dt: float) -> None:
        """Add up what segments and fluxes bring during dt (ms), in one or more parts of a step.

        Local.
        """
        self._coupling.take_currents(dt)
        self.fluxes.take(dt)
        if self._induced is not None:
            self._induced.add_sources(dt)
        self._time_taken += dt

    @property
    def _induced(self):
        return self._copies.induced if self._copies is not None else None

    def forget_currents(self) -> None:
        """Drop the currents that were taken since the last step of the grid. Local."""
        self._coupling.exchange.forget_sources()
        if self._induced is not None:
            self._induced.forget_sources()
        self._time_taken = 0.0

    def react(self) -> None:
        """Carry out the reactions for the time that currents were taken for. Local."""
        self._stepper.react(self._time_taken)

    def diffuse(self, t: float, before_change: Callable[[], bool]) -> None:
        """Carry out the rest of that step, to t (ms). Collective.

        before_change() is called before concentrations change. It waits until no rank reads, and
        takes in what scripts have set. It returns True, on all ranks alike, if anything was set.
        """
        dt = self._time_taken
        self._time_taken = 0.0
        if self._copies is not None:
            before_change()
        self.settle_copies()
        self._stepper.diffuse(dt, t, before_change, self._induced)
        self._give()

    def deliver(self) -> None:
        """Set the segments' ions and the watched values to the concentrations now. Collective."""
        self._stepper.fetch_values()
        self._give()

    def _give(self) -> None:
        with self.phases["segments"]:
            self._coupling.give_concentrations()
            self._show()
        if self.comm.size > 1:
            self.renew_copies()

    def show(self) -> None:
        """Set only the watched values to the concentrations now. Collective."""
        self._stepper.fetch_values()
        self._show()

    def _show(self) -> None:
        self.pointers.show_fetched(self._coupling.exchange)

    # copies for the reactions at segments

    def settle_copies(self) -> None:
        """Bring what reactions at the membrane have changed to the voxels. Collective."""
        if self._copies is not None:
            with self.phases["deposit"]:
                self._stepper.account_reactions(self._copies.settle)

    def renew_copies(self) -> None:
        """Show the concentrations now to reactions at the membrane. Collective."""
        if self._copies is not None:
            with self.phases["collect"]:
                self._copies.renew()

    def renew_copies_alone(self, values: Callable[[object, Voxels], np.ndarray]) -> None:
        """Show what this rank reads to its reactions: values(key, voxels) in mM. Local."""
        if self._copies is not None:
            self._copies.renew_alone(values)

    # what else is asked of a region

    def state(self) -> dict[str, np.ndarray]:
        """All arrays of this region that a checkpoint keeps, by name. Local.

        Each is a live view of doubles whose first axis is this rank's planes: a restart writes
        into it, then calls `refilled`. A new array that a run changes must be added here, else a
        restart begins with its initial values; so it does, in silence, from a copy. Checkpoints
        name the arrays "box NUMBER NAME" (`saved_checkpoint.BOX`).
        """
        arrays = {}
        for i, (key, spec) in enumerate(self._species.items()):
            arrays[f"{i} {spec.name or 'unnamed'}"] = self.fields[key].owned
        return arrays | self._tissues.state()

    def refilled(self) -> None:
        """Take over what has been written to the arrays of `state`. Local."""
        self._tissues.refilled()

    def fingerprint(self) -> str:
        """Digest of the values of tissue that varies, "" for numbers. Collective."""
        return self._tissues.fingerprint()

    def change_tissue(self, tissue: Tissue, conserve_mass: bool) -> None:
        """Replace the region's tissue from the next step on. Local, called on every rank.

        conserve_mass: the amount in each voxel stays, so that concentrations change as
        1/volume_fraction.
        """
        before, now = self._tissues.change(tissue)
        if not conserve_mass:
            return
        live: list[Any] = [profile for profile in tissue.profiles if profile.live]
        followed = {profile.species.key for profile in live}
        for key, field in self.fields.items():
            spec = self._species.get(key)
            keeps = spec is not None and (spec.tissue or spec.constant)
            if key not in followed and not keeps:
                field.owned *= before / now

    def slab_tissue(self, key) -> SlabTissue:
        """This slab's share of a species' tissue. Local."""
        return self._stepper.tissues[self._number(key)]

    def open_account(self, key) -> Account:
        """Keep account, until the next plan, of what changes a species' amount in this slab.

        Local.
        """
        return self._stepper.open_account(self._number(key))

    def _number(self, key) -> int:
        return self.planned_keys.index(key)

    def waits_for(self) -> dict[str, set[int]]:
        """{phase: the ranks that this one waits for in it}. Local."""
        return self._stepper.waits_for()

    def report(self, dt: float) -> list[str]:
        """Lines that say how the slabs are coupled at steps of dt (ms). Collective."""
        return self._stepper.report(dt)

    def set_from_segments(self, key, values: np.ndarray) -> None:
        """Set voxels to the values (segments,) of their segments (mM). Collective.

        Of several segments in one voxel the last one counts.
        """
        own = (self._coupling.voxel, values[self.in_box])
        all_voxels, all_values = zip(*self.comm.allgather(own))
        voxels = Voxels(self.box, np.concatenate(all_voxels))
        places, local = voxels.within(self.planes)
        self.fields[key].owned.reshape(-1)[local] = np.concatenate(all_values)[places]

    # the end

    def leave_world(self) -> None:
        """Drop the plan, whose ranks are no longer those of this rank's world. Local.

        Nothing waits for ranks that may never come.
        """
        if self.comm.size == 1:
            self.free()
        self._stepper = self._copies = self._coupling = None

    def inherit(self, other: RegionSolver) -> None:
        """Have the pointers and fluxes of this region's solver in another world. Local."""
        self.pointers = other.pointers
        self.fluxes = other.fluxes

    def free(self) -> None:
        """Release the messages and communicators of the plan. Collective."""
        for planned in (self._stepper, self._coupling, self._copies):
            if planned is not None:
                planned.free()
        self._stepper = self._coupling = self._copies = None
