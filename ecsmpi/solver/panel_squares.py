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


def _number(code: Code, is_steady: bool, name: str, *place):
    """A register with a number of a line: that at a place, or that of the middle of all lines."""
    return code.lanes(name) if is_steady else code.spread(name, *place)


def _along_z(code: Code, y: int, row):
    """u before and after each voxel of a row of a square; row: u there.

    They are made of whole lines of the cache. A vector that lies across two lines takes two reads,
    and where planes are large, the second one has left the cache before its own turn.
    """
    before, after = (code.load("u", "at", ("nz", y), step) for step in (-TILE, TILE))
    return code.shifted(before, row, TILE - 1), code.shifted(row, after, 1)


def _differences(code: Code, y: int, row, south, north):
    """(Ax + Ay + Az) u of row y of a square; row: u there. south, north: u there less the row's."""
    here = ("nz", y)
    total = code.multiply(code.spread("y_south", "y", y), south)
    total = code.fma(code.spread("y_north", "y", y), north, total)
    for side, r in (("west", code.lanes("x_west")), ("east", code.lanes("x_east"))):
        total = code.fma(r, code.subtract(code.load("u", side, here), row), total)
    for near, r in zip(_along_z(code, y, row), ("z_below", "z_above")):
        total = code.fma(code.load(r, "k"), code.subtract(near, row), total)
    return total


def _steady_differences(code: Code, y: int, row, south, north):
    """The same where r is that of the middle of all lines: 0 to the bit where u does not vary."""
    total = code.multiply(code.lanes("r_y"), code.add(south, north))
    along_x = code.load("u", "west", ("nz", y)), code.load("u", "east", ("nz", y))
    for r, sides in (("r_x", along_x), ("r_z", _along_z(code, y, row))):
        second = code.fma(code.constant(-2.0), row, code.add(*sides))
        total = code.fma(code.lanes(r), second, total)
    return total


def _right_hand_side(code: Code, differences) -> list:
    """The registers of a square's right-hand side without sources."""
    rows = [code.load("u", "at", ("nz", y)) for y in range(-1, TILE + 1)]
    steps = [code.subtract(after, before) for before, after in zip(rows, rows[1:])]
    f = []
    for y in range(TILE):
        back = code.minus(steps[y])
        f.append(differences(code, y, rows[y + 1], back, steps[y + 1]))
    for y in range(TILE):
        code.fetch("u", "early", ("nz", y))
    return f


def _z_upwards(code: Code, f: list, is_steady: bool) -> None:
    """b[m] = carry[k + m] b[m-1] + pivot[k + m] f[m] of TILE lines side by side, into the tile."""
    b = code.load("tile", ("k", TILE))
    for m, column in enumerate(code.turned(f)):
        if not is_steady:
            column = code.multiply(column, code.spread("pivot", "k", m))
        b = code.fma(_number(code, is_steady, "carry", "k", m), b, column)
        code.store(b, "tile", ("k", TILE), (m + 1) * TILE)


def _with_sources(code: Code, f: list) -> list:
    """f, to which the sources of the square are added where there are some."""
    sums = [cgutils.alloca_once_value(code.builder, row) for row in f]
    has_sources = code.builder.trunc(code.value("has_sources"), ir.IntType(1))
    with code.builder.if_then(has_sources, likely=False):
        for y, row in enumerate(f):
            code.builder.store(code.add(row, code.load("source", ("width", y), "k")), sums[y])
    return [code.builder.load(total) for total in sums]


@vector_code(
    "u at nz west east early x_west x_east y y_south y_north k z_below z_above tile carry pivot "
    "source width has_sources"
)
def rise(code: Code) -> None:
    """The right-hand side of a square, and z upwards in it.

    u: flat in memory, rows nz apart. at, west, east, early: where the square begins in its plane,
    in the planes before and after, and in the plane to be read early. x_west, x_east: r to these
    planes. y_south, y_north, z_below, z_above: r to the neighbours of each row and voxel, 0 at the
    box's faces. y, k: the square's first row and voxel in these arrays and in those of z. tile:
    ((voxels + 2) TILE,), row k + 1 for voxel k. source: source[width j + k], of row j, is added
    where has_sources is 1.
    """
    f = _right_hand_side(code, _differences)
    _z_upwards(code, _with_sources(code, f), is_steady=False)


@vector_code("u at nz west east early r_x r_y r_z k tile carry source width has_sources")
def rise_steady(code: Code) -> None:
    """`rise` where r and carry are the same in the whole square, and pivots are 1."""
    f = _right_hand_side(code, _steady_differences)
    _z_upwards(code, _with_sources(code, f), is_steady=True)


def _descend(code: Code, is_steady: bool) -> None:
    """What `descend` and `descend_steady` do."""
    x = code.load("tile", ("k", TILE), TILE * (TILE + 1))
    columns = [x] * TILE
    for m in reversed(range(TILE)):
        b = code.load("tile", ("k", TILE), (m + 1) * TILE)
        x = columns[m] = code.fma(_number(code, is_steady, "ratio", "k", m), x, b)
    code.store(x, "tile", ("k", TILE), TILE)
    row = code.load("before", "k")
    for y, solved in enumerate(code.turned(columns)):
        if not is_steady:
            solved = code.multiply(solved, code.spread("y_pivot", "y", y))
        row = code.fma(_number(code, is_steady, "y_carry", "y", y), row, solved)
        below = code.load("under", "under_at", ("stride", y))
        own = row if is_steady else code.multiply(row, code.lanes("x_pivot"))
        code.store(
            code.fma(code.lanes("x_carry"), below, own), "window", "window_at", ("stride", y)
        )
    code.store(row, "before", "k")


