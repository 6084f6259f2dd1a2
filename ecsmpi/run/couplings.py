"""What NEURON's side of a plan depends on, and how two of these differ, in words."""

from __future__ import annotations

from typing import NamedTuple

CALL_AGAIN = "call it again before the run goes on"


class Coupled(NamedTuple):
    """A species as NEURON's segments know it. regions: ids of its regions."""

    key: int
    name: str | None
    charge: int
    regions: tuple[int, ...]

    def __str__(self):
        return self.name or "an unnamed one"


class Couplings(NamedTuple):
    """All species, and whether the script has reactions at segments."""

    species: tuple[Coupled, ...] = ()
    at_segments: bool = False

    def __bool__(self):
        return bool(self.species)

    def without_newcomers(self, before: Couplings) -> Couplings:
        """The couplings without newcomers that have no charge: these need nothing of NEURON.

        A newcomer is a species that ``before`` does not have.
        """
        known = {one.key for one in before.species}
        kept = tuple(one for one in self.species if one.key in known or one.charge)
        return self._replace(species=kept)

    def refuse(self, now: Couplings) -> None:
        """Raise RuntimeError where the couplings are others now; it says what has changed."""
        if self.species != now.species:
            changes = "; ".join(_changes(self.species, now.species))
            raise RuntimeError(
                f"species have changed since n.finitialize(): {changes}: {CALL_AGAIN}"
            )
        if self != now:
            change = "last one has gone" if self.at_segments else "first one has come"
            raise RuntimeError(
                "reactions at segments have changed since n.finitialize(): "
                f"the script's {change}: {CALL_AGAIN}"
            )


def _changes(before: tuple[Coupled, ...], now: tuple[Coupled, ...]) -> list[str]:
    """A few words for each species that has come, gone or changed."""
    old = {one.key: one for one in before}
    new = {one.key: one for one in now}
    words = [f"{one} has come" for key, one in new.items() if key not in old]
    words += [f"{one} has gone" for key, one in old.items() if key not in new]
    for key in old.keys() & new.keys():
        words += _change(old[key], new[key])
    return words or ["they are in another order"]


def _change(before: Coupled, now: Coupled) -> list[str]:
    words = []
    if before.name != now.name:
        words.append(f"{before} is called {now}")
    if before.charge != now.charge:
        words.append(f"{now} has charge {now.charge}, which was {before.charge}")
    if before.regions != now.regions:
        words.append(f"{now} has other regions")
    return words
