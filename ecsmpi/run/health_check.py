"""Health check that all ranks make about every half second.

Are all concentrations finite, is a checkpoint due, must the run stop? It is one allreduce of a few
numbers. How many steps lie between two checks follows from how long steps take.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ecsmpi.ranks.mpi import MPI
from ecsmpi.run.observers.fields import keep_frame
from ecsmpi.run.resource_trends import ResourceTrends

if TYPE_CHECKING:
    from ecsmpi.run.simulation import Simulation

PERIOD = 0.5  # s
MOST_STEPS = 50  # between two checks, so that a NaN is found within twice as many
CHECKPOINT = "checkpoint"
STOP = "stop"
_BAD, _NEGATIVE, _DUE, _STOP, _PACE = range(5)  # places in the reduced vector


class NotFinite(ArithmeticError):
    """A concentration is NaN or infinite: an ArithmeticError.

    It is raised on every rank; the message names species, voxel, place and time.
    """


class HealthCheck:
    """Checks a run. Collective, at the same steps on all ranks."""

    def __init__(self, comm):
        self._comm = comm
        self._own = np.zeros(5)
        self._all = np.zeros(5)
        self._has_warned = False
        self._trends = ResourceTrends(comm.rank)
        self.started()

    def started(self) -> None:
        """Begin anew: the next step is checked. Local."""
        self._steps = 0  # since the last check
        self._steps_unseen = 0  # since concentrations were looked at
        self._steps_left = 1  # until the next check
        self._clock = time.monotonic()

    def stepped(
        self, simulation: Simulation, t: float, poll: Callable[[], tuple[bool, bool]]
    ) -> str | None:
        """Check after a step to t (ms), if it is time to. Collective.

        poll(): whether this rank sees (a checkpoint due, that the run must end). Returns STOP or
        CHECKPOINT where some rank sees it, else None. Raises NotFinite on every rank.
        """
        self._steps += 1
        self._steps_unseen += 1
        self._steps_left -= 1
        if self._steps_left > 0:
            return None
        self._look(simulation, poll)
        if self._all[_BAD]:
            self._refuse_not_finite(simulation, t)
        if self._all[_NEGATIVE] and not self._has_warned:
            self._has_warned = True
            self._warn_of_negative(simulation, t)
        if self._all[_STOP]:
            return STOP
        return CHECKPOINT if self._all[_DUE] else None

    def _look(self, simulation: Simulation, poll: Callable[[], tuple[bool, bool]]) -> None:
        now = time.monotonic()
        self._own[_DUE], self._own[_STOP] = poll()
        self._own[_PACE] = (now - self._clock) / self._steps
        self._own[_BAD] = self._own[_NEGATIVE] = 0
        if self._steps_unseen >= MOST_STEPS or self._steps_unseen == 1:
            self._steps_unseen = 0
            self._own[_BAD], self._own[_NEGATIVE] = _extremes(simulation)
            self._trends.look(simulation.phases)
        self._comm.Allreduce(self._own, self._all, op=MPI.MAX)
        pace = max(self._all[_PACE], 1e-9)
        self._steps_left = int(np.clip(PERIOD / pace, 1, MOST_STEPS))
        self._steps = 0
        self._clock = time.monotonic()

    def check(self, simulation: Simulation, t: float) -> None:
        """Raise NotFinite on every rank if any concentration is not finite. Collective."""
        is_bad, _ = _extremes(simulation)
        if self._comm.allreduce(is_bad):
            self._refuse_not_finite(simulation, t)

    def _refuse_not_finite(self, simulation: Simulation, t: float) -> None:
        """Raise NotFinite on every rank, with the names and voxels; the last frame is kept."""
        own = _found(simulation, _not_finite) + simulation.segments.odd_currents()
        lines = list(itertools.chain.from_iterable(self._comm.allgather(own)))
        kept = keep_frame(simulation, t)
        raise NotFinite(
            f"at t = {t:g} ms {'; '.join(lines) or 'a concentration is no number'}; "
            f"the concentrations then are in {kept}; "
            "look for a mechanism whose currents grow, or take a smaller dt"
        )

    def _warn_of_negative(self, simulation: Simulation, t: float) -> None:
        own = _found(simulation, _negative)
        lines = list(itertools.chain.from_iterable(self._comm.allgather(own)))
        if self._comm.rank == 0:
            print(
                f"ecsmpi: at t = {t:g} ms {lines[0]}: more flows out of it than there is, "
                "or it began below 0",
                file=sys.stderr,
                flush=True,
            )


def _extremes(simulation: Simulation) -> tuple[bool, bool]:
    """Whether this rank has concentrations that are not finite, and ones below zero. Local."""
    is_bad = is_negative = False
    for _, _, field in simulation.fields():
        if field.owned.size:
            is_bad |= not np.isfinite(np.add.reduce(field.owned, axis=None))
            is_negative |= bool(np.minimum.reduce(field.owned, axis=None) < 0)
    return is_bad, is_negative


def _not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


def _negative(values: np.ndarray) -> np.ndarray:
    return values < 0


def _found(simulation: Simulation, where: Callable[[np.ndarray], np.ndarray]) -> list[str]:
    """A sentence for each species of this rank with a voxel that ``where`` picks. Local."""
    lines = []
    for label, box, field in simulation.fields():
        picked = where(field.owned)
        if picked.any():
            i, j, k = (int(index) for index in np.unravel_index(picked.argmax(), picked.shape))
            plane = i + field.planes[0]
            at = ", ".join(f"{x:g}" for x in box.centre(plane, j, k))
            lines.append(
                f"{label} is {field.owned[i, j, k]:g} mM in voxel ({plane}, {j}, {k}) at ({at}) um"
            )
    return lines
