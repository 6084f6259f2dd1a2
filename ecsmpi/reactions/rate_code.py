"""Python source, for numba, of the rates of some laws and of one step of them in each voxel.

The rates v(c) of m laws change n species, dc/dt = f(c) = S v(c). One step of dt is the linearised
backward-Euler step (Rosenbrock 1963, Comput. J. 5:329, with one stage),

    (1 - dt J) delta = dt f(c),   J = S R,   R = dv/dc

With at most as many laws as species, the system is solved for the rates w at the end of the step:
delta = dt S w and

    (1 - dt R S) w = v(c)

so what the stoichiometry conserves is conserved to round-off, however stiff the laws are. One law
takes one division. Where a derivative is not finite, the step is explicit in it.

Derivatives are exact, by sympy, and subexpressions in common are computed once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import sympy
from sympy.core.parameters import distribute

from ecsmpi.reactions.expression import ARGUMENTS
from ecsmpi.reactions.rate_law import LawGroup
from ecsmpi.reactions.symbolic import text, to_sympy

# Functions that the generated code takes from rate_kernels rather than from math
OWN = {
    *("exp", "floor", "ceil", "trunc", "fmod", "factorial", "digamma", "ldexp"),
    *("vtrap", "vtrap_slope", "finite_or_zero", "solve"),
}
UNROLLED = 5  # unknowns in a voxel up to which the elimination is written out in scalars


def source(group: LawGroup, by_rates: bool | None = None) -> str:
    """The source of a module for a group of laws.

    The module has rates(*concentrations), the laws' rates in one voxel, and two functions that
    `rate_calls` compiles and calls with addresses of arrays:

    - values(start, stop, outs, fields) sets an array for each law to its rates in a piece of voxels
    - step(start, stop, dt, scratch, fields) takes the step there, in place; it returns 1 where the
      system has no solution in some voxel, else 0

    Fields and concentrations are in the order of `LawGroup.fields`.

    Parameters
    ----------
    by_rates : bool, optional
        Whether the system is that of the rates or that of the species; None for the smaller one.

    Raises
    ------
    ValueError
        For a rate that divides by 0 whatever the concentrations are.
    """
    if by_rates is None:
        by_rates = group.solved_by_rates
    with distribute(False):
        symbols = dict(zip(group.fields, sympy.symbols(f"c:{len(group.fields)}")))
        rates = sympy.Matrix([to_sympy(law.rate, symbols) for law in group.laws])
        _refuse_impossible(group, rates)
        matrix, right, deltas = _system(group, symbols, rates, by_rates)
        return _module(len(group.fields), rates, matrix, right, deltas)


def _system(
    group: LawGroup, symbols: dict[int, sympy.Symbol], rates: sympy.Matrix, by_rates: bool
) -> tuple[sympy.Matrix, sympy.Matrix, dict[int, sympy.Expr]]:
    """The system (1 - matrix) w = right of a voxel.

    Returns (matrix, right, {place of a field: its change over dt, in the unknowns w0, w1, ...}).
    """
    laws, species = group.laws, group.changed
    stoichiometry = sympy.Matrix(
        len(species), len(laws), lambda s, r: to_sympy(laws[r].changes.get(species[s], 0), symbols)
    )
    jacobian = sympy.Matrix(
        len(laws), len(species), lambda r, s: sympy.diff(rates[r], symbols[species[s]])
    )
    if by_rates:
        product = jacobian * stoichiometry
        right = rates
        unknowns = sympy.Matrix(sympy.symbols(f"w:{len(right)}"))
        changes = stoichiometry * unknowns
    else:
        product = stoichiometry * jacobian
        right = stoichiometry * rates
        unknowns = sympy.Matrix(sympy.symbols(f"w:{len(right)}"))
        changes = unknowns
    deltas = dict(zip(map(group.fields.index, species), changes))
    return sympy.Symbol("dt") * product, right, deltas


def _refuse_impossible(group: LawGroup, rates: sympy.Matrix) -> None:
    for law, rate in zip(group.laws, rates):
        if rate.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
            raise ValueError(
                f"{law.label}: its rate {law.rate} has no finite value: it divides by 0"
            )


def _module(
    fields: int,
    rates: sympy.Matrix,
    matrix: sympy.Matrix,
    right: sympy.Matrix,
    deltas: dict[int, sympy.Expr],
) -> str:
    """The text of the module. fields: how many fields the laws name."""
    functions = [
        *_rates_source(fields, rates),
        *_step_source(fields, matrix, right, deltas),
        *_values_source(fields, rates),
    ]
    lines = [
        '"""Made by ecsmpi.reactions.rate_code: one step of some reactions."""',
        "",
        *_imports(functions),
        "from numba import carray, njit",
        "",
        'compiled = dict(cache=True, nogil=True, error_model="numpy")',
        "",
        *functions,
    ]
    return "\n".join(lines) + "\n"


def _imports(lines: list[str]) -> list[str]:
    """The import statements of the functions that are called in some lines."""
    called = set(re.findall(r"\w+(?=\()", "\n".join(lines)))
    statements = []
    if of_python := sorted(called & set(ARGUMENTS) - OWN):
        statements.append(f"from math import {', '.join(of_python)}")
    if own := sorted(called & OWN):
        statements.append(f"from ecsmpi.reactions.rate_kernels import {', '.join(own)}")
    return statements


def _assigned(expressions: Iterable[sympy.Expr]) -> tuple[list[str], list[str]]:
    """Lines that assign the common subexpressions, and the texts of what the expressions become."""
    common, reduced = sympy.cse(list(expressions))
    lines = [f"{name} = {text(value)}" for name, value in common]
    return lines, list(map(text, reduced))


def _rates_source(fields: int, rates: sympy.Matrix) -> list[str]:
    """The rates in one voxel."""
    names = ", ".join(_numbered("c", fields))
    lines, values = _assigned(rates)
    return [
        "",
        "@njit(**compiled)",
        f"def rates({names}):",
        *_indented([*lines, f"return ({', '.join(values)},)"]),
    ]


def _step_source(
    fields: int, matrix: sympy.Matrix, right: sympy.Matrix, deltas: dict[int, sympy.Expr]
) -> list[str]:
    """The step in a piece of voxels."""
    size = len(right)
    common, values = _assigned([*matrix, *right])
    entries = values[: size * size]
    right_values = values[size * size :]
    unrolled = size <= UNROLLED
    solution = _unrolled if unrolled else _elimination
    voxel = [
        *_read(fields),
        *common,
        *solution(size, entries, right_values),
        "sound = " + " + ".join(_numbered("w", size)),
        "sound = sound - sound == 0.0",
        "bad |= not sound",
    ]
    for place, delta in deltas.items():
        voxel.append(f"u{place}[i] = c{place} + (dt * ({text(delta)}) if sound else 0.0)")
    lines = _arrays("u", "fields", fields)
    if not unrolled:
        lines.append(f"a = carray(scratch, ({size}, {size + 1}))")
    lines += ["bad = False", "for i in range(stop - start):", *_indented(voxel)]
    lines.append("return 1 if bad else 0")
    return ["", "def step(start, stop, dt, scratch, fields):", *_indented(lines)]


def _values_source(fields: int, rates: sympy.Matrix) -> list[str]:
    """The rates in a piece of voxels."""
    common, results = _assigned(rates)
    voxel = [*_read(fields), *common]
    for law, result in enumerate(results):
        voxel.append(f"v{law}[i] = {result}")
    lines = [
        *_arrays("u", "fields", fields),
        *_arrays("v", "outs", len(results)),
        "for i in range(stop - start):",
        *_indented(voxel),
    ]
    return ["", "def values(start, stop, outs, fields):", *_indented(lines)]


def _read(fields: int) -> list[str]:
    """Lines that read the concentrations of voxel i."""
    return [f"c{field} = u{field}[i]" for field in range(fields)]


def _arrays(name: str, addresses: str, count: int) -> list[str]:
    """Lines that make arrays over a piece of voxels from addresses of whole arrays."""
    return [f"{name}{i} = carray({addresses}[{i}], stop)[start:]" for i in range(count)]


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{i}" for i in range(count)]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _system_entries(
    size: int, entries: list[str], right: list[str], name: Callable[[int, int], str]
) -> list[str]:
    """Lines that assign 1 - matrix, and its right-hand side as the last column."""
    lines = []
    for row in range(size):
        for column in range(size):
            entry = entries[row * size + column]
            diagonal = float(row == column)
            lines.append(f"{name(row, column)} = {diagonal} - finite_or_zero({entry})")
        lines.append(f"{name(row, size)} = {right[row]}")
    return lines


def _unrolled(size: int, entries: list[str], right: list[str]) -> list[str]:
    """Gaussian elimination with partial pivoting, in scalars.

    Rows change places by selection, without branches, so that the loop over voxels becomes vectors.
    """
    lines = _system_entries(size, entries, right, lambda row, column: f"a{row}_{column}")
    for j in range(size):
        for i in range(j + 1, size):
            lines.append(f"swap = fabs(a{i}_{j}) > fabs(a{j}_{j})")
            for c in range(j, size + 1):
                lines += [
                    f"up = a{i}_{c} if swap else a{j}_{c}",
                    f"a{i}_{c} = a{j}_{c} if swap else a{i}_{c}",
                    f"a{j}_{c} = up",
                ]
        for i in range(j + 1, size):
            lines.append(f"factor = a{i}_{j} / a{j}_{j}")
            for c in range(j + 1, size + 1):
                lines.append(f"a{i}_{c} -= factor * a{j}_{c}")
    for j in reversed(range(size)):
        known = "".join(f" - a{j}_{c} * w{c}" for c in range(j + 1, size))
        lines.append(f"w{j} = (a{j}_{size}{known}) / a{j}_{j}")
    return lines


def _elimination(size: int, entries: list[str], right: list[str]) -> list[str]:
    """Gaussian elimination by a loop, for larger systems."""
    lines = _system_entries(size, entries, right, lambda row, column: f"a[{row}, {column}]")
    lines.append("solve(a)")
    for row in range(size):
        lines.append(f"w{row} = a[{row}, {size}]")
    return lines
