"""The compiled arithmetic of one pass, in squares of TILE rows of TILE voxels, in registers.

`rise` takes a square of concentrations to where z is solved upwards. `descend` takes it on: z
downwards, y upwards, x upwards, into the window. `finish` solves x and y downwards and adds the
increment to u. panel_sweep.py calls them in this order; sweep_up.py has the equations.

    u --rise--> z up (tile) --descend--> z down, y up, x up (window) --finish--> x down, y down, u
"""

from llvmlite import ir
from numba.core import cgutils

from ecsmpi.solver.registers import REGISTER, Code, vector_code
from ecsmpi.solver.sizes import STRIP, STRIP_ROWS, TILE

PLANES_EARLY = 2  # how many planes before their turn concentrations are read into the cache


def _differences(code: Code, y: int, row, south, north):
    """(Ax + Ay + Az) u of row y of a square; row: u there. south, north: u there less the row's."""
    here = ("nz", y)
    total = code.multiply(code.spread("y_south", "y", y), south)
    total = code.fma(code.spread("y_north", "y", y), north, total)
    for side, r in (("west", code.lanes("x_west")), ("east", code.lanes("x_east"))):
        total = code.fma(r, code.subtract(code.load("u", side, here), row), total)
    for step, r in ((-1, code.load("z_below", "k")), (1, code.load("z_above", "k"))):
        total = code.fma(r, code.subtract(code.load("u", "at", here, step), row), total)
    return total


def _right_hand_side(code: Code) -> list:
    """The registers of a square's right-hand side without sources."""
    rows = [code.load("u", "at", ("nz", y)) for y in range(-1, TILE + 1)]
    steps = [code.subtract(after, before) for before, after in zip(rows, rows[1:])]
    f = []
    for y in range(TILE):
        back = code.builder.fneg(steps[y])
        f.append(_differences(code, y, rows[y + 1], back, steps[y + 1]))
    for y in range(TILE):
        code.fetch("u", "early", ("nz", y))
    return f


def _z_upwards(code: Code, f: list) -> None:
    """b[m] = carry[k + m] b[m-1] + pivot[k + m] f[m] of TILE lines side by side, into the tile."""
    b = code.load("tile", ("k", TILE))
    for m, column in enumerate(code.turned(f)):
        scaled = code.multiply(column, code.spread("pivot", "k", m))
        b = code.fma(code.spread("carry", "k", m), b, scaled)
        code.store(b, "tile", ("k", TILE), (m + 1) * TILE)


_OF_U = "u at nz west east early x_west x_east y y_south y_north k z_below z_above"
_OF_Z = "tile carry pivot"


@vector_code(f"{_OF_U} {_OF_Z}")
def rise(code: Code) -> None:
    """The right-hand side of a square, and z upwards in it.

    u: flat in memory, rows nz apart. at, west, east, early: where the square begins in its plane,
    in the planes before and after, and in the plane to be read early. x_west, x_east: r to these
    planes. y_south, y_north, z_below, z_above: r to the neighbours of each row and voxel, 0 at the
    box's faces. y, k: the square's first row and voxel in these arrays and in those of z. tile:
    ((voxels + 2) TILE,), row k + 1 for voxel k.
    """
    _z_upwards(code, _right_hand_side(code))


@vector_code(f"{_OF_U} {_OF_Z} source width")
def rise_with_sources(code: Code) -> None:
    """`rise` with a right-hand side to which source[width j + k], of row j, is added."""
    f = []
    for y, row in enumerate(_right_hand_side(code)):
        f.append(code.add(row, code.load("source", ("width", y), "k")))
    _z_upwards(code, f)


