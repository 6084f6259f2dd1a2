"""Repeated measurements: each begins at a barrier and lasts as long as its slowest rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, comb
from statistics import median
from time import perf_counter

FEWEST = 6  # repetitions that have a 95 % interval of their median
SHORTEST = 0.01  # s that a repetition lasts at least, so that the barrier before it does not show


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes
    ----------
    repetitions
        Repetitions at least.
    seconds
        Seconds at least, of all repetitions together.
    warm_up
        Repetitions before these that do not count.
    """

    repetitions: int = 20
    seconds: float = 2.0
    warm_up: int = 3

    def __post_init__(self):
        if self.repetitions < FEWEST:
            raise ValueError(
                f"a 95 % interval of a median needs {FEWEST} repetitions or more, "
                f"got {self.repetitions}"
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
        """Median of the repetitions, s."""
        return median(self.seconds)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the median, s."""
        return median_interval(self.seconds)

    def over(self, steps: int) -> Times:
        """The times of one step, where each repetition made some steps."""
        return Times([seconds / steps for seconds in self.seconds])


def median_interval(values: Iterable[float]) -> tuple[float, float]:
    """The 95 % confidence interval of a median: the narrowest pair of order statistics.

    It holds for any distribution. With X of a binomial distribution of n values and probability
    1/2, the k-th values from both ends miss the median with probability 2 P(X < k) (Le Boudec 2010,
    Performance Evaluation of Computer and Communication Systems, section 2.2). Fewer than 6 values
    have no such pair: then it is their range.

    Raises
    ------
    ValueError
        There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values, so no median")
    n = len(ordered)
    k = 0
    below = comb(n, 0)  # 2**n P(X <= k)
    while k < n // 2 and 2 * below * 20 <= 2**n:  # 2 P(X <= k) is at most 1/20
        k += 1
        below += comb(n, k)
    k = max(k, 1)
    return ordered[k - 1], ordered[n - k]


def measured(comm, work, effort: Effort) -> Times:
    """Time `work()`, which all ranks do together. Collective.

    The times are those of the slowest rank, and are the same on each rank.
    """
    for _ in range(effort.warm_up):
        work()
    times: list[float] = []
    while len(times) < effort.repetitions or sum(times) < effort.seconds:
        times.append(slowest(comm, work))
    return Times(times)


def steps_of_repetition(comm, step, warm_up: int) -> int:
    """How many steps a repetition should have, found after ``warm_up`` steps. Collective."""
    for _ in range(warm_up):
        step()
    return ceil(SHORTEST / median(slowest(comm, step) for _ in range(3)))


def over_ranks(comm, own: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean and the maximum over ranks of each of some numbers. Collective."""
    everywhere = comm.allgather(own)
    mean = {}
    largest = {}
    for name in own:
        values = [one[name] for one in everywhere]
        mean[name] = sum(values) / comm.size
        largest[name] = max(values)
    return mean, largest


def slowest(comm, work) -> float:
    """Seconds of `work()` from a barrier on, on the slowest rank. Collective."""
    comm.Barrier()
    begin = perf_counter()
    work()
    return max(comm.allgather(perf_counter() - begin))


def compared(comm, work, other, effort: Effort) -> tuple[Times, list[float]]:
    """Time `work()` and `other()` in turn, as the machine's speed drifts. Collective.

    Returns
    -------
    tuple
        `Times` of `work()`; of each repetition the time of `other()` over that of `work()`.
    """
    pairs = []
    measured(comm, lambda: pairs.append((slowest(comm, work), slowest(comm, other))), effort)
    times = []
    ratios = []
    for one, another in pairs[effort.warm_up :]:
        times.append(one)
        ratios.append(another / one)
    return Times(times), ratios
