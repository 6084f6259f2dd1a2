"""Python source, for numba, of the rates of some laws and of one step of them in each place.

The rates v(c) of m laws change n species, dc/dt = f(c) = S v(c). One step of dt is the linearised
backward-Euler step (Rosenbrock 1963, Comput. J. 5:329, with one stage),

    (1 - dt J) delta = dt f(c),   J = S R,   R = dv/dc

With at most as many laws as species, the system is solved for the rates w at the end of the step:
delta = dt S w and

    (1 - dt R S) w = v(c)

Laws with the same rate, such as those of one pump that moves two ions, share one w. So what the
stoichiometry conserves is conserved to round-off, however stiff the laws are. One law takes one
division. Where a derivative is not finite, the step is explicit in it.

Derivatives are exact, by sympy, and subexpressions in common are computed once. The code computes
eight places at a time, see `lanes`.
"""

from __future__ import annotations

import re

import sympy
from sympy.core.parameters import distribute

from ecsmpi.reactions import system_code
from ecsmpi.reactions.expression import ARGUMENTS
from ecsmpi.reactions.lanes import LANES
from ecsmpi.reactions.rate_law import LawGroup
from ecsmpi.reactions.symbolic import text, to_sympy

# what generated code may call, by the module that has it
FUNCTIONS = {*ARGUMENTS, "digamma", "vtrap_slope", "finite_or_zero"}
OF_LANES = {"anywhere", "fma", "load", "select", "spread", "store", "whole_power"}
OF_BLOCKS = {"gather", "scatter", "solve"}


def source(group: LawGroup, by_rates: bool | None = None) -> str:
    """The source of a module for a group of laws.

    The module has two functions that `rate_calls` compiles and calls with addresses of arrays, and
    ROWS, the rows of scratch memory (`lane_blocks`) that they need:

    - values(start, stop, scratch, outs, fields) sets an array for each law to its rates in a piece
      of places
    - step(start, stop, dt, scratch, fields) takes the step there, in place; it returns 1 where the
      system has no solution in some place, else 0

    Fields are in the order of `LawGroup.fields`.

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
        matrix, right, deltas = _system(group, symbols, by_rates)
        return _module(len(group.fields), rates, matrix, right, deltas)


def _system(
    group: LawGroup, symbols: dict[int, sympy.Symbol], by_rates: bool
) -> tuple[sympy.Matrix, sympy.Matrix, dict[int, sympy.Expr]]:
    """The system (1 - matrix) w = right of a place.

    Returns (matrix, right, {place of a field: its change over dt, in the unknowns w0, w1, ...}).
    """
    alike, species = group.alike, group.changed
    rates = sympy.Matrix([to_sympy(laws[0].rate, symbols) for laws in alike])

    def change(s: int, r: int) -> sympy.Expr:
        factors = [law.changes.get(species[s], 0) for law in alike[r]]
        return sum((to_sympy(factor, symbols) for factor in factors), sympy.Integer(0))

    stoichiometry = sympy.Matrix(len(species), len(alike), change)
    jacobian = sympy.Matrix(
        len(alike), len(species), lambda r, s: sympy.diff(rates[r], symbols[species[s]])
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
    common, values = _assigned([*matrix, *right])
    entries = [value if entry != 0 else None for entry, value in zip(matrix, values)]
    rows = max(len(rates), system_code.rows_needed(entries, len(right)))
    functions = [
        *_step_source(fields, common, entries, values[len(matrix) :], deltas),
        *_values_source(fields, rates),
    ]
    lines = [
        '"""Made by ecsmpi.reactions.rate_code: one step of some reactions."""',
        "",
        *_imports(functions),
        "",
        f"ROWS = {fields + rows}",
        f"CHANGED = ({', '.join(map(str, deltas))},)",
        *functions,
    ]
    return "\n".join(lines) + "\n"


def _imports(lines: list[str]) -> list[str]:
    """The import statements of the functions that are called in some lines."""
    called = set(re.findall(r"\w+(?=\()", "\n".join(lines)))
    statements = []
    for module, names in (
        ("lane_blocks", called & OF_BLOCKS),
        ("lane_functions", called & FUNCTIONS),
        ("lanes", called & OF_LANES),
    ):
        if names:
            statements.append(f"from ecsmpi.reactions.{module} import {', '.join(sorted(names))}")
    return statements


def _assigned(expressions: list[sympy.Expr]) -> tuple[list[str], list[str]]:
    """Lines that assign the common subexpressions, and the texts of what the expressions become."""
    common, reduced = sympy.cse(expressions)
    lines = [f"{name} = {text(value)}" for name, value in common]
    return lines, list(map(text, reduced))


def _step_source(
    fields: int,
    common: list[str],
    entries: list[str | None],
    right: list[str],
    deltas: dict[int, sympy.Expr],
) -> list[str]:
    """The step in a piece of places."""
    unknowns = [f"w{i}" for i in range(len(right))]
    block = [
        *_read(fields),
        *common,
        *system_code.solution(entries, right, fields),
        "total = " + " + ".join(unknowns),
        "sound = total - total == 0.0",
        "bad |= anywhere(total - total != 0.0)",
    ]
    for place, delta in deltas.items():
        change = f"select(sound, dt * ({text(delta)}), spread(0.0))"
        block.append(f"store(scratch, {place * LANES}, c{place} + {change})")
    block += ["for k in CHANGED:", "    scatter(scratch, k, fields[k], i, stop)"]
    lines = ["dt = spread(step_length)", "bad = False", *_over_blocks(block)]
    lines.append("return 1 if bad else 0")
    return ["", "", "def step(start, stop, step_length, scratch, fields):", *_indented(lines)]


def _values_source(fields: int, rates: sympy.Matrix) -> list[str]:
    """The rates in a piece of places."""
    common, results = _assigned(list(rates))
    block = [*_read(fields), *common]
    for law, result in enumerate(results):
        block.append(f"store(scratch, {(fields + law) * LANES}, {result})")
    block += [
        f"for k in range({len(results)}):",
        f"    scatter(scratch, {fields} + k, outs[k], i, stop)",
    ]
    name = "def values(start, stop, scratch, outs, fields):"
    return ["", "", name, *_indented(_over_blocks(block))]


def _read(fields: int) -> list[str]:
    """Lines that read the concentrations of a block of places from i on."""
    lines = [f"gather(fields, {fields}, i, stop, scratch)"]
    return lines + [f"c{field} = load(scratch, {field * LANES})" for field in range(fields)]


def _over_blocks(lines: list[str]) -> list[str]:
    return [f"for i in range(start, stop, {LANES}):", *_indented(lines)]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
