r"""Fields whose decay is known in a closed box, and what a time step of each scheme makes of them.

In a box of n voxels along each edge, of which each is a unit of length, and with D = 1, the modes
of the second difference with closed faces are

    cos(pi k (i + 1/2) / n),    eigenvalue lambda_k = -4 sin(pi k / 2 n)**2,

so a step of r = D dt / h**2 multiplies the mode (k, l, m) by exp(a + b + c) if it is exact in time,
with a = r lambda_k, b = r lambda_l and c = r lambda_m. A scheme has a factor of its own in place of
it. Where space is continuous the factor is exp(-r (pi / n)**2 (k**2 + l**2 + m**2)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MEAN = 2.0  # of the fields, so that no concentration is negative
ROUGHNESS = 0.01

Factor = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def half_waves(edge: int, wavelength: float) -> int:
    """Half waves along an edge, whose length comes nearest to ``wavelength`` voxels for a wave."""
    return max(1, round(2 * edge / wavelength))


def mode(edge: int, k: int) -> np.ndarray:
    """Amplitudes of the mode of k half waves along x alone; shape (edge, edge, edge)."""
    centres = np.arange(edge) + 0.5
    wave = np.cos(np.pi * k * centres / edge)
    return np.broadcast_to(wave[:, None, None], (edge,) * 3)


def rough(edge: int) -> np.ndarray:
    """A field that has all modes, as random as concentrations near cells; always the same."""
    random = np.random.default_rng(edge)
    field = MEAN + 0.5 * mode(edge, half_waves(edge, 8))
    field += ROUGHNESS * random.standard_normal(field.shape)
    return field


def eigenvalues(edge: int) -> np.ndarray:
    """Eigenvalues of the second difference with closed faces, of shape (edge,)."""
    return -4 * np.sin(np.pi * np.arange(edge) / (2 * edge)) ** 2


def continuous(edge: int, k: int, r: float) -> float:
    """What the mode of k half waves decays to in a step, where space is continuous."""
    return float(np.exp(-r * (np.pi * k / edge) ** 2))


def factor_of(factor: Factor, edge: int, k: int, r: float) -> float:
    """What a scheme multiplies the mode of k half waves along x by in a step."""
    a = r * eigenvalues(edge)[k]
    none = np.zeros(1)
    return float(factor(np.array([a]), none, none)[0])


def stepped(factor: Factor, field: np.ndarray, r: float) -> np.ndarray:
    """What a step of a scheme makes of any field, by its amplitudes in all modes.

    Parameters
    ----------
    factor
        What the scheme multiplies a mode by.
    field
        Concentrations, of shape (edge, edge, edge).
    r
        D dt / h**2.
    """
    edge = len(field)
    waves = _orthonormal_waves(edge)
    a = r * eigenvalues(edge)
    amplitudes = _along_all_axes(waves, field)
    amplitudes *= factor(a[:, None, None], a[:, None], a)
    return _along_all_axes(waves.T, amplitudes)


def _orthonormal_waves(edge: int) -> np.ndarray:
    """Rows are the modes along one axis, each of length 1."""
    centres = np.arange(edge) + 0.5
    waves = np.cos(np.pi * np.outer(np.arange(edge), centres) / edge)
    waves *= np.sqrt(2 / edge)
    waves[0] = np.sqrt(1 / edge)
    return waves


def _along_all_axes(matrix: np.ndarray, field: np.ndarray) -> np.ndarray:
    for axis in range(3):
        field = np.moveaxis(np.tensordot(matrix, field, (1, axis)), 0, axis)
    return field


# What a step of each scheme multiplies a mode by.


def exact(a, b, c):
    """The exact decay in time."""
    return np.exp(a + b + c)


def explicit_euler(a, b, c):
    """Explicit Euler: u <- u + A u."""
    return 1 + (a + b + c)


def crank_nicolson(a, b, c):
    """Crank and Nicolson: (1 - A/2) u_new = (1 + A/2) u."""
    total = a + b + c
    return (1 + total / 2) / (1 - total / 2)


def douglas_gunn(a, b, c):
    """Douglas and Gunn: (1 - A_x/2) (1 - A_y/2) (1 - A_z/2) d = A u, u <- u + d."""
    return 1 + (a + b + c) / ((1 - a / 2) * (1 - b / 2) * (1 - c / 2))


SCHEMES = {
    "exact": exact,
    "explicit_euler": explicit_euler,
    "crank_nicolson": crank_nicolson,
    "douglas_gunn": douglas_gunn,
}
