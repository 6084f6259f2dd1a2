"""Where two restarted runs differ."""

import numpy as np


def differences(found, expected, tolerance):
    """Return the names of the arrays that differ by more than a relative tolerance."""
    differing = []
    for name, value in expected.items():
        if name == "began":
            continue
        if not np.all(np.abs(found[name] - value) <= tolerance * np.abs(value).max()):
            differing.append(name)
    return differing
