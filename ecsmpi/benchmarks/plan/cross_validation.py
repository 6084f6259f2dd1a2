"""How well the model of a step fits: it is checked on measured steps that it was not fitted to."""

from __future__ import annotations

from dataclasses import dataclass

from ecsmpi.benchmarks.plan import step_model
from ecsmpi.benchmarks.plan.calibration import Measurement, calibrated
from ecsmpi.benchmarks.plan.step_model import Machine


@dataclass(frozen=True)
class LeftOut:
    """The model's errors on steps that it was not fitted to.

    Attributes
    ----------
    label
        The steps that were left out, such as "2 ranks".
    errors
        |predicted / measured - 1| of each of them.
    """

    label: str
    errors: tuple[float, ...]


def leave_out(measurements: list[Measurement], start: Machine) -> list[LeftOut]:
    """Check the model on each rank count, after a fit to the others.

    Where there is one rank count it is checked on each thread count. Empty where there is one of
    both: nothing can be left out.
    """
    for name, count in (
        ("ranks", lambda one: one.layout.ranks),
        ("threads", lambda one: one.layout.threads),
    ):
        values = sorted({count(one) for one in measurements})
        if len(values) > 1:
            return [_leave_out_value(measurements, start, count, value, name) for value in values]
    return []


def _leave_out_value(measurements, start: Machine, count, value: int, name: str) -> LeftOut:
    fitted = [one for one in measurements if count(one) != value]
    machine = calibrated(fitted, start)
    errors = [error_of(one, machine) for one in measurements if count(one) == value]
    label = name if value > 1 else name.removesuffix("s")
    return LeftOut(f"{value} {label}", tuple(errors))


def error_of(one: Measurement, machine: Machine) -> float:
    """|predicted / measured - 1| of a step."""
    return abs(step_model.step_seconds(one.work, one.layout, machine) / one.seconds - 1)