@vector_code(
    "tile k ratio before y y_carry y_pivot x_carry x_pivot under under_at window window_at stride"
)
def descend(code: Code) -> None:
    """z downwards in a square, then y and x upwards, into the window.

    before: (voxels,) what y upwards has left of the row before the square; what it leaves of the
    last row is put there. under: the plane before in the window, rows ``stride`` apart. x_carry,
    x_pivot: those of the plane.
    """
    x = code.load("tile", ("k", TILE), TILE * (TILE + 1))
    columns = [x] * TILE
    for m in reversed(range(TILE)):
        b = code.load("tile", ("k", TILE), (m + 1) * TILE)
        x = columns[m] = code.fma(code.spread("ratio", "k", m), x, b)
    code.store(x, "tile", ("k", TILE), TILE)
    row = code.load("before", "k")
    carry, pivot = code.lanes("x_carry"), code.lanes("x_pivot")
    for y, solved in enumerate(code.turned(columns)):
        scaled = code.multiply(solved, code.spread("y_pivot", "y", y))
        row = code.fma(code.spread("y_carry", "y", y), row, scaled)
        below = code.load("under", "under_at", ("stride", y))
        total = code.fma(carry, below, code.multiply(row, pivot))
        code.store(total, "window", "window_at", ("stride", y))
    code.store(row, "before", "k")


def _registers(code: Code) -> list[list]:
    """Variables for STRIP_ROWS rows of a strip, 0 at first."""
    zero = ir.Constant(REGISTER, [0.0] * TILE)
    rows, count = [], STRIP // TILE
    for _ in range(STRIP_ROWS):
        rows.append([cgutils.alloca_once_value(code.builder, zero) for _ in range(count)])
    return rows


def _x_downwards(code: Code, plane, x: list[list]) -> None:
    """x[i] = b[i] + ratio[i] x[i+1] in a plane of the window, kept in x."""
    builder = code.builder
    slot = builder.sub(plane, code.value("slot_of"))
    again = builder.icmp_signed(">=", slot, code.value("slots"))
    slot = builder.select(again, builder.sub(slot, code.value("slots")), slot)
    ratio = code.spread("x_ratio", plane)
    for y, row in enumerate(x):
        for c, variable in enumerate(row):
            b = code.load("window", "at", (slot, "slot_size"), ("stride", y), c * TILE)
            builder.store(code.fma(ratio, builder.load(variable), b), variable)


def _y_downwards(code: Code, plane, x: list[list], is_final: bool) -> None:
    """t[y] = x[y] + ratio[y] t[y+1] in a plane; where that is final, it is added to u."""
    number = code.builder.sub(plane, code.value("first"))
    for c in range(STRIP // TILE):
        above = ("above_at", (number, "above_size"), c * TILE)
        t = code.load("above", *above)
        for y in reversed(range(STRIP_ROWS)):
            t = code.fma(code.spread("y_ratio", "y", y), t, code.builder.load(x[y][c]))
            if is_final:
                here = ("u_at", (number, "u_plane"), ("nz", y), c * TILE)
                code.store(code.add(code.load("u", *here), t), "u", *here)
        code.store(t, "above", *above)


def _downwards(code: Code, top: str, bottom: str):
    """A loop over the planes [bottom, top), descending: yields the plane once, for its body."""
    builder = code.builder
    above = code.value(top)
    with cgutils.for_range(builder, builder.sub(above, code.value(bottom))) as loop:
        yield builder.sub(builder.sub(above, ir.Constant(above.type, 1)), loop.index)


def _finish(code: Code, is_final: bool) -> None:
    x = _registers(code)
    for plane in _downwards(code, "top", "final"):
        _x_downwards(code, plane, x)
    for plane in _downwards(code, "final", "first"):
        _x_downwards(code, plane, x)
        _y_downwards(code, plane, x, is_final)


_OF_WINDOW = "window at slot_of slots slot_size stride"
_OF_LINES = "top final first x_ratio above above_at above_size y y_ratio"


@vector_code(f"{_OF_WINDOW} {_OF_LINES}")
def finish_ahead(code: Code) -> None:
    """x and y downwards in STRIP_ROWS rows of a strip that are ahead of the final ones.

    In the planes [first, top), from top to first; [first, final) are final along x. Plane i of the
    window is in slot i - slot_of, or in the slot ``slots`` before. above: t of the row after these,
    and then of the first of them, ``above_size`` apart for each plane from ``first`` on.
    """
    _finish(code, is_final=False)


@vector_code(f"{_OF_WINDOW} {_OF_LINES} u u_at u_plane nz")
def finish(code: Code) -> None:
    """`finish_ahead` of rows that are final: u += t in the planes [first, final).

    u_at: where plane ``first`` begins in u, whose planes are u_plane apart, and rows nz.
    """
    _finish(code, is_final=True)
