"""Where cells lie: positions that depend on a cell's number alone, and cells dealt out to ranks so
that neighbours stay together.
"""

import numpy as np

SEED = 6324555


def centres(count, half_lengths, margin=0.0, seed=SEED):
    """(count, 3) um, uniform in a box around 0, at least ``margin`` from its faces; more cells
    leave the first ones where they are.

    half_lengths: (x, y, z) of the box, um. Raises ValueError where the margin leaves no room.
    """
    reach = np.asarray(half_lengths, dtype=float) - margin
    if (reach <= 0).any():
        raise ValueError(
            f"cells that stay {margin:g} um inside do not fit into a box of {2 * np.asarray(half_lengths)} um"
        )
    return np.random.default_rng(seed).uniform(-reach, reach, (count, 3))


def numbers_of_rank(places, rank, ranks):
    """The numbers of one rank's cells, as many as any other's: a slab of the box along x, so that
    they are near its voxels.
    """
    along_x = np.argsort(places[:, 0], kind="stable")
    return np.sort(along_x[len(places) * rank // ranks : len(places) * (rank + 1) // ranks])
