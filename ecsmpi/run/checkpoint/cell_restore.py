"""NEURON's cells get the state that a checkpoint holds.

Each rank's state goes back as a whole where each rank has the same cells again. Otherwise cells
with gids get theirs one by one. Every rank checks its own share before any rank changes a cell.
"""

from __future__ import annotations

from ecsmpi.files.checked import read_json
from ecsmpi.files.checkpoint_part import Damaged
from ecsmpi.files.saved_checkpoint import SavedCheckpoint
from ecsmpi.neuron_api import inventory
from ecsmpi.neuron_api.gids import known_gids
from ecsmpi.neuron_api.sections import RECORDER
from ecsmpi.neuron_api.state import gid_states, rank_state
from ecsmpi.neuron_api.state.savestate_check import ForeignStatement
from ecsmpi.neuron_api.state.savestate_format import Malformed
from ecsmpi.ranks.meeting import everywhere


class Differs(ValueError):
    """A checkpoint is of another model than the script's."""


def plain(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def place_cells(comm, found: SavedCheckpoint) -> None:
    """Give each rank's cells their state. Collective.

    - Each rank has the cells that it had: it reads its own state back, as a whole.
    - Other ranks, and all cells have gids: each cell reads its state, by its gid.
    - Other ranks, without gids: each rank reads the whole state of a rank that had the same cells.
    """
    manifest = found.manifest
    then = manifest.cell_fingerprints
    now = tuple(comm.allgather(inventory.fingerprint(RECORDER)))
    if now == then:
        _read_rank(comm, found, comm.rank)
    elif manifest.without_gids is None and any(manifest.gids):
        _require_no_statements(found)
        _read_gids(comm, found)
    else:
        _require_same_cells(comm, found, now)
        _place_together(comm, found, now)


def _require_same_cells(comm, found: SavedCheckpoint, now: tuple[str, ...]) -> None:
    """Raise Differs or ValueError where these ranks have other cells than those of then."""
    manifest = found.manifest
    then = manifest.cell_fingerprints
    if not manifest.connected and sorted(filter(None, then)) == sorted(filter(None, now)):
        return
    if len(now) == len(then):
        odd = next(rank for rank, pair in enumerate(zip(then, now)) if pair[0] != pair[1])
        raise Differs(
            f"{found.path} has other cells than there are on rank {odd}: sections, their "
            "mechanisms, point processes and NetCons must be made again as they were, "
            "on the same ranks"
        )
    why = plain(manifest.without_gids) if manifest.without_gids else "they are not the same cells"
    raise ValueError(
        f"{found.path} was written by {found.ranks} ranks, and here are {comm.size}, with other "
        f"cells on them: NEURON's cells can move only where all have gids ({why}); "
        f"restart on {found.ranks} ranks with the same cells on each"
    )


def _require_no_statements(found: SavedCheckpoint) -> None:
    ranks = found.manifest.statements
    if ranks:
        raise ValueError(
            f"{found.path} has statements of hoc that wait for their time (cvode.event) on rank "
            f"{ranks[0]}, and they cannot go to other ranks with the cells: restart on "
            f"{found.ranks} ranks with the same cells on each, or use a NetStim and a NetCon"
        )


def _place_together(comm, found: SavedCheckpoint, now: tuple[str, ...]) -> None:
    """Let each rank take the state of a rank that had its cells. Collective.

    Several ranks may have cells that look alike: the first of them then is the first of them now,
    and so on, so that no state is taken twice. A rank without cells takes the state of any such
    rank: it tells when NEURON exchanges spikes, which all ranks must do at the same times.
    """
    own = now[comm.rank]
    alike = [rank for rank, cells in enumerate(found.manifest.cell_fingerprints) if cells == own]
    if not all(comm.allgather(bool(alike))):
        raise ValueError(
            f"{found.path} was written by {found.ranks} ranks that all had cells, and here are "
            f"{comm.size}, some without: that needs gids for all cells; "
            f"restart on {found.ranks} ranks"
        )
    alike_before = now[: comm.rank].count(own) if own else 0
    _read_rank(comm, found, alike[alike_before])


def _read_rank(comm, found: SavedCheckpoint, rank: int) -> None:
    """Give this rank's cells the state that some rank had. Collective."""
    state, places = everywhere(comm, _checked_rank, found, rank)
    everywhere(comm, rank_state.set_rank, state)
    rank_state.set_random_places(places)


def _checked_rank(found: SavedCheckpoint, rank: int) -> tuple[bytes, list]:
    """(SaveState, random streams) of a rank, which fit the script's cells. Local.

    Raises Damaged or ForeignStatement where they do not fit.
    """
    with found.part(rank) as part:
        state = part.read_bytes("cells")
        try:
            rank_state.check_rank(state, found.manifest.t, found.manifest.dt)
            streams = read_json(part.read_bytes("random"), "what it says of random streams")
            places = rank_state.check_random_places(streams)
        except Damaged:
            raise
        except ForeignStatement as error:
            raise ForeignStatement(f"{part.path}: {error}") from None
        except ValueError as error:
            raise Damaged(f"{part.path}: it is no state of the script's cells: {error}") from error
    return state, places


def _read_gids(comm, found: SavedCheckpoint) -> None:
    """Give this rank's cells their states by gid. Collective."""
    cells = everywhere(comm, _own_gids, found)
    restoring = gid_states.Restoring(found.manifest.t)
    restoring.begin()
    try:
        everywhere(comm, _check_gids, restoring, cells, found)
    except BaseException:
        restoring.give_up()
        raise
    restoring.set(cells)


def _check_gids(restoring, cells: dict[int, bytes], found: SavedCheckpoint) -> None:
    try:
        restoring.check(cells, found.manifest.t - found.manifest.dt)
    except Malformed as error:
        raise Damaged(f"{found.path}: {error}") from error


def _own_gids(found: SavedCheckpoint) -> dict[int, bytes]:
    """{gid: state} of the cells that this rank has. Local."""
    rank_of = {}
    for rank, gids in enumerate(found.manifest.gids):
        for gid in gids:
            rank_of[gid] = rank
    why = gid_states.without_gid(RECORDER)
    if why:
        raise ValueError(
            f"NEURON's cells have moved to other ranks, which needs gids for all: {why}"
        )
    own = known_gids()
    for gid in own:
        if gid not in rank_of:
            raise Differs(f"the checkpoint has no cell with gid {gid}")
    cells = {}
    for rank in sorted({rank_of[gid] for gid in own}):
        with found.part(rank) as part:
            for gid in own:
                if rank_of[gid] == rank:
                    cells[gid] = part.read_bytes(f"gid {gid}")
    return cells
