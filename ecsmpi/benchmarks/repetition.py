"""Repeated measurements: each begins at a barrier and lasts as long as its slowest rank."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, comb
from statistics import median
from time import perf_counter

FEWEST = 6  # repetitions that have a 95 % interval of their median
SHORTEST = (
    0.01  # s that a repetition should last at least, so that the barrier before it does not show
)


@dataclass(frozen=True)
class Effort:
    """At least this many repetitions and seconds, after some repetitions that do not count."""

    repetitions: int = 20
    seconds: float = 2.0
    warm_up: int = 3

    def __post_init__(self):
        if self.repetitions < FEWEST:
            raise ValueError(
                f"a 95 % interval of a median needs {FEWEST} repetitions or more, got {self.repetitions}"
            )
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"the seconds to measure must be 0 or more, got {self.seconds}")
        if self.warm_up < 1:
            raise ValueError(
                f"there must be at least one repetition to warm up, got {self.warm_up}"
            )


@dataclass(frozen=True)
class Times:
    """Seconds of each repetition."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """Their median."""
        return median(self.seconds)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the median."""
        return median_interval(self.seconds)

    def over(self, steps: int) -> Times:
        """The same for each of the steps of a repetition."""
        return Times([seconds / steps for seconds in self.seconds])


def median_interval(values) -> tuple[float, float]:
    """The narrowest pair of order statistics that holds the median with 95 % confidence, of any
    distribution.

    With X of a binomial distribution of n values and probability 1/2, the k-th values from both
    ends miss the median with probability 2 P(X < k) (Le Boudec 2010, Performance Evaluation of
    Computer and Communication Systems, section 2.2). Fewer than 6 values have no such pair: their
    range.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values, so no median")
    n, below, k = len(ordered), 0, 0
    while (
        k < n // 2 and 20 * 2 * (below := below + comb(n, k)) <= 2**n
    ):  # 2 P(X <= k) is at most 1/20
        k += 1
    k = max(k, 1)
    return ordered[k - 1], ordered[n - k]


def measured(comm, work, effort: Effort) -> Times:
    """Time `work()`, which all ranks do together: the slowest rank's, the same on each. Collective."""
    for _ in range(effort.warm_up):
        work()
    times = []
    while len(times) < effort.repetitions or sum(times) < effort.seconds:
        times.append(slowest(comm, work))
    return Times(times)


def steps_of_repetition(comm, step, warm_up: int) -> int:
    """How many steps a repetition should have, after ``warm_up`` steps. Collective."""
    for _ in range(warm_up):
        step()
    return ceil(SHORTEST / median(slowest(comm, step) for _ in range(3)))


def over_ranks(comm, own: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean over ranks and the maximum of each of some numbers. Collective."""
    everywhere = comm.allgather(own)
    mean = {name: sum(one[name] for one in everywhere) / comm.size for name in own}
    return mean, {name: max(one[name] for one in everywhere) for name in own}


def slowest(comm, work) -> float:
    """Seconds of `work()` from a barrier on, on the slowest rank. Collective."""
    comm.Barrier()
    begin = perf_counter()
    work()
    return max(comm.allgather(perf_counter() - begin))


def compared(comm, work, more, effort: Effort) -> tuple[Times, list[float]]:
    """Times of some work, and how many times as long other work takes, in each repetition.
    Collective.

    They take turns, since the machine's speed drifts.
    """
    pairs = []
    measured(comm, lambda: pairs.append((slowest(comm, work), slowest(comm, more))), effort)
    kept = pairs[effort.warm_up :]
    return Times([one for one, _ in kept]), [other / one for one, other in kept]