@vector_code(
    "tile k ratio before y y_carry y_pivot x_carry x_pivot under under_at window window_at stride"
)
def descend(code: Code) -> None:
    """z downwards in a square, then y and x upwards, into the window.

    before: (voxels,) what y upwards has left of the row before the square; what it leaves of the
    last row is put there. under: the plane before in the window, rows ``stride`` apart. x_carry,
    x_pivot: those of the plane.
    """
    _descend(code, is_steady=False)


@vector_code("tile k ratio before y_carry x_carry under under_at window window_at stride")
def descend_steady(code: Code) -> None:
    """`descend` where ratio and carries are the same in the whole square, and pivots are 1."""
    _descend(code, is_steady=True)


def _registers(code: Code) -> list[list]:
    """Variables for STRIP_ROWS rows of a strip, 0 at first."""
    zero = ir.Constant(REGISTER, [0.0] * TILE)
    rows, count = [], STRIP // TILE
    for _ in range(STRIP_ROWS):
        rows.append([cgutils.alloca_once_value(code.builder, zero) for _ in range(count)])
    return rows


def _ask_for_next_strip(code: Code, array: str, place: tuple, stride: str) -> None:
    """Ask for a plane of the strip after the one at a place of an array, where slabs are large."""
    is_large = code.builder.trunc(code.value("is_large"), ir.IntType(1))
    with code.builder.if_then(is_large, likely=True):
        for y in range(STRIP_ROWS):
            for c in range(STRIP // TILE):
                code.fetch(array, *place, (stride, y), STRIP + c * TILE)


def _x_downwards(code: Code, plane, x: list[list]) -> None:
    """x[i] = b[i] + ratio[i] x[i+1] in a plane of the window, kept in x."""
    builder = code.builder
    slot = builder.sub(plane, code.value("slot_of"))
    again = builder.icmp_signed(">=", slot, code.value("slots"))
    slot = builder.select(again, builder.sub(slot, code.value("slots")), slot)
    ratio = code.spread("x_ratio", plane)
    _ask_for_next_strip(code, "window", ("at", (slot, "slot_size")), "stride")
    for y, row in enumerate(x):
        for c, variable in enumerate(row):
            b = code.load("window", "at", (slot, "slot_size"), ("stride", y), c * TILE)
            builder.store(code.fma(ratio, builder.load(variable), b), variable)


def _y_downwards(code: Code, plane, x: list[list], ratio: list, is_final) -> None:
    """t[y] = x[y] + ratio[y] t[y+1] in a plane; where that is final, it is added to u."""
    builder = code.builder
    number = builder.sub(plane, code.value("first"))
    _ask_for_next_strip(code, "u", ("u_at", (number, "u_plane")), "nz")
    for c in range(STRIP // TILE):
        above = ("above_at", (number, "above_size"), c * TILE)
        t, rows = code.load("above", *above), []
        for y in reversed(range(STRIP_ROWS)):
            t = code.fma(ratio[y], t, builder.load(x[y][c]))
            rows.append((y, t))
        code.store(t, "above", *above)
        with builder.if_then(is_final, likely=True):
            for y, t in rows:
                here = ("u_at", (number, "u_plane"), ("nz", y), c * TILE)
                code.store(code.add(code.load("u", *here), t), "u", *here)


def _downwards(code: Code, top: str, bottom: str):
    """A loop over the planes [bottom, top), descending: yields the plane once, for its body."""
    builder = code.builder
    above = code.value(top)
    with cgutils.for_range(builder, builder.sub(above, code.value(bottom))) as loop:
        yield builder.sub(builder.sub(above, ir.Constant(above.type, 1)), loop.index)


@vector_code(
    "window at slot_of slots slot_size stride top final first x_ratio above above_at above_size y "
    "y_ratio u u_at u_plane nz is_final is_large"
)
def finish(code: Code) -> None:
    """x and y downwards in STRIP_ROWS rows of a strip, and u += t there where is_final is 1.

    In the planes [first, top), from top to first; [first, final) are final along x. Plane i of the
    window is in slot i - slot_of, or in the slot ``slots`` before. above: t of the row after these,
    and then of the first of them, ``above_size`` apart for each plane from ``first`` on. u_at:
    where plane ``first`` begins in u, whose planes are u_plane apart, and rows nz. Rows that are
    not final are ahead of those that are. is_large: 1 where u is larger than the cores' caches.
    """
    is_final = code.builder.trunc(code.value("is_final"), ir.IntType(1))
    x = _registers(code)
    ratio = [code.spread("y_ratio", "y", y) for y in range(STRIP_ROWS)]
    for plane in _downwards(code, "top", "final"):
        _x_downwards(code, plane, x)
    for plane in _downwards(code, "final", "first"):
        _x_downwards(code, plane, x)
        _y_downwards(code, plane, x, ratio, is_final)
