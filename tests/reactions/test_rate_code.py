"""Functions of rate laws and their derivatives, against mpmath in 30 digits and against Python's
own math.
"""

import functools
import math
import platform
import re
from uuid import uuid4

from ecsmpi.reactions import lane_functions, rate_code, rate_kernels
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.expression import ARGUMENTS, concentrations_in
from ecsmpi.reactions.rate_law import Law, LawGroup
import mpmath
import numpy as np
import pytest
import sympy

from support.compiled_laws import over_arrays, rates
from support.rate_trees import Concentration, Expression, call

X, Y = Concentration(0), Concentration(1)
DIVISION = {"x86_64": r"\bv?div[ps]d\b", "aarch64": r"\bfdiv\s+[vd]\d+(?:\.2d)?"}
SYMBOLS = dict(enumerate(sympy.symbols("c:2")))

# Where the functions are smooth, and off the values at which a wrong derivative may look right
WITHIN = {name: (0.37, 0.83) for name in ARGUMENTS} | {
    "acosh": (1.7, 0),
    "fmod": (7.3, 2.1),
    "floor": (-2.4, 0),
    "ceil": (-2.4, 0),
    "trunc": (-2.4, 0),
    "fabs": (-0.37, 0),
    "copysign": (-0.37, -0.83),
    "ldexp": (0.37, 3.0),
    "pow": (1.3, 2.7),
    "lgamma": (0.31, 0),
    "vtrap": (0.37, -0.83),
}

EXACT = {
    "fabs": abs,
    "degrees": mpmath.degrees,
    "radians": mpmath.radians,
    "log1p": lambda x: mpmath.log(1 + x),
    "copysign": lambda x, y: abs(x) * mpmath.sign(y),
    "lgamma": mpmath.loggamma,
    "pow": mpmath.power,
    "trunc": int,
    "vtrap": lambda x, y: x / mpmath.expm1(x / y),
    "fmod": lambda x, y: x - y * int(x / y),
    "ldexp": lambda x, y: x * 2 ** int(y),
}


def exact(name):
    return EXACT.get(name) or getattr(mpmath, name)


@functools.cache
def of_numbers(name, arguments):
    """A function of lanes, for plain numbers."""
    applied = over_arrays(getattr(lane_functions, name), arguments)
    return lambda *numbers: float(applied(*numbers)[0])


def in_python(expression, **values):
    """A sympy expression's value, by the text that goes into the code."""
    names = {name: getattr(math, name, None) for name in ARGUMENTS}
    for name in ("factorial", "fmod", "ldexp", "digamma"):
        names[name] = getattr(rate_kernels, name)
    names |= {"spread": float, "whole_power": pow, "trunc": math.trunc}
    names |= {"vtrap": of_numbers("vtrap", 2), "vtrap_slope": of_numbers("vtrap_slope", 1)}
    return eval(rate_code.text(expression), names, values)


def derivative(tree, number):
    return sympy.diff(rate_code.to_sympy(tree, SYMBOLS), SYMBOLS[number])


def source(*laws):
    return rate_code.source(LawGroup(laws))


@pytest.fixture(scope="module")
def compiled():
    """{function: its compiled value}, all from one module."""
    laws = []
    for i, (name, count) in enumerate(ARGUMENTS.items()):
        laws.append(Law(call(name, *(X, Y)[:count]), {2 + i: 1}, name))
    code = CompiledRates(source(*laws))

    def value(name, x, y):
        fields = [np.array([float(number)]) for number in (x, y, *[0.0] * len(laws))]
        return rates(code, fields, len(laws))[list(ARGUMENTS).index(name), 0]

    return value


@pytest.mark.parametrize("name", ARGUMENTS)
def test_function_has_its_value(name, compiled):
    arguments = WITHIN[name][: ARGUMENTS[name]]
    with mpmath.workdps(30):
        expected = float(exact(name)(*map(mpmath.mpf, arguments)))
    assert compiled(name, *WITHIN[name]) == pytest.approx(expected, rel=4e-16)


