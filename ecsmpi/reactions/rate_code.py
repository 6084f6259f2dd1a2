"""Code for reactions: exact derivatives, common subexpressions, and one step of a voxel, as Python
source for numba.

The rates v(c) of m laws change n species, dc/dt = f(c) = S v(c), by one linearised backward-Euler
step of dt (Rosenbrock 1963, Comput. J. 5:329, with one stage),

    (1 - dt J) delta = dt f(c),   J = S R,   R = dv/dc

With at most as many laws as species it is solved for the rates at the end of the step: delta = dt S
w and

    (1 - dt R S) w = v(c)

so that what the stoichiometry conserves is conserved to round-off, however stiff the laws are. One
law is one division. Where a derivative is not finite the step is explicit in it.
"""

from __future__ import annotations

import re

import sympy
from sympy.core.parameters import distribute
from sympy.printing.pycode import PythonCodePrinter

from ecsmpi.reactions.expression import ARGUMENTS, OPERATORS, Arithmetic, Expression
from ecsmpi.reactions.rate_law import Law, changing, fields_of

OWN = "exp floor ceil trunc fmod factorial digamma ldexp vtrap vtrap_slope finite_or_zero solve".split()
UNROLLED = 5  # unknowns of a voxel up to which the elimination is written out
CONSTANT_BETWEEN_JUMPS = (lambda x: sympy.Integer(0),)


class _Names:
    """The functions of rate laws as sympy's, none of which it simplifies, by their names."""


F = _Names()

# Derivatives with respect to each argument
PARTIALS = {
    "acos": (lambda x: -1 / F.sqrt(1 - x**2),),
    "acosh": (lambda x: 1 / (F.sqrt(x - 1) * F.sqrt(x + 1)),),
    "asin": (lambda x: 1 / F.sqrt(1 - x**2),),
    "asinh": (lambda x: 1 / F.sqrt(x**2 + 1),),
    "atan": (lambda x: 1 / (x**2 + 1),),
    "atan2": (lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2)),
    "ceil": CONSTANT_BETWEEN_JUMPS,
    "copysign": (lambda x, y: F.copysign(1, x) * F.copysign(1, y), lambda x, y: sympy.Integer(0)),
    "cos": (lambda x: -F.sin(x),),
    "cosh": (lambda x: F.sinh(x),),
    "degrees": (lambda x: F.degrees(1),),
    "digamma": (),
    "erf": (lambda x: 2 / F.sqrt(sympy.Float(sympy.pi, 17)) * F.exp(-(x**2)),),
    "erfc": (lambda x: -2 / F.sqrt(sympy.Float(sympy.pi, 17)) * F.exp(-(x**2)),),
    "exp": (lambda x: F.exp(x),),
    "expm1": (lambda x: F.exp(x),),
    "fabs": (lambda x: F.copysign(1, x),),
    "factorial": (lambda x: F.factorial(x) * F.digamma(x + 1),),
    "floor": CONSTANT_BETWEEN_JUMPS,
    "fmod": (lambda x, y: sympy.Integer(1), lambda x, y: -F.trunc(x / y)),
    "gamma": (lambda x: F.gamma(x) * F.digamma(x),),
    "hypot": (lambda x, y: x / F.hypot(x, y), lambda x, y: y / F.hypot(x, y)),
    "ldexp": (lambda x, y: F.ldexp(1, y), lambda x, y: sympy.Integer(0)),
    "lgamma": (lambda x: F.digamma(x),),
    "log": (lambda x: 1 / x,),
    "log10": (lambda x: 1 / (x * F.log(10)),),
    "log1p": (lambda x: 1 / (x + 1),),
    "pow": (lambda x, y: y * F.pow(x, y - 1), lambda x, y: F.log(x) * F.pow(x, y)),
    "radians": (lambda x: F.radians(1),),
    "sin": (lambda x: F.cos(x),),
    "sinh": (lambda x: F.cosh(x),),
    "sqrt": (lambda x: 1 / (2 * F.sqrt(x)),),
    "tan": (lambda x: F.tan(x) ** 2 + 1,),
    "tanh": (lambda x: 1 - F.tanh(x) ** 2,),
    "trunc": CONSTANT_BETWEEN_JUMPS,
    "vtrap": (
        lambda x, y: F.vtrap_slope(x / y),
        lambda x, y: (F.vtrap(x, y) - x * F.vtrap_slope(x / y)) / y,
    ),
    "vtrap_slope": (),
}


