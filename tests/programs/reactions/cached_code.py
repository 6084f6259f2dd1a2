"""Load a generated module, use it, and print where it lies and whether its code was cached."""

from ecsmpi.reactions import rate_code
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.expression import Concentration, Expression
from ecsmpi.reactions.rate_law import Law, LawGroup
import numpy as np

from support.compiled_laws import step

rate = Expression("*", 0.1234, Concentration(0))
code = CompiledRates(rate_code.source(LawGroup((Law(rate, {0: -1}, "decay"),))))
u = np.ones(1)
assert not step(code, [u], 1.0)
assert abs(u[0] - 1 / 1.1234) < 1e-15
print(code.module.__file__, code.numbas("step").cache_hits)
