"""Planes filled with their own coordinates: a ghost tells where it came from, which must be next
door.
"""

import pytest

from support.programs import PROGRAMS

PROGRAM = PROGRAMS / "solver" / "ghosts.py"


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_every_ghost_is_the_plane_next_door(on_ranks, ranks):
    """Several species in flight at once, finished in another order, three times; slabs of one plane
    too.
    """
    assert on_ranks(ranks, PROGRAM)["wrong"] == 0
