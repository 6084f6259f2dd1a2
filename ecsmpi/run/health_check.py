"""What all ranks look at together, every half second of a run: is every number one, must the run
end.

One allreduce of a few numbers; how many steps lie between two of them follows from how long steps
take.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from ecsmpi.ranks.mpi import MPI
from ecsmpi.run.observers.fields import keep_frame
from ecsmpi.run.resource_trends import Trends

PERIOD = 0.5  # s
MOST_STEPS = 50  # between two looks, so that what is no number is found within twice that
BAD, NEGATIVE, DUE, STOP, PACE = range(5)


class NotFinite(ArithmeticError):
    """A concentration is no longer a number."""


class Watch:
    """Looks after a run. Collective, and at the same steps on all ranks."""

    def __init__(self, comm):
        self._comm = comm
        self._flags, self._agreed = np.zeros(5), np.zeros(5)
        self._warned = False
        self._trends = Trends(comm.rank)

    def started(self) -> None:
        """Begin anew."""
        self._since = self._checked = 0
        self._left = 1
        self._clock = time.monotonic()

    def stepped(self, simulation, t: float, asks) -> str | None:
        """After each step: look if it is time to. asks(): this rank's (checkpoint is due, run must
        end).

        Returns "stop" or "checkpoint" where some rank asks for it. Raises NotFinite on every rank,
        with what was found.
        """
        self._since += 1
        self._checked += 1
        self._left -= 1
        if self._left > 0:
            return None
        self._look(simulation, asks)
        if self._agreed[BAD]:
            self.refuse_not_finite(simulation, t)
        if self._agreed[NEGATIVE] and not self._warned:
            self._warned = True
            self._warn_negative(simulation, t)
        return "stop" if self._agreed[STOP] else "checkpoint" if self._agreed[DUE] else None

    def _look(self, simulation, asks) -> None:
        now = time.monotonic()
        self._flags[DUE], self._flags[STOP] = asks()
        self._flags[PACE] = (now - self._clock) / self._since
        self._flags[BAD] = self._flags[NEGATIVE] = 0
        if self._checked >= MOST_STEPS or self._checked == 1:
            self._checked = 0
            self._flags[BAD], self._flags[NEGATIVE] = _extremes(simulation)
            self._trends.look(simulation.phases)
        self._comm.Allreduce(self._flags, self._agreed, op=MPI.MAX)
        self._left = int(np.clip(PERIOD / max(self._agreed[PACE], 1e-9), 1, MOST_STEPS))
        self._since, self._clock = 0, time.monotonic()

    def check(self, simulation, t: float) -> None:
        """Raise NotFinite on every rank if any concentration is no number."""
        if self._comm.allreduce(_extremes(simulation)[0]):
            self.refuse_not_finite(simulation, t)

    def refuse_not_finite(self, simulation, t: float) -> None:
        """Raise NotFinite on every rank, naming what is no number and where; the last frame is
        kept.
        """
        lines = [
            line for own in self._comm.allgather(found(simulation, _not_finite)) for line in own
        ]
        kept = keep_frame(simulation, t)
        raise NotFinite(
            f"at t = {t:g} ms {'; '.join(lines) or 'a concentration is no number'}; "
            f"the concentrations then are in {kept}; look for a mechanism whose currents grow, or take a smaller dt"
        )

    def _warn_negative(self, simulation, t: float) -> None:
        lines = [line for own in self._comm.allgather(found(simulation, _negative)) for line in own]
        if self._comm.rank == 0:
            print(
                f"ecsmpi: at t = {t:g} ms {lines[0]}: more flows out of it than there is",
                file=sys.stderr,
                flush=True,
            )


def _extremes(simulation) -> tuple[bool, bool]:
    """Whether this rank has concentrations that are no numbers, and ones below zero."""
    bad = negative = False
    for _, _, field in simulation.fields():
        if field.owned.size:
            bad |= not np.isfinite(np.add.reduce(field.owned, axis=None))
            negative |= bool(np.minimum.reduce(field.owned, axis=None) < 0)
    return bad, negative


def _not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


def _negative(values: np.ndarray) -> np.ndarray:
    return values < 0


def found(simulation, where) -> list[str]:
    """A sentence for each species, and each ion's currents, of this rank that ``where`` picks
    values of.
    """
    lines = []
    for name, box, field in simulation.fields():
        picked = where(field.owned)
        if picked.any():
            i, j, k = (int(index) for index in np.unravel_index(picked.argmax(), picked.shape))
            at = ", ".join(f"{x:g}" for x in box.centre(i + field.planes[0], j, k))
            lines.append(
                f"{name} is {field.owned[i, j, k]:g} mM in voxel ({i + field.planes[0]}, {j}, {k}) at ({at}) um"
            )
    return lines + (simulation.segments.odd_currents() if where is _not_finite else [])
