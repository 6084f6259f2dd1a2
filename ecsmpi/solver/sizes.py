"""Numbers that compiled loops and the plans of their arrays have in common."""

TILE = 8  # the doubles of a vector register of 512 bits
SHORT = 4 * TILE  # z-lines of fewer voxels are solved by short_lines.py; longer ones by tiles.py
LIMBS = 4  # of an exact sum: see entry_kernels.py
STRIP = 2 * TILE  # voxels of a row that one pass makes final at a time
STRIP_ROWS = TILE // 2  # rows that it makes final at a time


def whole_tiles(count: int) -> int:
    """The count up to a multiple of TILE."""
    return -(-count // TILE) * TILE