def _function(name: str, partials: tuple) -> type:
    def fdiff(self, argindex=1):
        return partials[argindex - 1](*self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff})


for _name, _partials in PARTIALS.items():
    setattr(F, _name, _function(_name, _partials))


class _Printer(PythonCodePrinter):
    """Python text; functions keep their names, numbers all their digits."""

    _kf = {}
    known_functions = {}

    def __init__(self):
        super().__init__(
            {"fully_qualified_modules": False, "user_functions": {name: name for name in PARTIALS}}
        )

    def _print_Float(self, number):
        return repr(float(number))


def text(expression) -> str:
    """Python's text of a sympy expression."""
    return _Printer().doprint(expression)


def to_sympy(tree, symbol):
    """The tree for sympy; symbol(leaf) gives a leaf's symbol. Nothing is multiplied out: that loses
    digits.
    """
    if isinstance(tree, Expression):
        arguments = [to_sympy(argument, symbol) for argument in tree.arguments]
        if tree.operation in ("**", "pow"):
            return _power(*arguments)
        return (OPERATORS.get(tree.operation) or getattr(F, tree.operation))(*arguments)
    return symbol(tree) if isinstance(tree, Arithmetic) else sympy.sympify(tree)


def _power(base, exponent):
    """Whole exponents are multiplications and divisions, and so hold for negative bases."""
    if exponent.is_Number and float(exponent).is_integer():
        return base ** int(exponent)
    return F.pow(base, exponent)


def source(laws: list[Law], by_rates: bool | None = None) -> str:
    """A module for the laws, which change some species in common.

    rates(*concentrations) are the laws' rates in a voxel. What `rate_calls` compiles, and calls
    with addresses of arrays: values(start, stop, outs, fields) sets an array for each law to its
    rates in a piece of voxels; step(start, stop, dt, scratch, fields) takes the step there, of the
    fields that `fields_of` names, and returns 1 where it has failed, else 0.
    by_rates: whether the system is that of the rates or that of the species; None: the smaller.
    """
    with distribute(False):
        return _module(*_system(laws, by_rates), fields_of(laws))


def _system(laws, by_rates):
    """(rates, matrix, right-hand side, {species: delta / dt of the unknowns w}) of symbols c0, c1
    .., dt and w0, w1 ..
    """
    place = {
        field: symbol
        for symbol, field in zip(sympy.symbols(f"c:{len(fields_of(laws))}"), fields_of(laws))
    }
    rates = sympy.Matrix([to_sympy(law.rate, lambda leaf: place[leaf.number]) for law in laws])
    species, dt = changing(laws), sympy.Symbol("dt")
    stoichiometry = sympy.Matrix(
        len(species),
        len(laws),
        lambda s, r: to_sympy(laws[r].changes.get(species[s], 0), lambda leaf: place[leaf.number]),
    )
    jacobian = sympy.Matrix(
        len(laws), len(species), lambda r, s: sympy.diff(rates[r], place[species[s]])
    )
    if by_rates is None:
        by_rates = len(laws) <= len(species)
    product = jacobian * stoichiometry if by_rates else stoichiometry * jacobian
    right = rates if by_rates else stoichiometry * rates
    unknowns = sympy.Matrix(sympy.symbols(f"w:{len(right)}"))
    changes = stoichiometry * unknowns if by_rates else unknowns
    deltas = {fields_of(laws).index(one): changes[s] for s, one in enumerate(species)}
    _refuse_impossible(laws, rates)
    return rates, dt * product, right, deltas


def _refuse_impossible(laws, rates) -> None:
    for law, rate in zip(laws, rates):
        if rate.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
            raise ValueError(
                f"{law.label}: its rate {law.rate} has no finite value: it divides by 0"
            )


