"""SciPy's cosine transform: each mode decays as it must, so a step is exact in time.

`scipy.fft.dctn` of type 2 has the modes of a box with closed faces.
"""

import numpy as np
from scipy import fft


class Box:
    """A closed box whose modes are multiplied by their decay."""

    def __init__(self, edge, r):
        eigenvalues = -4 * np.sin(np.pi * np.arange(edge) / (2 * edge)) ** 2
        total = eigenvalues[:, None, None] + eigenvalues[:, None] + eigenvalues
        self._decay = np.exp(r * total)
        self._field = np.zeros((edge,) * 3)

    def set(self, field):
        """Take the concentrations of a field."""
        self._field[:] = field

    def advance(self, steps):
        """Make some steps, each by itself, as a model with sources has to."""
        for _ in range(steps):
            amplitudes = fft.dctn(self._field, type=2, overwrite_x=True)
            amplitudes *= self._decay
            self._field = fft.idctn(amplitudes, type=2, overwrite_x=True)

    def field(self):
        """The concentrations."""
        return self._field
