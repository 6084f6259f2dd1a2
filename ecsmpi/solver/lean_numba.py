"""numba without SciPy until a compiled function needs it.

With the first compiled function that it loads, numba imports SciPy's linear algebra, only to see
whether it is there. No function of ecsmpi calls it, and each process would pay a tenth of its start
for it. Functions of the user that call it get it when they are compiled, as always.
"""

from importlib.util import find_spec


def put_off_scipy() -> None:
    """Let numba believe in SciPy's linear algebra where SciPy is installed. Before it loads a
    compiled function.
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
