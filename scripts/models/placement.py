"""Where cells lie, and which rank has which.

A cell's position depends on its number alone. Cells are dealt out so that neighbours stay together.
"""

import numpy as np

SEED = 6324555


def centres(count, half_lengths, margin=0.0, seed=SEED):
    """(count, 3) positions (um), uniform in a box around 0.

    More cells leave the first ones where they are.

    half_lengths: (x, y, z) of the box, um. margin: least distance to its faces, um. Raises
    ValueError where the margin leaves no room.
    """
    reach = np.asarray(half_lengths, dtype=float) - margin
    if (reach <= 0).any():
        lengths = 2 * np.asarray(half_lengths)
        raise ValueError(
            f"cells that stay {margin:g} um inside do not fit into a box of {lengths} um"
        )
    return np.random.default_rng(seed).uniform(-reach, reach, (count, 3))


def numbers_of_rank(places, rank, ranks):
    """The numbers of one rank's cells.

    Each rank has the same number of cells, or one more, in a slab of the box along x, so that they
    are near the voxels that the rank owns.
    """
    along_x = np.argsort(places[:, 0], kind="stable")
    begin = len(places) * rank // ranks
    end = len(places) * (rank + 1) // ranks
    return np.sort(along_x[begin:end])
