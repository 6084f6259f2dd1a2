"""Share a loop where the machine starts one thread of three: prints how many there are, and why."""

import errno
import warnings

from ecsmpi.kernels import workers
from ecsmpi.solver import entry_kernels, threads
import numpy as np

start_one = workers._start_one
workers._start_one = lambda library, number, work: (
    errno.EAGAIN if number > 1 else start_one(library, number, work)
)
sums, out = np.zeros((100_000, 4), dtype=np.int64), np.zeros(100_000)
sums[:, 0] = 1
nothing = np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.uint32)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    for _ in range(3):
        threads.use(4)
        entry_kernels.add_limbs_at(*nothing, sums, out)
assert (out == entry_kernels.UNITS[0]).all()
print(workers.started(), len(found), found[0].message)