def _module(rates, matrix, right, deltas, fields) -> str:
    names = ", ".join(f"c{i}" for i in range(len(fields)))
    body = [
        *_function_of(
            f"rates({names})",
            *_assigned(rates, []),
            lambda values: [f"return ({', '.join(values)},)"],
        ),
        *_step_source(len(fields), matrix, right, deltas),
        *_values_source(len(fields), rates),
    ]
    called = set(re.findall(r"\w+(?=\()", "\n".join(body)))
    imported = {
        "math": sorted(called & set(ARGUMENTS) - set(OWN)),
        "ecsmpi.reactions.rate_kernels": sorted(called & set(OWN)),
    }
    lines = [
        '"""Made by ecsmpi.reactions.rate_code: one step of some reactions."""',
        "",
        *(
            f"from {module} import {', '.join(functions)}"
            for module, functions in imported.items()
            if functions
        ),
        "from numba import carray, njit",
        "",
        'compiled = dict(cache=True, nogil=True, error_model="numpy")',
        "",
        *body,
    ]
    return "\n".join(lines) + "\n"


def _assigned(expressions, more) -> tuple[list[str], list[str]]:
    """Lines for the common subexpressions of both lists, and the text of each of their members."""
    common, reduced = sympy.cse([*expressions, *more])
    return [f"{name} = {text(value)}" for name, value in common], [text(one) for one in reduced]


def _function_of(head: str, body: list[str], values: list[str], end) -> list[str]:
    return [
        "",
        "@njit(**compiled)",
        f"def {head}:",
        *(f"    {line}" for line in [*body, *end(values)]),
    ]


def _step_source(count: int, matrix, right, deltas) -> list[str]:
    """The step of a piece of voxels."""
    size = len(right)
    body, values = _assigned(list(matrix), list(right))
    entries, right_values = values[: size * size], values[size * size :]
    solution = _unrolled if size <= UNROLLED else _elimination
    voxel = [f"c{i} = u{i}[i]" for i in range(count)] + body + solution(size, entries, right_values)
    voxel += [
        "sound = " + " + ".join(f"w{i}" for i in range(size)) + "",
        "sound = sound - sound == 0.0",
        "bad |= not sound",
    ]
    voxel += [
        f"u{s}[i] = c{s} + (dt * ({text(delta)}) if sound else 0.0)" for s, delta in deltas.items()
    ]
    scratch = [] if size <= UNROLLED else [f"a = carray(scratch, ({size}, {size + 1}))"]
    lines = [
        *_arrays("u", "fields", count),
        *scratch,
        "bad = False",
        "for i in range(stop - start):",
    ]
    return [
        "",
        "def step(start, stop, dt, scratch, fields):",
        *_indented([*lines, *_indented(voxel), "return 1 if bad else 0"]),
    ]


def _values_source(count: int, rates) -> list[str]:
    """The rates in a piece of voxels."""
    body, results = _assigned(rates, [])
    voxel = (
        [f"c{i} = u{i}[i]" for i in range(count)]
        + body
        + [f"v{r}[i] = {result}" for r, result in enumerate(results)]
    )
    lines = [
        *_arrays("u", "fields", count),
        *_arrays("v", "outs", len(results)),
        "for i in range(stop - start):",
    ]
    return ["", "def values(start, stop, outs, fields):", *_indented([*lines, *_indented(voxel)])]


def _arrays(name: str, given: str, count: int) -> list[str]:
    """Lines that make arrays of a piece of voxels from the addresses given."""
    return [f"{name}{i} = carray({given}[{i}], stop)[start:]" for i in range(count)]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _unrolled(size, entries, right) -> list[str]:
    """Gaussian elimination with partial pivoting in scalars, whose rows change places by selection:
    no branches, vectors.
    """
    lines = [
        f"a{r}_{c} = {entry}"
        for r in range(size)
        for c, entry in enumerate(_row(size, entries, right, r))
    ]
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
            lines += [f"a{i}_{c} -= factor * a{j}_{c}" for c in range(j + 1, size + 1)]
    for j in reversed(range(size)):
        known = "".join(f" - a{j}_{c} * w{c}" for c in range(j + 1, size))
        lines.append(f"w{j} = (a{j}_{size}{known}) / a{j}_{j}")
    return lines


def _row(size, entries, right, r) -> list[str]:
    """The entries of row r of the system, with its right-hand side."""
    return [f"{float(r == c)} - finite_or_zero({entries[r * size + c]})" for c in range(size)] + [
        right[r]
    ]


def _elimination(size, entries, right) -> list[str]:
    """The same by a loop, for larger systems."""
    lines = [
        f"a[{r}, {c}] = {entry}"
        for r in range(size)
        for c, entry in enumerate(_row(size, entries, right, r))
    ]
    return [*lines, "solve(a)", *(f"w{r} = a[{r}, {size}]" for r in range(size))]
