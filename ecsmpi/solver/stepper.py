"""One box and its species, advanced together: the step reads as the physics.

    react -> sources to the owners of their voxels -> diffuse -> concentrations back

No NEURON here: the caller adds sources to the exchange and scatters its values, an entry for each
segment that lies in the box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import ArrayProfile
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Reactions, in_slab
from ecsmpi.solver import threads
from ecsmpi.solver.accounts import Account
from ecsmpi.solver.diffusion_planner import Diffusion, DiffusionPlanner
from ecsmpi.solver.exchange import Exchange, plan_exchange
from ecsmpi.solver.halo import Halo
from ecsmpi.solver.induced import InducedCurrents
from ecsmpi.solver.sizes import SHORT
from ecsmpi.solver.slab_edges import compile_edges
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.threads import Team
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tissue import SlabTissue
from ecsmpi.solver.workspace import Workspace

interface_kernels = kernels_of("ecsmpi.solver.interface_kernels")


def _nothing() -> bool:
    """Called before changes that no rank waits for."""
    return False


class Stepper:
    """Plans once, then advances all species of a box. Everything is collective, but where said.

    Parameters
    ----------
    comm
        Communicator of all ranks of the box.
    box : Box
        The box.
    tissue : Tissue or list of SlabTissue
        That of all species, or the slab's share of each species' tissue, which may change between
        steps, on all ranks alike.
    species : list of SpeciesSpec
        What diffuses.
    fields : list of SlabField
        The concentration of each species in this rank's slab.
    exchange : Exchange
        Of as many fields as there are species, in their order. The caller owns it: it adds the
        sources, and frees it. With slabs of a grain, results have the same bits at any number of
        ranks.
    phases : Phases
        Where the time of each phase of a step is put down.
    """

    def __init__(
        self,
        comm,
        box: Box,
        tissue: Tissue | list[SlabTissue],
        species: list[SpeciesSpec],
        fields: list[SlabField],
        exchange: Exchange,
        phases: Phases | None = None,
    ):
        self._comm = comm
        self._box = box
        self._species = species
        self._fields = fields
        self._exchange = exchange
        self.slabs = exchange.slabs
        self.phases = phases or Phases()
        planes = self.slabs.planes(comm.rank)
        if isinstance(tissue, Tissue):
            tissue = [SlabTissue(box, planes, tissue)] * len(species)
        self.tissues = tissue
        self._versions = [each.version for each in tissue]
        self._accounts: list[tuple[int, Account]] = []  # (number of the species, its account)
        self._flat = [field.owned.reshape(-1) for field in fields]
        self._team = Team((planes[1] - planes[0]) * box.plane, self.phases)
        self.plan_reactions([])
        owns = comm.rank < self.slabs.owners
        self._owners = comm.Split(0 if owns else 1, comm.rank)
        self._workspace: Workspace | None = None
        self._diffusions: list[Diffusion] = []
        self._halos: dict[int, Halo] = {}  # by the number of the species
        if owns:
            self._workspace = Workspace(self._owners, box, self.slabs, self.phases)
            self._planner = DiffusionPlanner(self._workspace, exchange.local_voxels)
            self._plan_diffusions()

    def plan_reactions(
        self, laws: list[Law], others: Sequence[tuple[SpeciesSpec, SlabField]] = ()
    ) -> None:
        """Let these laws act from the next step on.

        Parameters
        ----------
        laws : list of Law
            They number species in the order of the stepper's, followed by ``others``.
        others : sequence of (SpeciesSpec, SlabField)
            Species of other boxes on the same grid, which the laws read.
        """
        pairs = [*zip(self._species, self._fields), *others]
        owned = [field.owned for _, field in pairs]
        names = [spec.name or "unnamed species" for spec, _ in pairs]
        voxels = in_slab(self._box, self.slabs.planes(self._comm.rank))
        self._reactions = Reactions(self._comm, laws, owned, names, voxels)

    def _plan_diffusions(self) -> None:
        """Plan with the tissue of now; workspace and messages stay. Collective over the owners."""
        self._planner.forget_tissue()
        self._free_diffusions()
        for spec, tissue, field in zip(self._species, self.tissues, self._fields):
            self._diffusions.append(self._planner.plan(spec, tissue, field.u))

    def _free_diffusions(self) -> None:
        for diffusion in self._diffusions:
            diffusion.free()
        self._diffusions = []

    def _renew_tissue(self) -> None:
        """Follow live tissue, and what the script has changed. Collective."""
        live = {id(each): each for each in self.tissues if each.live}
        for slab in live.values():
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
        for spec, field, tissue in zip(self._species, self._fields, self.tissues):
            if slab.description.conserve_mass and tissue is slab and not spec.constant:
                field.owned *= before / slab.volume_fraction

    def advance(self, dt: float, t: float) -> None:
        """One step of dt to t (ms): `react`, then `diffuse`. Collective."""
        self.react(dt)
        self.diffuse(dt, t)

    def react(self, dt: float) -> None:
        """Take the reactions of a step of dt (ms). Local."""
        with self.phases["react"]:
            if self._reactions.act:
                self.account_reactions(self._reactions.advance, dt)

    def diffuse(
        self,
        dt: float,
        t: float,
        before_change: Callable[[], bool | None] = _nothing,
        induced: InducedCurrents | None = None,
    ) -> None:
        """Take the rest of a step: sources and diffusion. Collective.

        Sources are those that were added to the exchange, in mM of a whole voxel, tissue and all:
        volume fractions divide them here. The exchange then has fetched the new concentrations.

        Parameters
        ----------
        dt, t : float
            Length of the step, and the time at its end (ms).
        before_change : callable
            Called before concentrations change, while ghost planes and sources are under way. It
            waits until no rank reads, and takes in what scripts have set. It returns True, on all
            ranks alike, if anything was set.
        induced : InducedCurrents
            Currents that add to the sources.
        """
        if any(tissue.live for tissue in self.tissues):
            before_change()
        with self.phases["factors"]:
            self._renew_tissue()
        halos = self._halos_of_step(dt)
        self._start_ghosts(halos)
        with self.phases["deposit"]:
            self._exchange.start_sources()
        if before_change():
            self._finish_ghosts(halos)
            self._start_ghosts(halos)
        with self.phases["deposit"]:
            self._exchange.finish_sources()
            if induced:
                induced.add_to(self._exchange)
        self._finish_ghosts(halos)
        for number, account in self._accounts:
            account.before_diffusion(self._exchange.sources[number])
        self._team.begin()
        for number, diffusion in enumerate(self._diffusions):
            sources, values = self._exchange.sources[number], self._exchange.values[number]
            diffusion.advance(sources, values, dt, t)
        for diffusion, values in zip(self._diffusions, self._exchange.values):
            diffusion.finish(values)
        self._team.end()
        for _, account in self._accounts:
            account.after_diffusion()
        with self.phases["collect"]:
            self._exchange.fetch_values()

    def _halos_of_step(self, dt: float) -> list[Halo]:
        """The ghost planes that a step of dt (ms) reads. Local."""
        halos = []
        for number, diffusion in enumerate(self._diffusions):
            if diffusion.needs_ghosts(dt):
                if number not in self._halos:
                    self._halos[number] = Halo(self._owners, self._fields[number].u)
                halos.append(self._halos[number])
        return halos

    def _start_ghosts(self, halos: list[Halo]) -> None:
        with self.phases["ghosts"]:
            for halo in halos:
                halo.start()

    def _finish_ghosts(self, halos: list[Halo]) -> None:
        with self.phases["ghosts"]:
            for halo in halos:
                halo.finish()

    def account_reactions(self, react: Callable, *arguments) -> None:
        """Call react(*arguments), which changes concentrations, and put that down in accounts."""
        for _, account in self._accounts:
            account.before_reactions()
        react(*arguments)
        for _, account in self._accounts:
            account.after_reactions()

    def open_account(self, number: int) -> Account:
        """Account from now on for what changes the amount of a species in this slab. Local."""
        account = Account(
            self._species[number],
            self._box,
            self.slabs.planes(self._comm.rank),
            self._fields[number].owned,
            self._exchange.local_voxels,
            self.tissues[number],
        )
        self._accounts.append((number, account))
        return account

    def fetch_values(self) -> None:
        """Let the exchange fetch the concentrations of now. Collective."""
        self._exchange.set_values(self._flat)
        self._exchange.fetch_values()

    def waits_for(self) -> dict[str, set[int]]:
        """{phase: the ranks whose messages this rank waits for in it}. Local."""
        rank, owners = self._comm.rank, self.slabs.owners
        neighbours = set()
        if rank < owners:
            neighbours = {other for other in (rank - 1, rank + 1) if 0 <= other < owners}
        if self._workspace is None or self._workspace.asks_neighbours:
            interfaces = neighbours
        else:
            interfaces = set(range(owners)) - {rank}
        partners = self._exchange.partner_ranks
        return {
            "ghosts": neighbours,
            "interfaces": interfaces,
            "deposit": partners,
            "collect": partners,
        }

    def report(self, dt: float) -> list[str]:
        """How each species' x-solve crosses the ranks at steps of dt (ms), a line each."""
        lines = []
        for spec, diffusion in zip(self._species, self._diffusions):
            if diffusion.diffuses and self.slabs.owners > 1:
                lines.append(f"{spec.name or 'unnamed species'}: {diffusion.describe(dt)}")
        return lines

    def free(self) -> None:
        """Release the stepper's own messages and communicator."""
        for halo in self._halos.values():
            halo.free()
        self._free_diffusions()
        if self._workspace is not None:
            self._workspace.free()
        self._owners.Free()


