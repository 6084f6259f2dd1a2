"""Words of a picture: species with their charge, times and lengths with their units."""

from __future__ import annotations

from dataclasses import dataclass

RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
LONG = 10_000  # ms: from here on times are in s
MICRO = "µm"


def species_label(name: str, charge: int = 0) -> str:
    """Return a species' name with its charge, such as ca²⁺; 0 stands for none or unknown."""
    if not charge:
        return name
    number = "" if abs(charge) == 1 else str(abs(charge))
    sign = "+" if charge > 0 else "-"
    return name + (number + sign).translate(RAISED)


@dataclass(frozen=True)
class TimeUnit:
    """A unit of time.

    Parameters
    ----------
    name : str or None
        Such as "ms"; None where the file does not say.
    length : float
        How many of the file's units it is.
    """

    name: str | None
    length: float = 1.0

    @classmethod
    def of(cls, longest: float, name: str | None = "ms") -> TimeUnit:
        """Return the file's own unit, or seconds where times in ms would be long.

        longest: the last time, in the file's unit ``name``.
        """
        if name == "ms" and longest >= LONG:
            return cls("s", 1000.0)
        return cls(name)

    @property
    def axis(self) -> str:
        """The label of an axis."""
        return f"time ({self.name})" if self.name else "time"

    def text(self, time: float) -> str:
        """Return a time of the file in this unit, such as ``t = 20 s``."""
        return f"t = {time / self.length:g} {self.name or ''}".rstrip()


def length_label(length: float) -> str:
    """Return a length (um) in um, or in mm from 1 mm on."""
    return f"{length:g} {MICRO}" if length < 1000 else f"{length / 1000:g} mm"
