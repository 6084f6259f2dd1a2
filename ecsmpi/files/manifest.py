"""What the manifest of a checkpoint says of a run: one schema for those who write and who read.

A record with a right digest may still have any shape, since whoever can write a manifest can digest
it. So `Manifest` checks each field when it is constructed, and code that restarts from a checkpoint
needs no check of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ecsmpi.files.checked import MOST, flag, listed, number, record, shown, text, whole

MOST_DEPTH = 12  # of nested lists in the state of an observer
MOST_GID = (1 << 31) - 1
KEYS = {"cell_fingerprints": "cells"}  # attribute -> key in JSON, where they differ


@dataclass(frozen=True)
class Manifest:
    """A run as it stood when a checkpoint was taken.

    Parameters
    ----------
    model : dict
        What the script had described, by name: a value, or a list of texts.
    t, dt : float
        Time and time step in ms.
    step : int
        Steps of NEURON since the run began.
    planes : tuple
        For each region, for each rank: the planes (lo, hi) of the region's box that the rank owned.
    cell_fingerprints : tuple of str
        For each rank: the fingerprint of the rank's cells, "" without cells; "cells" in JSON.
    gids : tuple
        For each rank: the gids of the rank's cells; none where cells cannot move to other ranks.
    without_gids : str or None
        Why the cells cannot move; None where they can.
    connected : bool
        Whether any rank had gids.
    vectors : tuple
        For each rank: names of the recording vectors that were kept.
    observers : tuple
        The state of each observer: a list of its kind, its name, and values of its own.
    statements : tuple of int
        Ranks in whose queue statements of hoc waited that ``cvode.event`` had posted.

    Raises
    ------
    ValueError
        Where a field has another form; names the field.
    """

    model: dict
    t: float
    dt: float
    step: int
    planes: tuple
    cell_fingerprints: tuple
    gids: tuple
    without_gids: str | None
    connected: bool
    vectors: tuple
    observers: tuple
    statements: tuple

    def __post_init__(self):
        self._set("model", _model(self.model))
        self._set("t", number(self.t, "t"))
        self._set("dt", number(self.dt, "dt"))
        if self.dt <= 0:
            raise ValueError(f"dt must be above 0 ms, got {self.dt}")
        whole(self.step, "step")
        fingerprints = listed(self.cell_fingerprints, "cells", text)
        self._set("cell_fingerprints", fingerprints)
        ranks = len(fingerprints)
        if not ranks:
            raise ValueError("cells must have an entry for each rank, got none")

        def planes(entry, name):
            return _planes(entry, name, ranks)

        def rank(entry, name):
            return whole(entry, name, most=ranks - 1)

        self._set("planes", listed(self.planes, "planes", planes))
        self._set("gids", listed(self.gids, "gids", _gids, ranks))
        if self.without_gids is not None:
            text(self.without_gids, "without_gids")
        flag(self.connected, "connected")
        self._set("vectors", listed(self.vectors, "vectors", _names, ranks))
        self._set("observers", listed(self.observers, "observers", observer_state))
        self._set("statements", listed(self.statements, "statements", rank))

    def _set(self, field: str, value) -> None:
        object.__setattr__(self, field, value)

    @property
    def ranks(self) -> int:
        """How many ranks wrote the checkpoint."""
        return len(self.cell_fingerprints)

    @classmethod
    def read(cls, about) -> Manifest:
        """Construct from a value of JSON; raise ValueError that names a field of another form."""
        keys = [KEYS.get(field.name, field.name) for field in fields(cls)]
        values = record(about, "about", keys)
        return cls(*(values[key] for key in keys))

    def record(self) -> dict:
        """Return the fields by name, for JSON."""
        return {KEYS.get(name, name): value for name, value in asdict(self).items()}


def _model(model) -> dict:
    if type(model) is not dict:
        raise ValueError(f"model must be a record, got {shown(model)}")
    checked = {}
    for name, value in model.items():
        text(name, "a name of the model")
        if isinstance(value, (list, tuple)):
            listed(value, f"model {shown(name)}", text)
        elif value is not None and not isinstance(value, (bool, str)):
            number(value, f"model {shown(name)}")
        checked[name] = list(value) if isinstance(value, tuple) else value
    return checked


def _planes(planes, name: str, ranks: int) -> tuple:
    """Check the planes (lo, hi) of each rank; the ranks together must have each plane once."""
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
    return listed(gids, name, _gid)


def _gid(gid, name: str) -> int:
    return whole(gid, name, most=MOST_GID)


def _names(names, name: str) -> tuple:
    return listed(names, name, text)


def observer_state(state, name: str) -> list:
    """Check a kind, a name and further values of JSON; the observer gets them back as a list.

    name: what messages call the state.
    """
    if not isinstance(state, (list, tuple)) or len(state) < 2:
        raise ValueError(
            f"{name} must be a list of a kind, a name and values of JSON, got {shown(state)}"
        )
    kind = text(state[0], f"the kind of {name}")
    own_name = text(state[1], f"the name of {name}")
    return _plain(state, f"{name} ({shown(kind)}, {shown(own_name)})", MOST_DEPTH)


def _plain(value, name: str, depth: int):
    """Check a value of JSON whose numbers are finite, and whole ones small enough for a count.

    Tuples become lists, as in JSON.
    """
    if depth == 0:
        raise ValueError(f"{name} is nested too deeply")
    if isinstance(value, (list, tuple)):
        return [_plain(entry, name, depth - 1) for entry in value]
    if type(value) is dict:
        checked = {}
        for key, entry in value.items():
            checked[text(key, f"a key of {name}")] = _plain(entry, name, depth - 1)
        return checked
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return whole(value, name, least=-MOST)
    if isinstance(value, float):
        return number(value, name)
    raise ValueError(
        f"{name} may hold int, float, str, bool, None, and lists and dicts of these, got "
        f"{shown(value)} ({type(value).__name__})"
    )