def compile_kernels(comm, heterogeneous: bool, short: bool) -> None:
    """Compile the kernels, or load them from the cache, by advancing a small box.

    Parameters
    ----------
    comm
        Communicator of this process alone.
    heterogeneous : bool
        Whether for species that `diffusion_planner.needs_heterogeneous` is true of: in tissue that
        varies, or with a condition for each face.
    short : bool
        Whether for short z-lines, of uniform tissue.
    """
    with threads.whatever_the_work(1):
        _advance_small_box(comm, heterogeneous, short)


def _advance_small_box(comm, heterogeneous: bool, short: bool) -> None:
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (3, 3, SHORT - 1 if short else SHORT))
    species = [
        SpeciesSpec("k", (1.0, 1.0, 1.0), 1, wall=1.0),  # off its wall: has kernels, too
        SpeciesSpec("a", (0.0, 0.0, 0.0)),  # does not diffuse: has a kernel of its own
    ]
    fields = [SlabField(box, (0, 3)), SlabField(box, (0, 3))]
    tissue = Tissue()
    if heterogeneous:
        tissue = Tissue(ArrayProfile(np.full(box.shape, 0.5)))
    for grain in (None, 2):
        voxels = np.zeros(1, dtype=np.int64)
        exchange = plan_exchange(comm, Slabs(3, 1, grain), box.plane, voxels, len(species))
        stepper = Stepper(comm, box, tissue, species, fields, exchange)
        stepper.advance(1.0, 0.0)
        exchange.set_values([np.zeros(box.plane) for _ in species])
        stepper.free()
        exchange.free()
    if not (heterogeneous or short):
        compile_edges(box)
    plane = np.zeros((1, 1))
    interface_kernels.join_pair(*np.zeros((5, 1)))
    interface_kernels.join_blocks(plane, plane, plane, plane, *np.zeros((5, 1, 1)))
