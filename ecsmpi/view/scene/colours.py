"""Colours of what is not a concentration."""

from __future__ import annotations

from typing import NamedTuple

MARKERS = ("#ff7f50", "#4fc3f7", "#aed581", "#f06292", "#ffd54f", "#b39ddb")  # and their traces


class Theme(NamedTuple):
    """Colours of the background, of text, of lines, and of cells."""

    background: str
    ink: str
    faint: str
    cells: str


DARK = Theme("#0f1318", "#e6e9ee", "#6b7685", "#c3ccd8")
LIGHT = Theme("#ffffff", "#1d2430", "#8a93a0", "#5d6877")
