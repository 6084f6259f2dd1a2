"""One box and its species, advanced together: the step reads as the physics.

    react -> currents to owners -> diffuse -> concentrations back to the segments

No NEURON here: `exchange` takes currents from arrays and gives concentrations to arrays, an entry
for each segment that lies in the box.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import ArrayProfile
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Reactions, in_slab
from ecsmpi.solver import interface_kernels, threads
from ecsmpi.solver.accounts import Account
from ecsmpi.solver.exchange import ExactExchange, Exchange
from ecsmpi.solver.halo import Halo
from ecsmpi.solver.heterogeneous import DiffusionPlanner
from ecsmpi.solver.induced import InducedCurrents
from ecsmpi.solver.short_lines import SHORT
from ecsmpi.solver.threads import Team
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tissue import SlabTissue
from ecsmpi.solver.workspace import Workspace


def _nothing() -> bool:
    """Before changes that nobody waits for."""
    return False


class Field:
    """The concentration of one ion in this rank's slab (mM).

    u: (n + 2, ny, nz), a ghost plane on either side; owned: (n, ny, nz) writable view of the slab
    itself.
    """

    def __init__(self, box: Box, planes: tuple[int, int]):
        lo, hi = self.planes = planes
        self.box = box
        self.u = aligned_zeros((hi - lo + 2, *box.shape[1:]))
        self.owned = self.u[1:-1]

    def hold_walls(self, value: float) -> None:
        """Set this slab's share of the box's border voxels to ``value`` (mM)."""
        lo, hi = self.planes
        for wall, at in ((0, lo == 0), (-1, hi == self.box.shape[0])):
            if at and hi > lo:
                self.owned[wall] = value
        for wall in (0, -1):
            self.owned[:, wall] = value
            self.owned[:, :, wall] = value


class Stepper:
    """Plans once, then advances all species of a box. Everything is collective."""

    def __init__(
        self,
        comm,
        box: Box,
        tissue: Tissue | list[SlabTissue],
        ions: list[SpeciesSpec],
        fields: list[Field],
        exchange: Exchange | np.ndarray,
        slabs: Slabs | None = None,
        phases: Phases | None = None,
    ):
        """fields: one for each ion, of its slab. exchange: planned for these ions; or (entries,) flat
        indices into the box of this rank's entries, for an exchange that the stepper owns.

        tissue: of all ions, or the slab's share of that of each, which may change between steps, on
        all ranks alike.
        slabs: with a grain, results have the same bits at any number of ranks.
        """
        self.slabs, self.phases = slabs or Slabs(box.shape[0], comm.size), phases or Phases()
        self._comm, self._box, self._ions, self._fields = comm, box, ions, fields
        if isinstance(tissue, Tissue):
            tissue = [SlabTissue(box, self.slabs.planes(comm.rank), tissue)] * len(ions)
        self.tissues, self._versions = tissue, [each.version for each in tissue]
        self._owns_exchange = isinstance(exchange, np.ndarray)
        if isinstance(exchange, np.ndarray):
            kind = ExactExchange if self.slabs.grain else Exchange
            exchange = kind(comm, self.slabs, box.plane, exchange, len(ions))
        self.exchange = exchange
        self._accounts = []  # (number of the ion, its Account) of what is asked for
        self._flat = [field.u[1:-1].reshape(-1) for field in fields]
        owns = comm.rank < self.slabs.owners
        lo, hi = self.slabs.planes(comm.rank)
        self._team = Team((hi - lo) * box.plane, self.phases)
        self.plan_reactions([])
        self._owners = comm.Split(0 if owns else 1, comm.rank)
        self._halos, self._diffusions, self._workspace = [], [], None
        if owns:
            self._workspace = Workspace(self._owners, box, self.slabs, self.phases)
            self._planner = DiffusionPlanner(self._workspace, self.exchange.local_voxels)
            self._plan_diffusions()
            self._halos = [
                Halo(self._owners, field.u)
                for field, diffusion in zip(self._fields, self._diffusions)
                if diffusion.diffuses
            ]

    def plan_reactions(self, laws: list[Law], beside: list[tuple[SpeciesSpec, Field]] = ()) -> None:
        """From now on these laws hold, whose numbers of species are those of the ions, then of
        those beside.

        beside: (ion, its field) of other boxes on the same grid, which the laws read.
        """
        ions, fields = zip(*[*zip(self._ions, self._fields), *beside])
        owned, names = (
            [field.owned for field in fields],
            [ion.name or "unnamed species" for ion in ions],
        )
        self._reactions = Reactions(
            self._comm, laws, owned, names, in_slab(self._box, self.slabs.planes(self._comm.rank))
        )

    def _plan_diffusions(self) -> None:
        """With the tissue of now; workspace and messages stay. Collective over the slabs' owners."""
        self._planner.forget_tissue()
        self._diffusions = [
            self._planner.plan(ion, tissue) for ion, tissue in zip(self._ions, self.tissues)
        ]

    def _renew_tissue(self) -> None:
        """Follow what is live in the tissue, and what the script has changed. Collective."""
        for slab in {id(each): each for each in self.tissues if each.live}.values():
            if self._comm.allreduce(int(slab.stale)):
                self._change_with_species(slab)
        versions = [each.version for each in self.tissues]
        if versions != self._versions:
            self._versions = versions
            if self._workspace is not None:
                self._plan_diffusions()

    def _change_with_species(self, slab: SlabTissue) -> None:
        before = slab.volume_fraction
        slab.change(slab.description)
        for ion, field, tissue in zip(self._ions, self._fields, self.tissues):
            if slab.description.conserve_mass and tissue is slab and not ion.constant:
                field.owned *= before / slab.volume_fraction

    def advance(self, dt: float, t: float) -> None:
        """One step of dt to t (ms): `react`, then `diffuse`. Collective."""
        self.react(dt)
        self.diffuse(dt, t)

    def react(self, dt: float) -> None:
        """The reactions of a step of dt (ms). Local."""
        with self.phases["react"]:
            if self._reactions.act:
                self.reacting(self._reactions.advance, dt)

    def diffuse(
        self, dt: float, t: float, before_change=_nothing, induced: InducedCurrents | None = None
    ) -> None:
        """The rest of a step of dt to t (ms), with what `exchange` has taken; it then gives the
        concentrations. Collective.

        What it takes is mM of a voxel, tissue and all: volume fractions divide it here.
        before_change() is called before concentrations change, while ghost planes are under way; it
        returns whether it has itself changed some, on all ranks alike. induced: currents that add
        to what `exchange` has taken.
        """
        if any(tissue.live for tissue in self.tissues):
            before_change()
        with self.phases["factors"]:
            self._renew_tissue()
        self._start_ghosts()
        if before_change():
            self._finish_ghosts()
            self._start_ghosts()
        with self.phases["deposit"]:
            self.exchange.deposit()
            if induced:
                induced.add_to(self.exchange)
        self._finish_ghosts()
        for ion, account in self._accounts:
            account.before_diffusion(self.exchange.sources[ion])
        self._team.begin()
        for field, diffusion, sources, values in zip(
            self._fields, self._diffusions, self.exchange.sources, self.exchange.values
        ):
            diffusion.advance(field.u, sources, values, dt, t)
        self._team.end()
        for _, account in self._accounts:
            account.after_diffusion()
        with self.phases["collect"]:
            self.exchange.collect()

    def _start_ghosts(self) -> None:
        with self.phases["ghosts"]:
            for halo in self._halos:
                halo.start()

    def _finish_ghosts(self) -> None:
        with self.phases["ghosts"]:
            for halo in self._halos:
                halo.finish()

    def reacting(self, react, *arguments) -> None:
        """Let reactions change the concentrations, and put that down in the accounts."""
        for _, account in self._accounts:
            account.before_reactions()
        react(*arguments)
        for _, account in self._accounts:
            account.after_reactions()

    def open_account(self, number: int) -> Account:
        """Keep account from now on of what changes the amount of an ion in this slab. Local."""
        planes, owned = self.slabs.planes(self._comm.rank), self._fields[number].owned
        voxels, tissue = self.exchange.local_voxels, self.tissues[number]
        account = Account(self._ions[number], self._box, planes, owned, voxels, tissue)
        self._accounts.append((number, account))
        return account

    def collect(self) -> None:
        """Let `exchange` give the concentrations of now. Collective."""
        self.exchange.read(self._flat)
        self.exchange.collect()

    def waits_for(self) -> dict[str, set[int]]:
        """{phase: the ranks whose messages this one waits for in it}. Local."""
        rank, owners = self._comm.rank, self.slabs.owners
        beside = {other for other in (rank - 1, rank + 1) if 0 <= other < owners and rank < owners}
        shared = self.exchange.partner_ranks
        interfaces = (
            beside
            if self._workspace is None or self._workspace.asks_neighbours
            else set(range(owners)) - {rank}
        )
        return {"ghosts": beside, "interfaces": interfaces, "deposit": shared, "collect": shared}

    def report(self, dt: float) -> list[str]:
        """How each diffusing ion's x-solve crosses the ranks at steps of dt (ms)."""
        lines = []
        for ion, diffusion in zip(self._ions, self._diffusions):
            if diffusion.diffuses and self.slabs.owners > 1:
                lines.append(f"{ion.name or 'unnamed species'}: {diffusion.factors(dt).joints}")
        return lines

    def free(self) -> None:
        """Release messages and communicators."""
        for halo in self._halos:
            halo.free()
        if self._owns_exchange:
            self.exchange.free()
        if self._workspace is not None:
            self._workspace.free()
        self._owners.Free()


