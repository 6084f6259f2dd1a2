"""Reactions at segments: across the membrane, and all inside cells that share segments with these.

NEURON keeps the states of its species, diffuses them and adds the ions' currents; voxels come as
copies. Each segment is a
place of `Reactions`: one linearised backward-Euler step of all its laws, as in NEURON. The current
that a reaction carries is that of NEURON's membrane currents, explicit in the voltage: it charges
the membrane, and reaches no voxel.
"""

from __future__ import annotations

from ecsmpi.cells.garbage import Living
from ecsmpi.cells.membrane_reaction_plan import MembraneReactionPlan


class MembraneReactions:
    """The script's reactions at segments, held weakly, and NEURON's that go with them.

    A reaction has ``key`` and ``terms()``; ``neurons`` takes reactions from NEURON, gives them
    back, and has those ``taken``.
    """

    def __init__(self, states):
        """states: () -> NEURON's array of the states of all its species."""
        self._states = states
        self.living = Living()
        self.neurons = None
        self.now: MembraneReactionPlan | None = None

    def add_reaction(self, reaction) -> None:
        """Take part from the next finitialize on. Local."""
        self.living.add(reaction)

    def forget(self) -> None:
        """There are none any more. Local."""
        self.living.clear()
        self.now = None
        if self.neurons:
            self.neurons.forget()

    @property
    def own(self) -> list:
        """The script's, in the order they were made."""
        return self.living.acting

    def take_over(self, anywhere: bool) -> None:
        """Take from NEURON what it would run at the same segments, before it plans, or give it
        back. Local.

        anywhere: whether a rank has reactions of its own.
        """
        if anywhere:
            self.neurons.take()
        elif self.neurons:
            self.neurons.give_back()

    @property
    def all(self) -> list:
        """All that run at segments."""
        return [*(self.neurons.taken if self.neurons else []), *self.own]

    def keys(self) -> list:
        """Other ones after each change."""
        return [reaction.key for reaction in self.all]

    def outside(self) -> list:
        """What is outside cells of what this rank's reactions name, each once, in the order they
        name them.
        """
        parts = (
            part for reaction in self.all for term in reaction.terms() for part in term.parts()
        )
        return list(dict.fromkeys(part for part in parts if hasattr(part, "region")))

    def plan(
        self, comm, segments, numbers: dict, constants: tuple[float, float], fractions
    ) -> None:
        """From now on the reactions of now hold; arguments as of `MembraneReactionPlan`, fractions by a
        collective call. Collective.
        """
        terms = [term for reaction in self.all for term in reaction.terms()]
        self.now = None
        if comm.allreduce(len(terms)):
            self.now = MembraneReactionPlan(
                comm, terms, segments, numbers, constants, self._states, fractions()
            )
