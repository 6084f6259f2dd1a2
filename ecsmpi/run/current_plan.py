"""The plan that a run uses, and when it has to be made anew."""

from __future__ import annotations

from dataclasses import replace

from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.ranks import compiling
from ecsmpi.run.planner import Plan, Planner
from ecsmpi.run.region_solvers import RegionSolvers


class CurrentPlan:
    """Holds the plan of now, and replaces it where the script has changed what it depends on.

    Parameters
    ----------
    planner : Planner
        Makes plans.
    solvers : RegionSolvers
        Of the regions.
    segments : CoupledSegments
        Of this rank.

    Attributes
    ----------
    plan : Plan
        The plan of now.
    """

    def __init__(self, planner: Planner, solvers: RegionSolvers, segments: CoupledSegments):
        self._planner = planner
        self._solvers = solvers
        self._segments = segments
        self.plan = Plan()
        self._has_changes = False

    def forget(self) -> None:
        """Have no plan. Local."""
        self.plan = Plan()
        self._has_changes = False

    def note_change(self) -> None:
        """Have a new plan made before the grid's next step. Local, called on every rank."""
        self._has_changes = True

    @property
    def is_stale(self) -> bool:
        """Whether coefficients, fluxes or reactions have changed. Local."""
        return self._has_changes or self.plan.reactions != self._planner.reaction_keys()

    def make(self) -> None:
        """Make a plan of what the script describes now. Collective."""
        self.plan = replace(self.plan, is_begun=True, is_complete=False)
        with compiling.while_planning():
            self.plan = self._planner.begin()
            self._has_changes = False
            self.plan = self._planner.plan(self.plan)

    def renew(self) -> None:
        """Make a plan with the coefficients, fluxes and reactions of now. Collective."""
        with compiling.while_planning():
            self.plan = self._planner.replan(self.plan)
        self._has_changes = False

    def find_segments(self) -> None:
        """Look up where NEURON keeps the segments' variables. Local."""
        if not self.plan.is_empty:
            self._segments.all.require()
            self._planner.find_segments(self.plan)

    def check(self) -> None:
        """Raise RuntimeError where the plan no longer fits. Local; microseconds if it does."""
        if self._solvers.worlds.changed_from(self._solvers.comm) and not self.plan.is_empty:
            raise RuntimeError(
                "the ranks of the model have changed since n.finitialize(): "
                "call it again before the run goes on"
            )
        version = self._planner.version()
        if self.plan.version != version:
            before = self.plan.couplings
            self.plan = self.plan.fitting(version, self._planner.couplings())
            if self.plan.couplings != before:
                self.note_change()
        self.plan.require_complete()
        if not self.plan.is_empty and self._segments.moved():
            self._planner.check_segments(self.plan)
            self._planner.find_segments(self.plan)
