"""Load a generated module, use it, and print where it lies and whether its code was cached."""

from ecsmpi.reactions import rate_calls, rate_code
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.expression import Concentration, Expression
from ecsmpi.reactions.rate_law import Law, LawGroup
import numpy as np

rate = Expression("*", 0.1234, Concentration(0))
code = CompiledRates(rate_code.source(LawGroup((Law(rate, {0: -1}, "decay"),))))
at, u = np.array([[0], [1]]), np.ones(1)
step, fields = code.step, rate_calls.addresses([u])
rate_calls.advance(
    step, at[0], at[1], 1.0, np.zeros((1, 1, 2)), np.zeros(1, dtype=bool), fields
)
assert abs(u[0] - 1 / 1.1234) < 1e-15
print(code.module.__file__, code.numbas("step").cache_hits)
