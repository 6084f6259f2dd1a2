"""One extracellular region at run time: its fields, NEURON's segments in it, and the nodes that are
watched.

    segments' currents --> stepper --> segments' outside concentrations, watched values

An entry is a segment that lies in the box, or a voxel that a flux goes into.
"""

from __future__ import annotations

import zlib

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
from ecsmpi.run.pointers import Pointers
from ecsmpi.solver import threads
from ecsmpi.solver.accounts import Account
from ecsmpi.solver.exchange import Exchange, plan_exchange
from ecsmpi.solver.induced import InducedCurrents
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tissue import SlabTissue
from ecsmpi.solver.voxel_copies import VoxelCopies

UM2_MA_PER_CM2 = 1e4  # mA/cm2 * um2 / (C/mol * um3) is 1e4 mM/ms


class Space:
    """The concentrations of all ions in one box, coupled to this rank's segments.

    Ions are known by a key, any hashable, in the order of `add`.
    """

    def __init__(self, comm, box: Box, tissue: Tissue, phases: Phases, slabs: Slabs):
        """slabs: of the box; with a grain, the same bits at any number of ranks."""
        self.comm, self.box, self.tissue, self.phases, self.slabs = comm, box, tissue, phases, slabs
        self.planes = self.slabs.planes(comm.rank)
        self.fields: dict[object, SlabField] = {}
        self.pointers = Pointers()
        self.fluxes = Fluxes()
        self._exchange = self._stepper = self._copies = self._induced = None
        self._named: list[tuple[object, SpeciesSpec]] = []
        self._slab_tissues, self._ions_by_key, self._fingerprint = {}, {}, (None, "")

    @property
    def has_threads(self) -> bool:
        """Whether several threads share the voxels of this slab."""
        return threads.for_work((self.planes[1] - self.planes[0]) * self.box.plane) > 1

    def field(self, key) -> SlabField:
        """The field of an ion, made at the first call. Local."""
        if key not in self.fields:
            self.fields[key] = SlabField(self.box, self.planes)
        return self.fields[key]

    def state(self) -> dict[str, np.ndarray]:
        """All that moves on here, by name: this rank's planes first in each. A restart fills them,
        then says `refilled`. Local.

        Tissue that follows a species is among it: it lags behind the species where that diffuses.
        """
        fields = {
            f"{i} {ion.name or 'unnamed'}": self.fields[key].owned
            for i, (key, ion) in enumerate(self._named)
        }
        tissues = {
            f"{name} {i}": array
            for i, slab in enumerate(self._slab_tissues.values())
            for name, array in slab.followed().items()
        }
        return fields | tissues

    def refilled(self) -> None:
        """The arrays of `state` have been filled. Local."""
        for slab in self._slab_tissues.values():
            slab.refilled()

    def forget(self, keys) -> None:
        """Drop the fields of ions that are not among ``keys``. Local."""
        self.fields = {key: field for key, field in self.fields.items() if key in keys}
        self.pointers.forget(keys)
        self.fluxes.forget(keys)

    def plan(
        self,
        ions: dict[object, SpeciesSpec],
        at_segments: dict[str, SegmentIon],
        segments: Segments,
        faraday: float,
    ) -> None:
        """Couple the ions to the segments as they are now; at_segments: the named ones. Collective."""
        self.free()
        self._named = list(ions.items())
        self._ions, self._keys = list(ions.values()), list(ions)
        keys = self._keys
        self._at_segments = [at_segments.get(ion.name) for ion in self._ions]
        voxel = self.box.index_of(segments.centre)
        self.inside = np.flatnonzero(voxel >= 0)
        watched = self.pointers.plan(keys)
        flux_voxels = self.fluxes.plan(self.comm, self.slabs, self.box, keys)
        self._ions_by_key = ions
        tissues = self._plan_tissues()
        fields = [self.field(key) for key in keys]
        self._exchange = plan_exchange(
            self.comm,
            self.slabs,
            self.box.plane,
            voxel[self.inside],
            len(ions),
            np.concatenate([watched, flux_voxels]),
        )
        self._stepper = Stepper(
            self.comm, self.box, tissues, self._ions, fields, self._exchange, self.phases
        )
        self._voxel, self._segment_count = voxel[self.inside], segments.count
        self._taken = 0.0
        self.fluxes.couple(self._exchange, self.box.voxel_volume)
        self._per_current_everywhere = segments.area * (
            UM2_MA_PER_CM2 / (faraday * self.box.voxel_volume)
        )
        area = self._per_current_everywhere[self.inside]
        self._per_current = [
            area / ion.charge if ion.name and ion.charge and not ion.constant else None
            for ion in self._ions
        ]

    def plan_reactions(self, laws: list[Law], beside: list[tuple[SpeciesSpec, SlabField]]) -> None:
        """From now on the laws hold, whose numbers of species are places in the order of the plan,
        then beside. Collective.
        """
        self._stepper.plan_reactions(laws, beside)

    @property
    def planned_keys(self) -> list:
        """The keys of the ions of the plan, in its order."""
        return [key for key, _ in self._named]

    def planned(self) -> list[tuple[SpeciesSpec, SlabField]]:
        """The ions of the plan, and their fields."""
        return [(ion, self.fields[key]) for key, ion in self._named]

    def plan_copies(self, plan: MembraneReactionPlan | None, region) -> None:
        """Couple the copies of this region's voxels at segments. Collective."""
        held = plan.outside(region) if plan else {}
        keys = sorted(
            set().union(*self.comm.allgather(list(held)))
        )  # ranks may have other reactions
        if keys:
            voxels, places, shares = plan.copies(region)
            fields, tissues = (
                [self.fields[key].owned for key in keys],
                [self.slab_tissue(key) for key in keys],
            )
            held, shares = (
                [those.get(key, np.zeros(plan.at.size)) for key in keys] for those in (held, shares)
            )
            self._copy_keys = keys
            self._copies = VoxelCopies(
                self.comm, self.slabs, self.box.plane, fields, tissues, voxels, places, held, shares
            )
            self._plan_induced(plan, voxels, places)
            self.renew_copies()

    def _plan_induced(
        self, plan: MembraneReactionPlan, voxels: np.ndarray, places: np.ndarray
    ) -> None:
        """Currents of reactions in tissue of which a State is the volume fraction; voxels, places:
        of the copies. Collective.
        """
        ions = [
            f
            for f, ion in enumerate(self._ions)
            if ion.name and ion.charge and self._stepper.tissues[f].copies_keep_volume
        ]
        carried = plan.carried()
        if not ions or not self.comm.allreduce(len(carried)):
            return
        nothing = np.zeros(plan.at.size)
        currents = [carried.get(self._ions[f].name, nothing) for f in ions]
        segments = plan.at[places]
        factors = [self._per_current_everywhere[segments] / self._ions[f].charge for f in ions]
        self._induced = InducedCurrents(
            self.comm,
            self.slabs,
            self.box.plane,
            self._stepper.tissues[ions[0]],
            self._fractions_then,
            voxels,
            places,
            ions,
            currents,
            factors,
        )

    def volume_fractions_at_segments(self) -> np.ndarray:
        """(segments,) volume fractions now of the voxels of this rank's segments, 1 outside the
        box. Collective.
        """
        fractions = np.ascontiguousarray(
            self.tissue.volume_fraction.planes(self.box, *self.planes), dtype=float
        )
        self._fractions_then = fractions.reshape(-1)
        found = np.ones(self._segment_count)
        exchange = Exchange(self.comm, self.slabs, self.box.plane, self._voxel, 1)
        exchange.set_values([fractions.reshape(-1)])
        exchange.fetch_values()
        exchange.scatter_values(0, found, self.inside.astype(np.uint32))
        exchange.free()
        return found

    def _plan_tissues(self) -> list[SlabTissue]:
        """The slab's share of the tissue of each ion; ions with the same tissue share it. Local."""
        described = [(ion.tissue is not None, ion.tissue or self.tissue) for ion in self._ions]
        self._slab_tissues = {
            which: self._slab_tissues.get(which) or self._slab_tissue(which[1])
            for which in dict.fromkeys(described)
        }
        return [self._slab_tissues[which] for which in described]

    def fingerprint(self) -> str:
        """Tells tissues apart that are described alike, such as by functions of one name; nothing
        for numbers. Collective.
        """
        if self._fingerprint[0] is not self.tissue:
            self._fingerprint = self.tissue, self._take_fingerprint()
        return self._fingerprint[1]

    def _take_fingerprint(self) -> str:
        fixed = [one for one in self.tissue.profiles if not one.live]
        planes = (one.planes(self.box, i, i + 1) for one in fixed for i in range(*self.planes))
        places = (i.to_bytes(8, "little") for _ in fixed for i in range(*self.planes))
        total = self.comm.allreduce(
            sum(zlib.crc32(place + plane.tobytes()) for place, plane in zip(places, planes))
        )
        return f" ({total:x})" if fixed else ""

    def _slab_tissue(self, tissue: Tissue) -> SlabTissue:
        return SlabTissue(self.box, self.planes, tissue)

    def change_tissue(self, tissue: Tissue, conserve_mass: bool) -> None:
        """Ions without a tissue of their own see another one from the next step on. Local, to be
        called on every rank.

        conserve_mass: what is in a voxel stays, so that concentrations change as 1/volume_fraction.
        """
        slab = self._slab_tissues.get((False, self.tissue)) or self._slab_tissue(self.tissue)
        old = slab.volume_fraction
        slab.change(tissue)
        self._slab_tissues.pop((False, self.tissue), None)
        self._slab_tissues[False, tissue], self.tissue = slab, tissue
        followed = {profile.species.key for profile in tissue.profiles if profile.live}
        for key, field in self.fields.items() if conserve_mass else ():
            ion = self._ions_by_key.get(key)
            if key not in followed and (ion is None or not (ion.tissue or ion.constant)):
                field.owned *= old / slab.volume_fraction

    def find_segments(self) -> None:
        """Where NEURON keeps the variables of the segments in the box, as its ions have just found
        it. Local.

        Entries come in another order from now on, in which a step reads and writes them with few
        leaps.
        """
        self._currents, self._outsides = [], []
        named = [ion for ion in self._at_segments if ion is not None]
        turn = self._exchange.order(named[0].outside.rows[self.inside]) if named else slice(0)
        self._exchange.reorder(turn)
        inside = self.inside[turn]
        for f, (ion, per_current) in enumerate(zip(self._at_segments, self._per_current)):
            if per_current is not None:
                self._currents.append((f, *ion.current.memory_of(inside), per_current[turn]))
            if ion is not None:
                self._outsides.append((f, *ion.outside.memory_of(inside)))

    def take_currents(self, dt: float) -> None:
        """Take in what the segments' ions carry during dt (ms), the first part of a step or a
        further one. Local.
        """
        for current in self._currents:
            self._exchange.add_sources(*current, dt)
        self.fluxes.take(dt)
        if self._induced:
            self._induced.add_sources(dt)
        self._taken += dt

    def forget_currents(self) -> None:
        """What was taken in since the last step of the grid does not count. Local."""
        self._exchange.forget_sources()
        if self._induced:
            self._induced.forget_sources()
        self._taken = 0.0

    def react(self) -> None:
        """The reactions of a step over all the time that currents were taken for. Local."""
        self._stepper.react(self._taken)

    def diffuse(self, t: float, before_change) -> None:
        """The rest of that step, to t (ms). before_change: called before concentrations change.
        Collective.
        """
        dt, self._taken = self._taken, 0.0
        if self._copies:
            before_change()
        self.settle_copies()
        self._stepper.diffuse(dt, t, before_change, self._induced)
        self._give()

    def deliver(self) -> None:
        """Set the segments' ions, and the watched values, to the concentrations now. Collective."""
        self._stepper.fetch_values()
        self._give()

    def _give(self) -> None:
        with self.phases["segments"]:
            for outside in self._outsides:
                self._exchange.scatter_values(*outside)
            self._show()
        if self.comm.size > 1:
            self.renew_copies()

    def show(self) -> None:
        """Set the watched values alone to the concentrations now. Collective."""
        self._stepper.fetch_values()
        self._show()

    def _show(self) -> None:
        self.pointers.show_collected(self._exchange)

    def settle_copies(self) -> None:
        """What reactions at the membrane have changed reaches the voxels. Collective."""
        if self._copies:
            with self.phases["deposit"]:
                self._stepper.account_reactions(self._copies.settle)

    def renew_copies(self) -> None:
        """Reactions at the membrane see the concentrations now. Collective."""
        if self._copies:
            with self.phases["collect"]:
                self._copies.renew()

    def renew_copies_alone(self, values) -> None:
        """As `renew_copies`, of this rank alone; values(key, Voxels): what this rank reads (mM).
        Local.
        """
        if self._copies:
            keys = self._copy_keys
            self._copies.renew_from(lambda f, voxels: values(keys[f], Voxels(self.box, voxels)))

    def slab_tissue(self, key) -> SlabTissue:
        """This slab's share of an ion's tissue."""
        return self._stepper.tissues[self._keys.index(key)]

    def open_account(self, key) -> Account:
        """Keep account, until the next plan, of what changes the amount of an ion in this slab.
        Local.
        """
        return self._stepper.open_account(self._keys.index(key))

    def waits_for(self) -> dict[str, set[int]]:
        """{phase: the ranks that this one waits for in it}. Local."""
        return self._stepper.waits_for()

    def report(self, dt: float) -> list[str]:
        """How the slabs are coupled at steps of dt (ms). Collective."""
        return self._stepper.report(dt)

    def take_segments(self, key, values: np.ndarray) -> None:
        """Set voxels to the values (segments,) of their segments (mM); the last one of a voxel
        counts. Collective.
        """
        asked = self.comm.allgather((self._voxel, values[self.inside]))
        voxels, values = (np.concatenate(parts) for parts in zip(*asked))
        places, local = Voxels(self.box, voxels).within(self.planes)
        self.fields[key].owned.reshape(-1)[local] = values[places]

    def leave(self) -> None:
        """Drop the plan, in a world that this rank has left: nothing waits for ranks that may never
        come. Local.
        """
        if self.comm.size == 1:
            self.free()
        self._exchange = self._stepper = self._copies = None

    def take_over(self, other: Space) -> None:
        """Have the pointers and the fluxes of the space of this region in another world. Local."""
        self.pointers, self.fluxes = other.pointers, other.fluxes

    def free(self) -> None:
        """Release the plan. Collective."""
        if self._stepper is not None:
            self._stepper.free()
            self._exchange.free()
            self._exchange = self._stepper = None
        if self._copies is not None:
            self._copies.free()
            self._copies = None
        if self._induced is not None:
            self._induced.free()
            self._induced = None
