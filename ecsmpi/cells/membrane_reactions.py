"""Reactions at segments: across the membrane, and all inside cells that share segments with these.

NEURON keeps the states of its species, diffuses them and adds the ions' currents; voxels come as
copies. Each segment is a place of `Reactions`: one linearised backward-Euler step of all its laws,
as in NEURON. The current that a reaction carries is one of NEURON's membrane currents, explicit in
the voltage, and charges the membrane. The ions reach the voxel through its copy. So the current is
kept out of the ion's current, such as ik, while voxels and species gain from that; where a State is
the volume fraction, a part of it reaches the voxel nevertheless (see `solver.induced`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecsmpi.cells.membrane_reaction_plan import MembraneReactionPlan
from ecsmpi.neuron_api.lifetimes import Living


class MembraneReactions:
    """The script's reactions at segments, held weakly, and NEURON's reactions that join them.

    A reaction has ``key`` and ``terms()``.

    Attributes
    ----------
    adopted : adopts reactions of NEURON's, hands them back, and lists them; None without rxd
    now : the plan that holds now, or None
    """

    def __init__(self, states: Callable[[], np.ndarray]):
        """states: returns NEURON's array of the states of all its species."""
        self._states = states
        self.living = Living(self._forget_keys)
        self._own_keys: list | None = None
        self.adopted: Any = None
        self.now: MembraneReactionPlan | None = None

    def add_reaction(self, reaction: Any) -> None:
        """Add a reaction of the script from the next finitialize on. Local."""
        self.living.add(reaction)

    def forget(self) -> None:
        """Forget all reactions. Local."""
        self.living.clear()
        self.now = None
        if self.adopted:
            self.adopted.forget()

    @property
    def own(self) -> list:
        """The script's reactions, in the order they were made."""
        return self.living.acting

    @property
    def own_keys(self) -> list:
        """The keys of `own`: one who changes the rate of a reaction adds it anew. Cheap."""
        if self._own_keys is None:
            self._own_keys = [reaction.key for reaction in self.own]
        return self._own_keys

    def _forget_keys(self) -> None:
        self._own_keys = None

    def adopt(self, anywhere: bool) -> None:
        """Adopt NEURON's reactions at the same segments, or hand them back. Local.

        Call it before NEURON plans. anywhere: whether any rank has reactions of its own.
        """
        if anywhere:
            self.adopted.adopt_all()
        elif self.adopted:
            self.adopted.hand_back()

    @property
    def all(self) -> list:
        """All reactions that run at segments, NEURON's first."""
        adopted = self.adopted.reactions if self.adopted else []
        return [*adopted, *self.own]

    def keys(self) -> list:
        """The reactions' keys, which change whenever a reaction does."""
        adopted = self.adopted.keys() if self.adopted else []
        return [*adopted, *self.own_keys]

    def plan(
        self,
        comm: Any,
        segments: Any,
        numbers: dict,
        constants: tuple[float, float],
        fractions: Callable[[], dict],
    ) -> None:
        """Plan the present reactions. Collective.

        The arguments are those of `MembraneReactionPlan`; fractions(): a collective call that
        returns the fractions.
        """
        terms = []
        for reaction in self.all:
            terms += reaction.terms()
        self.now = None
        if comm.allreduce(len(terms)):
            self.now = MembraneReactionPlan(
                comm, terms, segments, numbers, constants, self._states, fractions()
            )
