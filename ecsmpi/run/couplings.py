"""What NEURON's side of a plan depends on, and how two of these differ, in words."""

from __future__ import annotations

from typing import NamedTuple

CALL_AGAIN = "call it again before the run goes on"


class Coupled(NamedTuple):
    """A species as NEURON's segments know it. regions: the regions' ids."""

    key: int
    name: str | None
    charge: int
    regions: tuple[int, ...]

    def __str__(self):
        return self.name or "an unnamed one"


class Couplings(NamedTuple):
    """All species, and whether NEURON's reactions inside cells are ours."""

    species: tuple[Coupled, ...] = ()
    at_segments: bool = False

    def __bool__(self):
        return bool(self.species)

    def without_newcomers(self, before: Couplings) -> Couplings:
        """These without species that have come since, and have no charge: such need nothing of
        NEURON's.
        """
        known = {one.key for one in before.species}
        return self._replace(
            species=tuple(one for one in self.species if one.key in known or one.charge)
        )

    def refuse(self, now: Couplings) -> None:
        """Raise RuntimeError, which says what has come, gone or changed, where the couplings are
        others now.
        """
        if self.species != now.species:
            changes = "; ".join(_changes(self.species, now.species))
            raise RuntimeError(
                f"species have changed since n.finitialize(): {changes}: {CALL_AGAIN}"
            )
        if self != now:
            raise RuntimeError(
                "reactions at segments, of which there were or are none, "
                f"have changed since n.finitialize(): {CALL_AGAIN}"
            )


def _changes(before: tuple[Coupled, ...], now: tuple[Coupled, ...]) -> list[str]:
    """A few words for each species that is not what it was."""
    old, new = {one.key: one for one in before}, {one.key: one for one in now}
    said = [f"{one} has come" for key, one in new.items() if key not in old]
    said += [f"{one} has gone" for key, one in old.items() if key not in new]
    for key in old.keys() & new.keys():
        said += _change(old[key], new[key])
    return said or ["they are in another order"]


def _change(before: Coupled, now: Coupled) -> list[str]:
    said = [f"{before} is called {now}"] if before.name != now.name else []
    if before.charge != now.charge:
        said.append(f"{now} has charge {now.charge}, which was {before.charge}")
    if before.regions != now.regions:
        said.append(f"{now} has other regions")
    return said
