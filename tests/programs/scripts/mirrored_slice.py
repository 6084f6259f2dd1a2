"""scripts/models/slice.py with neurons that lie in all eighths of the slice as they do in one.

python mirrored_slice.py OPTIONS_OF_SLICE...
"""

import itertools
from pathlib import Path
import runpy
import sys

import numpy as np

FOLDER = Path(__file__).resolve().parents[3] / "scripts" / "models"
sys.path.insert(0, str(FOLDER))
import placement  # noqa: E402

drawn = placement.centres


def in_all_eighths(count, half_lengths, margin):
    """Positions in one eighth, and their mirror images in the others."""
    first = abs(drawn(count // 8, half_lengths, margin))
    return np.concatenate([first * signs for signs in itertools.product((1, -1), repeat=3)])


placement.centres = in_all_eighths
runpy.run_path(str(FOLDER / "slice.py"), run_name="__main__")
