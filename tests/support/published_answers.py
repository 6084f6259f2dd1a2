"""What a run of a published model has left, and where two runs of it disagree."""

from dataclasses import dataclass
from pathlib import Path
import re

import numpy as np

PICTURES = {".png", ".mp4", ".gif"}
# Files of which each rank leaves its own.
OF_A_RANK = re.compile(r"_\d+\.pkl$|_concentrations_\d+\.npy$|save_test_\d+\.dat$")


@dataclass(frozen=True)
class Answer:
    """The end of a run: arrays of boxes and cells, paths of the files left, ms a step.

    Arrays and paths are by name.
    """

    arrays: dict
    files: dict
    step: float


def answer(result: Path, folder: Path, before: set, serial: bool = False) -> Answer:
    """Read what the ranks left by the name `result`, and the new files in `folder`.

    serial: the ranks have the same cells.
    """
    parts = []
    for path in sorted(result.parent.glob(f"{result.name}.*.npz")):
        with np.load(path) as saved:
            parts.append(dict(saved))
    if not parts:
        raise ValueError("no rank has left the state of its model")
    left = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in before:
            left[name] = path
    arrays = _cells(parts[:1] if serial else parts)
    for name, array in parts[0].items():
        if name.startswith("box "):
            arrays[name] = array
    return Answer(arrays, left, 1e3 * float(np.median(parts[0]["seconds"])))


def _cells(parts: list) -> dict:
    """Return the variables of the cells of all ranks, in the order of the cells' places."""
    parts = [part for part in parts if len(part["place"])]
    if not parts:
        return {}
    order = np.lexsort(np.concatenate([part["place"] for part in parts]).T)
    names = set.intersection(*(set(part) for part in parts))
    ours = [name for name in names if name == "place" or name.startswith("cell ")]
    return {name: np.concatenate([part[name] for part in parts])[order] for name in ours}


def disagreements(found: Answer, expected: Answer, tolerance: float) -> tuple[float, list]:
    """Return the largest relative difference of all arrays, and sentences on what disagrees."""
    said, worst = [], 0.0
    pairs = {}
    for name, array in expected.arrays.items():
        pairs[name] = found.arrays.get(name), array
    for name, path in expected.files.items():
        if name.endswith((".npy", ".txt")) and not OF_A_RANK.search(name):
            pairs[name] = _numbers(found.files.get(name)), _numbers(path)
    for name, (mine, theirs) in sorted(pairs.items()):
        if mine is None or mine.shape != theirs.shape:
            shape = "missing" if mine is None else mine.shape
            said.append(f"{name}: {shape} where NEURON has {theirs.shape}")
            continue
        difference = _relative(mine, theirs)
        worst = max(worst, difference)
        if not difference <= tolerance:  # NaN is not
            said.append(f"{name}: a relative {difference:.2g}")
    for name in sorted(expected.files.keys() - found.files.keys()):
        if _is_picture(name):
            said.append(f"{name}: no such picture")
    return worst, said


def _numbers(path: Path | None) -> np.ndarray | None:
    if path is None:
        return None
    return np.load(path) if path.suffix == ".npy" else np.loadtxt(path, ndmin=2)


def _relative(mine: np.ndarray, theirs: np.ndarray) -> float:
    if not theirs.size:
        return 0.0
    scale = np.abs(theirs).max() or 1.0
    return float(np.abs(mine - theirs).max() / scale)


def _is_picture(name: str) -> bool:
    return Path(name).suffix in PICTURES
