"""What the manifest of a checkpoint says of the run: the one schema that writers make and readers
check.

A record that came with a right digest may still be of any shape, since whoever can write a manifest
can digest it. So `Facts` checks each field when it is made, and code that goes on from a checkpoint
needs no check of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ecsmpi.files.checked import MOST, flag, listed, number, record, shown, text, whole

MOST_DEPTH = 12  # lists in lists, of the place of an observer


@dataclass(frozen=True)
class Facts:
    """A run as it stood when a checkpoint was taken. Entries "of ranks" have one for each rank that
    wrote a part.

    model : what the script had described, by name: a value, or a list of texts
    t, dt : ms
    step : steps of NEURON since the run began
    planes : of regions, of ranks: the planes [lo, hi) of the region's box that the rank owned
    cells : of ranks: the fingerprint of the rank's cells, "" without any
    gids : of ranks: the gids of the rank's cells, none where cells cannot move
    without_gids : why the cells cannot move, or None where they can
    connected : whether any rank had gids
    vectors : of ranks: names of the vectors that were kept
    observers : the place of each observer: its kind, its name, and numbers of its own
    statements : ranks in whose queue statements of hoc waited
    """

    model: dict
    t: float
    dt: float
    step: int
    planes: tuple
    cells: tuple
    gids: tuple
    without_gids: str | None
    connected: bool
    vectors: tuple
    observers: tuple
    statements: tuple

    def __post_init__(self):
        _set = object.__setattr__
        _set(self, "model", _model(self.model))
        _set(self, "t", number(self.t, "t"))
        _set(self, "dt", number(self.dt, "dt"))
        if self.dt <= 0:
            raise ValueError(f"dt must be above 0 ms, got {self.dt}")
        whole(self.step, "step")
        _set(self, "cells", listed(self.cells, "cells", text))
        ranks = len(self.cells)
        if not ranks:
            raise ValueError("cells must have an entry for each rank, got none")
        _set(
            self,
            "planes",
            listed(self.planes, "planes", lambda each, name: _planes(each, name, ranks)),
        )
        _set(self, "gids", listed(self.gids, "gids", _gids, ranks))
        if self.without_gids is not None:
            text(self.without_gids, "without_gids")
        flag(self.connected, "connected")
        _set(self, "vectors", listed(self.vectors, "vectors", _names, ranks))
        _set(self, "observers", listed(self.observers, "observers", _place))
        _set(
            self,
            "statements",
            listed(
                self.statements, "statements", lambda each, name: whole(each, name, most=ranks - 1)
            ),
        )

    @property
    def ranks(self) -> int:
        """How many ranks wrote the checkpoint."""
        return len(self.cells)

    @classmethod
    def read(cls, about) -> Facts:
        """From what JSON says. ValueError, naming the field, where that is no such record."""
        return cls(**record(about, "about", [field.name for field in fields(cls)]))

    def record(self) -> dict:
        """For JSON."""
        return asdict(self)


def _model(model) -> dict:
    if type(model) is not dict:
        raise ValueError(f"model must be a record, got {shown(model)}")
    for name, value in model.items():
        text(name, "a name of the model")
        if isinstance(value, (list, tuple)):
            listed(value, f"model {shown(name)}", text)
        elif value is not None and not isinstance(value, (bool, str)):
            number(value, f"model {shown(name)}")
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in model.items()
    }


def _planes(planes, name: str, ranks: int) -> tuple:
    """Of each rank; those of all ranks are each plane once."""
    found = listed(planes, name, _span, ranks)
    end = 0
    for lo, hi in sorted(span for span in found if span[0] < span[1]):
        if lo != end:
            raise ValueError(f"{name} must be each plane once, got {lo} after {end}")
        end = hi
    return found


def _span(span, name: str) -> tuple[int, int]:
    lo, hi = listed(span, name, whole, 2)
    if lo > hi:
        raise ValueError(f"{name} must be from a plane to a later one, got {lo} to {hi}")
    return lo, hi


def _gids(gids, name: str) -> tuple:
    return listed(gids, name, lambda each, of: whole(each, of, most=(1 << 31) - 1))


def _names(names, name: str) -> tuple:
    return listed(names, name, text)


def _place(place, name: str) -> list:
    """Its kind, its name, and values of JSON; as a list, which the observer gets back."""
    if not isinstance(place, (list, tuple)) or len(place) < 2:
        raise ValueError(f"{name} must be a list of a kind, a name and more, got {shown(place)}")
    text(place[0], f"the kind of {name}")
    text(place[1], f"the name of {name}")
    return _plain(place, name, MOST_DEPTH)


def _plain(value, name: str, depth: int):
    """A value of JSON whose numbers are finite, and whole ones small enough for a count. JSON makes
    tuples lists.
    """
    if depth == 0:
        raise ValueError(f"{name} is nested too deeply")
    if isinstance(value, (list, tuple)):
        return [_plain(one, name, depth - 1) for one in value]
    if type(value) is dict:
        return {
            text(key, f"a key of {name}"): _plain(one, name, depth - 1)
            for key, one in value.items()
        }
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return whole(value, name, least=-MOST)
    if isinstance(value, float):
        return number(value, name)
    raise ValueError(f"{name} must hold numbers and texts, got {shown(value)}")
