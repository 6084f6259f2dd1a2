"""Planes are filled with their own coordinates.

A ghost tells where it came from, which must be next door.
"""

import pytest

from support.programs import PROGRAMS

PROGRAM = PROGRAMS / "solver" / "ghosts.py"


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_every_ghost_is_the_plane_next_door(on_ranks, ranks):
    """Several species are in flight at once, and finished in another order, three times.

    Some slabs have one plane.
    """
    assert on_ranks(ranks, PROGRAM)["wrong"] == 0
