"""The compiled arithmetic along y and z of tissue that varies, in vector registers.

Along y, rows are solved TILE voxels at a time. Along z, TILE rows are solved side by side, a row in
each lane of a register: squares of TILE rows of TILE voxels are transposed on the way up and on the
way back.

    x solved --y upwards--> b, ratio --y downwards--> f, whole, m (rows)
                  --z upwards--> b, ratio (tile) --z downwards--> d (rows)

Pivots are made where lines are eliminated: that takes no more time than to read them from memory.
heterogeneous_up.py has the equations.
"""

from llvmlite import ir
from numba import njit

from ecsmpi.solver.registers import REGISTER, Code, vector_code
from ecsmpi.solver.row_kernels import fma, part_of_caller
from ecsmpi.solver.sizes import TILE

EARLY = 4096  # voxels before their turn that tissue along y is read into the cache


def _one():
    return ir.Constant(REGISTER, [1.0] * TILE)


@vector_code("f capacity diagonal face v nz s b ratio below at k")
def _rise(code: Code) -> None:
    s, row = code.lanes("s"), ("at", "k")
    low = code.multiply(s, code.load("face", "v", "k"))
    high = code.multiply(s, code.load("face", "v", "nz", "k"))
    whole = code.add(code.load("diagonal", "v", "k"), code.add(low, high))
    through = code.load("ratio", "below", "k")
    pivot = code.divide(_one(), code.fma(code.minus(low), through, whole))
    f = code.multiply(code.load("capacity", "v", "k"), code.load("f", "v", "k"))
    total = code.fma(low, code.load("b", "below", "k"), f)
    code.store(code.multiply(total, pivot), "b", *row)
    code.store(code.multiply(high, pivot), "ratio", *row)
    for array in ("capacity", "face"):
        code.fetch(array, "v", EARLY, "k")


@njit(**part_of_caller)
def rise_row(f, tissue, v, nz, s, lines, below, at):
    """y upwards in a row of nz voxels: x[y] = b[y] + ratio[y] x[y+1] is left to be solved.

    f, tissue: right-hand side, capacities, diagonal and M along y, in which the row begins at v.
    lines: b and ratio, in which the row before begins at ``below``, and the row at ``at``.
    """
    capacity, diagonal, face = tissue
    b, ratio = lines
    whole_tiles = nz // TILE * TILE
    for k in range(0, whole_tiles, TILE):
        _rise(f, capacity, diagonal, face, v, nz, s, b, ratio, below, at, k)
    for k in range(whole_tiles, nz):
        low, high = s * face[v + k], s * face[v + nz + k]
        pivot = 1.0 / fma(-low, ratio[below + k], diagonal[v + k] + (low + high))
        b[at + k] = fma(low, b[below + k], capacity[v + k] * f[v + k]) * pivot
        ratio[at + k] = high * pivot


@vector_code("diagonal face v s whole m to u u_at early k")
def _prepare(code: Code) -> None:
    s, out = code.lanes("s"), ("to", "k")
    low = code.multiply(s, code.load("face", "v", "k"))
    high = code.multiply(s, code.load("face", "v", "k", 1))
    code.store(code.add(code.load("diagonal", "v", "k"), code.add(low, high)), "whole", *out)
    code.store(low, "m", *out)
    code.fetch("face", "v", "early", "k")
    code.fetch("u", "u_at", "early", "k")


@njit(**part_of_caller)
def prepare_row(tissue, v, nz, s, of_z, to, u, u_at, early):
    """What z is solved from in a row of nz voxels, but for the right-hand side.

    tissue: diagonal and M along z, in which the row begins at v. of_z: whole and m of
    `square_upwards`, in which it begins at ``to``. u: of which, and of M, the row ``early`` voxels
    from here is read into the cache; the row begins at u_at.
    """
    diagonal, face = tissue
    whole, m = of_z
    whole_tiles = nz // TILE * TILE
    for k in range(0, whole_tiles, TILE):
        _prepare(diagonal, face, v, s, whole, m, to, u, u_at, early, k)
    for k in range(whole_tiles, nz):
        low, high = s * face[v + k], s * face[v + k + 1]
        whole[to + k] = diagonal[v + k] + (low + high)
        m[to + k] = low


@vector_code("capacity v b ratio at x f to k")
def _descend(code: Code) -> None:
    row = ("at", "k")
    x = code.fma(code.load("ratio", *row), code.load("x", "k"), code.load("b", *row))
    code.store(x, "x", "k")
    code.store(code.multiply(code.load("capacity", "v", "k"), x), "f", "to", "k")


@njit(**part_of_caller)
def descend_row(capacity, v, nz, lines, at, x, f, to):
    """y downwards in a row of nz voxels, and the right-hand side of z.

    capacity: in which the row begins at v. lines: b and ratio of y, in which it begins at ``at``.
    x: y downwards in the row after, and then in this one. f: of `square_upwards`, in which the row
    begins at ``to``.
    """
    b, ratio = lines
    whole_tiles = nz // TILE * TILE
    for k in range(0, whole_tiles, TILE):
        _descend(capacity, v, b, ratio, at, x, f, to, k)
    for k in range(whole_tiles, nz):
        x[k] = fma(ratio[at + k], x[k], b[at + k])
        f[to + k] = capacity[v + k] * x[k]


def _square(code: Code, array: str) -> list:
    """The columns of a square of an array, each in a register."""
    return code.turned([code.load(array, "at", ("stride", y), "k") for y in range(TILE)])


@vector_code("f whole m at stride tile ratio pivot k")
def square_upwards(code: Code) -> None:
    """b[i] = (f[i] + m[i] b[i-1]) p[i] of TILE rows, for TILE voxels i from k on.

    f, whole, m: rows ``stride`` apart from ``at`` on: right-hand side, diagonal, and s M of the
    face below each voxel. tile, ratio: row k + 1 for voxel k: b, and m[i+1] p[i]. pivot: (TILE,) p
    of the voxel before; that of the last voxel is put there.
    """
    f, whole, m = (_square(code, array) for array in ("f", "whole", "m"))
    m.append(code.gathered("m", [("at", ("stride", y), "k", TILE) for y in range(TILE)]))
    b, p = code.load("tile", ("k", TILE)), code.load("pivot", 0)
    for j in range(TILE):
        here = ("k", TILE), (j + 1) * TILE
        p = code.divide(_one(), code.fma(code.minus(code.multiply(m[j], m[j])), p, whole[j]))
        b = code.multiply(code.fma(m[j], b, f[j]), p)
        code.store(b, "tile", *here)
        code.store(code.multiply(m[j + 1], p), "ratio", *here)
    code.store(p, "pivot", 0)


@vector_code("tile ratio k x at stride")
def square_downwards(code: Code) -> None:
    """x[i] = b[i] + ratio[i] x[i+1] of TILE rows, for TILE voxels i from k on.

    x: rows ``stride`` apart from ``at`` on. That of the voxel after is in the tile, and that of the
    first is put there.
    """
    x = code.load("tile", ("k", TILE), TILE * (TILE + 1))
    columns = [x] * TILE
    for j in reversed(range(TILE)):
        here = ("k", TILE), (j + 1) * TILE
        x = columns[j] = code.fma(code.load("ratio", *here), x, code.load("tile", *here))
    code.store(x, "tile", ("k", TILE), TILE)
    for y, row in enumerate(code.turned(columns)):
        code.store(row, "x", "at", ("stride", y), "k")