@pytest.mark.parametrize(
    "number, name", [(i, name) for name, count in ARGUMENTS.items() for i in range(count)]
)
def test_derivative_is_exact(name, number):
    if (name, number) == ("ldexp", 1):
        return  # by steps of whole powers: its derivative is 0 between them
    arguments = WITHIN[name][: ARGUMENTS[name]]
    with mpmath.workdps(30):
        at = list(map(mpmath.mpf, arguments))
        expected = float(
            mpmath.diff(
                lambda x: exact(name)(*at[:number], x, *at[number + 1 :]),
                at[number],
                h=mpmath.mpf("1e-12"),
            )
        )
    found = in_python(
        derivative(call(name, *(X, Y)[: ARGUMENTS[name]]), number),
        c0=arguments[0],
        c1=arguments[-1],
    )
    assert found == pytest.approx(expected, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("x", [-3.3, -0.5, 1e-6, 0.1, 1.4616321449683623, 5, 9.99, 40])
def test_digamma_is_that_of_mpmath(x):
    assert rate_kernels.digamma(x) == pytest.approx(
        float(mpmath.digamma(x)), rel=2e-15, abs=2e-15
    )


@pytest.mark.parametrize("z", [-700, -30, -1, -0.011, -0.009, 1e-9, 0.009, 0.011, 1, 30, 700])
def test_slope_of_vtrap_has_no_hole(z):
    with mpmath.workdps(40):
        e = mpmath.exp(mpmath.mpf(z))
        expected = float((e - 1 - z * e) / (e - 1) ** 2)
    assert of_numbers("vtrap_slope", 1)(float(z)) == pytest.approx(
        expected, rel=1e-12, abs=1e-300
    )


def test_arithmetic_has_its_value_and_derivative():
    tree = (2 * X - Y / 3) ** 3 / (1 + X**2.0) - (-X + 7) * Y
    tree += call("fabs", Y - 2) * 2**X + (1 - X) ** 1.5
    values = dict(c0=0.37, c1=0.83)

    def reference(x, y):
        return (
            (2 * x - y / 3) ** 3 / (1 + x**2) - (7 - x) * y + abs(y - 2) * 2**x + (1 - x) ** 1.5
        )

    value = in_python(rate_code.to_sympy(tree, SYMBOLS), **values)
    assert value == pytest.approx(reference(0.37, 0.83), rel=1e-15)
    for number in range(2):
        with mpmath.workdps(30):
            at = (mpmath.mpf("0.37"), mpmath.mpf("0.83"))
            expected = float(mpmath.diff(reference, at, (1 - number, number)))
        assert in_python(derivative(tree, number), **values) == pytest.approx(
            expected, rel=1e-14
        )


def test_whole_powers_hold_for_negative_bases():
    for exponent in (2, 3.0, np.float64(-2), np.int64(3)):
        assert in_python(derivative(X**exponent, 0), c0=-1.7) == pytest.approx(
            exponent * (-1.7) ** (exponent - 1), rel=1e-15
        )


def test_numbers_keep_all_their_digits():
    numbers = [0.1, 1 / 3, 1e-300, 6.02214076e23, -2.0 / 7]
    for number in numbers:
        tree = number * X
        assert in_python(rate_code.to_sympy(tree, SYMBOLS), c0=1.0) == number


def test_differences_near_zero_are_not_multiplied_out():
    """3 (x - y) of near x and y keeps its digits; 3 x - 3 y would have lost them."""
    x, y = 0.1 + 1e-15, 0.1
    with rate_code.distribute(False):
        found = in_python(rate_code.to_sympy(3 * (X - Y), SYMBOLS), c0=x, c1=y)
    assert found == 3 * (x - y)


def test_text_of_an_expression_is_read_as_it_was_written():
    tree = 0.5 * X / (1 + call("exp", -(X - 15) / 1.15)) - X**2 * Y
    names = {"c0": 14.0, "c1": 0.3, "exp": math.exp}
    assert eval(str(tree), names) == 0.5 * 14 / (1 + math.exp(1 / 1.15)) - 14**2 * 0.3
    assert [str(leaf) for leaf in concentrations_in(tree)] == ["c0", "c0", "c0", "c1"]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: X + math.nan, "numbers in a rate must be finite, got nan"),
        (lambda: call("exp", "k"), "not 'k'"),
        (
            lambda: source(Law(X / (2 - 2 * Y**0), {0: 1}, "law")),
            "law: .* it divides by 0",
        ),
    ],
)
def test_what_is_no_rate_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_numpys_numbers_are_numbers():
    for number in (np.float64(2.5), np.int32(2), np.float32(2.5)):
        tree = Expression("*", number, X)
        assert type(tree.arguments[0]) in (int, float)
        assert tree.arguments[0] == number


def test_code_of_laws_depends_on_what_they_say_and_not_on_the_numbers_of_their_species():
    def laws(k, bound, size):
        k, bound, size = map(Concentration, (k, bound, size))
        return [
            Law(
                call("exp", bound) * k**2 - 3.5,
                {k.number: -1, bound.number: Expression("*", 2, size)},
                "one",
            ),
            Law(k / bound, {bound.number: 1}, "two"),
        ]

    def key(laws):
        return LawGroup(tuple(laws)).key

    assert key(laws(0, 1, 2)) == key(laws(7, 3, 5))
    assert source(*laws(0, 1, 2)) == source(*laws(7, 3, 5))
    others = [laws(0, 1, 2)[::-1], laws(0, 1, 1), laws(0, 1, 2)[:1]]
    assert len({key(each) for each in [laws(0, 1, 2), *others]}) == 4


def test_functions_of_lanes_have_symbols_of_their_own():
    """numba's cache folder brings code of several processes together, and tells it by these."""
    found = {
        id(each): each for each in vars(lane_functions).values() if hasattr(each, "py_func")
    }
    names = [each.py_func.__qualname__ for each in found.values()]
    assert len(names) > 20 and len(set(names)) == len(names)


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_step_computes_in_vector_registers(count):
    """Its code has divisions of several places at once, and none of one place."""
    laws = []
    for i in range(count):
        read, made = Concentration(i), Concentration((i + 1) % count)
        rate = call("log", 1 + call("exp", made / 3)) * read / (2 + made)
        laws.append(Law(rate, {i: -1, (i + 1) % count: 1}, f"law {i}"))
    never_compiled = f"{source(*laws)}\n# {uuid4()}"  # numba cannot show what it has loaded
    code = CompiledRates(never_compiled).numbas("step")
    words = re.findall(DIVISION[platform.machine()], code._library.get_asm_str())
    packed = [word for word in words if "pd" in word or ".2d" in word]
    assert len(packed) > count and len(packed) == len(words)
