"""The compiled loops: vector instructions where the time goes, the same bits from any number of
threads.
"""

import platform
import re

from ecsmpi.solver import entry_kernels, heterogeneous_kernels, plane_kernels, row_kernels
import numba
import numpy as np
import pytest

row, places, number = (
    numba.types.Array(numba.float64, 1, "C"),
    numba.types.Array(numba.uint32, 1, "C"),
    numba.float64,
)
HOT = {
    "_fluxes": (*[row] * 10, *[number] * 3, *[row] * 3),
    "_up_rows": (row, row, number, row, row, row),
    "_down_rows": (row, number, row, row, row),
    "_times": (row, row, row),
    "_add_product": (row, row, row),
    "_up_tile": (row, row, row, number),
    "_down_tile": (row, row, row, number),
    "second_differences": (number, number, *[row] * 7, number, number, row),
    "up_row": (row, row, number, number),
    "scale_row": (row, number),
    "add_scaled": (row, number, row),
    "carry_row": (row, row, number, number),
    "_sum_of_products": (row, places, row, numba.uint32, numba.uint32),
    "gap_to": (number, row, row),
}
PACKED = {  # arithmetic on several doubles at once
    "x86_64": r"\bv(add|sub|mul|fn?m(add|sub)\d*)pd\s.*%[yz]mm",
    "aarch64": r"\bf(add|sub|mul|mla|mls)\s+(v\d+\.2d|z\d+\.d)",
}


def _kernel(name):
    modules = row_kernels, plane_kernels, heterogeneous_kernels, entry_kernels
    return next(getattr(module, name) for module in modules if hasattr(module, name))


@pytest.mark.parametrize("name", HOT)
def test_hot_loops_are_vector_instructions(name):
    """Compiled anew with the kernels' own options, since a cached kernel does not show its
    instructions.
    """
    options = {**_kernel(name).targetoptions, "cache": False}
    compiled = numba.jit(HOT[name], **options)(_kernel(name).py_func)
    (assembly,) = compiled.inspect_asm().values()
    machine = platform.machine()
    if machine not in PACKED:
        pytest.skip(f"what a vector instruction looks like on {machine} is not known here")
    assert re.search(PACKED[machine], assembly), f"{name} takes one double at a time on {machine}"


THREADED = """
    import sys
    import numpy as np
    from mpi4py import MPI
    from ecsmpi.solver import kernels
    from ecsmpi.description.grid import Box
    from ecsmpi.description.model import SpeciesSpec, Tissue
    from ecsmpi.description.profiles import ArrayProfile
    from ecsmpi.description.decomposition import Slabs
    from ecsmpi.solver.exchange import plan_exchange
    from ecsmpi.solver.slab_field import SlabField
    from ecsmpi.solver.stepper import Stepper

    def advanced(shape, threads, dt, varies):
        kernels.set_threads(threads)
        assert kernels.threads() == threads
        rng = np.random.default_rng(7)
        box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), shape)
        ions = [SpeciesSpec("k", (1.0, 0.7, 1.3), 1), SpeciesSpec("na", (1.3, 1.0, 0.7), 1, 2.0)]
        fields = [SlabField(box, (0, shape[0])) for _ in ions]
        for field in fields:
            field.owned[:] = rng.random(shape)
        tissue = Tissue(ArrayProfile(rng.random(shape))) if varies else Tissue()
        comm, voxels = MPI.COMM_WORLD, rng.integers(0, box.voxels, 500)
        exchange = plan_exchange(comm, Slabs(shape[0], 1), box.plane, voxels, len(ions))
        stepper = Stepper(comm, box, tissue, ions, fields, exchange)
        at_entries, ones = rng.random((2, 500)), np.ones(500)
        at = np.arange(500, dtype=np.uint32)
        for _ in range(3):
            for f, values in enumerate(at_entries):
                exchange.add_sources(f, values, at, ones, dt)
            stepper.advance(dt, 0.0)
            for f, values in enumerate(at_entries):
                exchange.scatter_values(f, values, at)
        stepper.free()
        exchange.free()
        return np.concatenate([*(field.owned.reshape(-1) for field in fields), at_entries.reshape(-1)])

    shapes = [(6, 61, 400), (40, 11, 16), (1, 130, 200), (3, 1, 2000)]  # rows and planes do not divide evenly
    np.savez(sys.argv[1], **{f"{shape} {dt} {varies} {threads}": advanced(shape, threads, dt, varies)
                             for shape in shapes for dt in (0.01, 5.0) for varies in (False, True) for threads in (1, 2, 3)})
"""


def test_any_number_of_threads_gives_the_same_bits(on_ranks):
    found = on_ranks(1, THREADED, env={"NUMBA_NUM_THREADS": 3})
    for key, bits in found.items():
        alone = found[key.rpartition(" ")[0] + " 1"]
        np.testing.assert_array_equal(
            bits, alone, err_msg=f"shape, dt, whether tissue varies, threads: {key}"
        )
    assert len(found) == 48
