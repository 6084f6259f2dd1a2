"""numba without SciPy, until a compiled function needs it.

When numba loads its first compiled function it imports SciPy's linear algebra, only to see whether
it is there. No function of ecsmpi calls it, and each process would spend a tenth of its start on
it. The user's functions that call it get it when they are compiled, as always.
"""

from importlib.util import find_spec


def put_off_scipy() -> None:
    """Let numba take SciPy's linear algebra for granted, where SciPy is installed.

    To be called before numba loads a compiled function.
    """
    import numba.np.linalg as linalg

    look = getattr(linalg, "ensure_blas", None)
    if look is None or find_spec("scipy") is None:
        return  # another numba, or nothing to put off
    linalg.ensure_blas = lambda: None
    try:
        import numba.np.arraymath as arraymath
    finally:
        linalg.ensure_blas = look
    arraymath.ensure_blas = look
