"""Compiles the kernels that a model needs before its first step, once on each node."""

from __future__ import annotations

from collections.abc import Callable

from ecsmpi.cells import compile_loops
from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.cells.membrane_reactions import MembraneReactions
from ecsmpi.ranks import code_folders, compiling, launch
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.solver import threads
from ecsmpi.solver.diffusion_planner import needs_heterogeneous
from ecsmpi.solver.entry_runs import BLOCK
from ecsmpi.solver.stepper import compile_kernels
from ecsmpi.solver.workspace import lines_are_short

COMPILE_AT_SEGMENTS: dict[str, Callable] = {
    "exchange": compile_loops.compile_exchange,
    "crossings": compile_loops.compile_membrane_reactions,
}


class KernelCompilation:
    """Remembers which kernels this process has compiled. Collective."""

    def __init__(self):
        self._compiled: set[tuple] = set()

    def compile_needed(
        self,
        registry: ModelRegistry,
        solvers: RegionSolvers,
        segments: CoupledSegments,
        reactions: MembraneReactions,
    ) -> None:
        """Compile what the model needs and this process does not have. Collective."""
        self._compile_solver(registry, solvers)
        self._compile_workers(registry, solvers, segments)
        self._compile_loops_at_segments(registry, solvers, segments, reactions)

    def _compile_solver(self, registry: ModelRegistry, solvers: RegionSolvers) -> None:
        kinds = set()
        for species in registry.species:
            for region in species.regions:
                is_heterogeneous = needs_heterogeneous(species.spec(region), region.tissue)
                is_short = lines_are_short(region.box)
                kinds.add((is_heterogeneous, is_short))
        for kind in self._missing(solvers.comm, kinds):
            with launch.one_per_node_first(
                solvers.comm,
                "compiles the solver for such a model, once on this machine; about 20 s",
            ):
                if not compiling.ahead("kernels", *kind):
                    with code_folders.keeping():
                        compile_kernels(launch.own_communicator(), *kind)
            self._compiled.add(kind)

    def _compile_workers(
        self, registry: ModelRegistry, solvers: RegionSolvers, segments: CoupledSegments
    ) -> None:
        """Compile what threads run, where any rank has work for several. Collective."""
        sizes = [segments.all.count]
        for species in registry.species:
            sizes += [solvers.of(region).slab_voxels for region in species.regions]
        kinds: set[tuple] = set()
        if threads.for_work(max(sizes), threads.LEAST) > 1:
            kinds.add(("workers",))
        for kind in self._missing(solvers.comm, kinds):
            with launch.one_per_node_first(
                solvers.comm, "compiles what threads run, once on this machine"
            ):
                threads.compile_ahead()
            self._compiled.add(kind)

    def _compile_loops_at_segments(
        self,
        registry: ModelRegistry,
        solvers: RegionSolvers,
        segments: CoupledSegments,
        reactions: MembraneReactions,
    ) -> None:
        """Compile the loops that couple boxes to segments, and to fluxes. Collective."""
        count = segments.all.count
        kinds: set[tuple] = set()
        if any(species.regions for species in registry.species):
            kinds.add(("exchange", solvers.reproducible, count > BLOCK))
        if reactions.all:
            kinds.add(("crossings",))
        for kind in self._missing(solvers.comm, kinds):
            name, *options = kind
            with launch.one_per_node_first(
                solvers.comm, "compiles the loops at segments, once on this machine"
            ):
                if not compiling.ahead(name, *options):
                    with code_folders.keeping():
                        COMPILE_AT_SEGMENTS[name](*options)
            self._compiled.add(kind)

    def _missing(self, comm, kinds: set[tuple]) -> list[tuple]:
        """The kinds that any rank needs and that are not compiled yet. Collective.

        Ranks may need different ones: slabs of other sizes may have other numbers of threads.
        """
        needed = set().union(*comm.allgather(kinds))
        return sorted(needed - self._compiled)
