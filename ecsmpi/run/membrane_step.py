"""The reactions at segments in NEURON's step: their currents, and their own step.

NEURON lets the extracellular space add currents before the voltages; after them come the reactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ecsmpi.reactions.reaction import RateNotFinite
from ecsmpi.run.current_plan import CurrentPlan
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.reading import Reading
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry


class MembraneStep:
    """Carries out the reactions at segments of the current plan. Local.

    Parameters
    ----------
    registry, solvers, reading, clock, current
        Of the simulation.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        solvers: RegionSolvers,
        reading: Reading,
        clock: GridClock,
        current: CurrentPlan,
    ):
        self._registry = registry
        self._solvers = solvers
        self._reading = reading
        self._clock = clock
        self._current = current

    def withhold_currents(self) -> None:
        """Withhold what the reactions carry from the ions' currents.

        NEURON is about to add these currents to its species, and the reactions bring their ions
        themselves.
        """
        reactions = self._current.plan.membrane
        if reactions:
            with self._solvers.phases["carried"]:
                reactions.withhold_currents()

    def add_currents(self, right: Callable[[], np.ndarray]) -> None:
        """Add the currents that reactions carry to those of the ions and of the voltages.

        One process renews the copies of voxels here, from its own voxels. With more processes
        `RegionSolver` renews them, when it has brought the concentrations to the segments at the
        end of each step. Where the script has set concentrations since, each rank reads those of
        its copies here by itself, so that no call of NEURON that only some ranks make hangs.

        Parameters
        ----------
        right : callable
            () -> (nodes,) the right-hand side of the voltages (mA/cm2), in NEURON's memory.
        """
        if not self._current.plan.membrane:
            return
        self._current.check()
        self._reading.apply_pointer_writes()
        if self._clock.between_steps and (self._reading.touched or self._reading.alone):
            self._renew_copies()
        with self._solvers.phases["carried"]:
            self._current.plan.membrane.add_currents(right())

    def _renew_copies(self) -> None:
        """Show the concentrations now to the reactions."""
        for region, solver in zip(self._registry.regions, self._current.plan.solvers):
            if self._reading.alone:
                solver.renew_copies()
            else:
                solver.renew_copies_alone(self._values_of(region))
        self._reading.touched = False

    def _values_of(self, region) -> Callable:
        """(key of a species, its voxels) -> their concentrations (mM) as this rank reads them."""
        species = {one.key: one for one in self._registry.species_in(region)}
        return lambda key, voxels: self._reading.values(species[key], region, voxels)

    def react(self, t: float, dt: float) -> None:
        """Carry out a step of the reactions, of dt to t (ms)."""
        reactions = self._current.plan.membrane
        if reactions:
            with self._solvers.phases["cells"]:
                with time_in_errors(t):
                    reactions.advance(dt)
                reactions.show_currents()


@contextmanager
def time_in_errors(t: float) -> Iterator[None]:
    """Name the step to t (ms) in errors of rates."""
    try:
        yield
    except RateNotFinite as error:
        raise RateNotFinite(f"{error}, in the step to t = {t:g} ms") from None