def compile_kernels(comm, uneven: bool, short: bool, threaded: bool) -> None:
    """Compile the kernels, or load them from the cache, by advancing a small box. comm: of this
    process alone.

    uneven: those for tissue that varies, or open faces; else the others, for short z-lines or
    longer ones.
    threaded: those that threads share, else those for one thread.
    """
    with threads.whatever_the_work(2 if threaded else 1):
        _advance_small_box(comm, uneven, short)


def _advance_small_box(comm, uneven: bool, short: bool) -> None:
    box, ion = (
        Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (3, 3, SHORT - 1 if short else SHORT)),
        SpeciesSpec("k", (1.0, 1.0, 1.0), 1, 0.0),
    )
    fields = [Field(box, (0, 3)), Field(box, (0, 3))]
    still = SpeciesSpec("a", (0.0, 0.0, 0.0))
    tissue = Tissue(ArrayProfile(np.full(box.shape, 0.5))) if uneven else Tissue()
    for grain in (None, 2):
        stepper = Stepper(
            comm, box, tissue, [ion, still], fields, np.zeros(1, dtype=np.int64), Slabs(3, 1, grain)
        )
        stepper.advance(1.0, 0.0)
        stepper.free()
    plane = np.zeros((1, 1))
    interface_kernels.join_pair(*np.zeros((5, 1)))
    interface_kernels.join_blocks(plane, plane, plane, plane, *np.zeros((5, 1, 1)))
