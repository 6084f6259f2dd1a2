"""Columns of text that are as wide as what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

GAP = 2  # spaces between columns


def aligned(lines: Sequence[Sequence[str]], least: Sequence[int]) -> Iterator[str]:
    """Lines of cells, each column aligned at its right.

    Parameters
    ----------
    lines
        Cells of each line, as many in each.
    least
        Characters of each column at least, with the gap before it.
    """
    widths = list(least)
    for line in lines:
        for column, cell in enumerate(line):
            widths[column] = max(widths[column], len(cell) + GAP)
    for line in lines:
        yield "".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
