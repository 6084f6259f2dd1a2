"""What the page lets one choose, as the values that it begins with: plain numbers and text."""

from __future__ import annotations

from typing import Any

from ecsmpi.plots.options import SEQUENTIAL
from ecsmpi.view.scene.camera import flat_axis
from ecsmpi.view.scene.colour_scale import FIRST_MAP
from ecsmpi.view.value_range import ValueRange

FASTEST = 30.0  # frames a second

# Of the page as a whole; what depends on the file comes with the file.
FIRST: dict[str, Any] = {
    "file_titles": [],
    "file_number": 0,
    "choice_items": [],
    "choice": "",
    "species_items": [],
    "species": None,
    "frame_count": 0,
    "frame_number": 0,
    "time_text": "",
    "playing": False,
    "repeating": True,
    "fps": 8,
    "has_depth": True,
    "volume_on": True,
    "opacity": 0.6,
    "surfaces_on": False,
    "surface_text": "",
    "surface_value": 0.0,
    "between_on": False,
    "between_ends": [0.0, 1.0],
    "between_text": "",
    "cells_on": True,
    "cells_count": 0,
    "thickness": 1.0,
    "axes_on": True,
    "dark": True,
    "colours": FIRST_MAP,
    "colour_items": list(SEQUENTIAL),
    "logarithmic": False,
    "limits_kind": "all",
    "limits_lo": "",
    "limits_hi": "",
    "value_lo": 0.0,
    "value_hi": 1.0,
    "value_step": 0.01,
    "traces": [],
    "chart": "",
    "point_text": "",
    "notes": [],
    "problem": "",
    "following": False,
    "lost": False,
    "drawings": 0,
}

AXES = ("x", "y", "z")


def of_grid(shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the choices about slices in a box of so many voxels.

    In a flat box its one layer is shown; else slices begin in the middle, hidden.
    """
    found: dict[str, Any] = {"has_depth": min(shape) > 1}
    for a, axis in enumerate(AXES):
        found[f"slice_{axis}_on"] = False
        found[f"slice_{axis}"] = shape[a] // 2
        found[f"slice_{axis}_last"] = shape[a] - 1
        found[f"slice_{axis}_text"] = ""
    across = flat_axis(shape)
    if across is not None:
        found[f"slice_{AXES[across]}_on"] = True
    return found


def of_values(values: ValueRange) -> dict[str, Any]:
    """Return the choices about the values of a species."""
    kind = "most" if values.is_wide else "all"
    span = values.most if values.is_wide else values.all
    width = span.hi - span.lo
    surface = span.lo + 0.5 * width
    return {
        "limits_kind": kind,
        "value_lo": values.all.lo,
        "value_hi": values.all.hi,
        "value_step": max((values.all.hi - values.all.lo) / 500, 1e-12),
        "surface_value": float(f"{surface:.3g}"),
        "surface_text": "",
        "between_ends": [float(f"{surface:.3g}"), values.all.hi],
    }


def numbers(text: str, what: str) -> list[float]:
    """Return the numbers of a text, between commas or spaces.

    Raises ValueError that says which word is none.
    """
    found = []
    for word in str(text or "").replace(",", " ").split():
        try:
            value = float(word)
        except ValueError:
            raise ValueError(f"{what}: {word!r} is not a number") from None
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{what}: {word!r} is not finite")
        found.append(value)
    return found
