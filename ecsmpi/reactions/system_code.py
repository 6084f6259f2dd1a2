"""Source code that solves the linear systems of a step, in eight places at once.

Which entries of a matrix are 0 everywhere is known when code is made. So the unknowns fall into
blocks, each of which depends on itself and on blocks before it alone: the gate of a channel is a
block of its own, the current that it lets through depends on it. Blocks are solved in turn, and
what is known of earlier ones goes to the right-hand side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ecsmpi.reactions.lanes import LANES

Entries: TypeAlias = "list[str | None]"

UNROLLED = 4  # unknowns of a block up to which the elimination is written out


def solution(entries: Entries, right: list[str], first_row: int) -> list[str]:
    """Lines that assign w0, w1, ... the solution of (1 - matrix) w = right.

    Parameters
    ----------
    entries : (n * n,) the text of each entry of the matrix, row by row; None where it is always 0
    right : (n,) the text of each right-hand side
    first_row : of scratch memory that may be used
    """
    size = len(right)
    lines = []
    for block in _blocks(entries, size):
        right_of_block = []
        for row in block:
            known = right[row]
            for column in range(size):
                entry = entries[row * size + column]
                if column not in block and entry is not None:
                    known = f"fma(finite_or_zero({entry}), w{column}, {known})"
            right_of_block.append(known)
        lines += _solved(block, entries, size, right_of_block, first_row)
    return lines


def rows_needed(entries: Entries, size: int) -> int:
    """Rows of scratch memory that the lines of `solution` use."""
    largest = 0
    for block in _blocks(entries, size):
        if len(block) > UNROLLED:
            largest = max(largest, len(block))
    return largest * (largest + 1)


def _blocks(entries: Entries, size: int) -> list[list[int]]:
    """The unknowns in blocks, each after those that it depends on.

    They are the strongly connected components of the graph of the entries that are not 0 (Tarjan
    1972, SIAM J. Comput. 1:146).
    """
    number: dict[int, int] = {}  # of the unknowns, as they are met
    lowest: dict[int, int] = {}  # number of an open unknown that it leads to
    open_: list[int] = []
    found: list[list[int]] = []

    def visit(row: int) -> None:
        number[row] = lowest[row] = len(number)
        open_.append(row)
        for column in range(size):
            if entries[row * size + column] is None:
                continue
            if column not in number:
                visit(column)
                lowest[row] = min(lowest[row], lowest[column])
            elif column in open_:
                lowest[row] = min(lowest[row], number[column])
        if lowest[row] == number[row]:
            place = open_.index(row)
            found.append(sorted(open_[place:]))
            del open_[place:]

    for row in range(size):
        if row not in number:
            visit(row)
    return found


def _solved(
    block: list[int], entries: Entries, size: int, right: list[str], first_row: int
) -> list[str]:
    """Lines that assign the unknowns of a block."""

    def entry(i: int, j: int) -> str:
        text = entries[block[i] * size + block[j]]
        diagonal = float(i == j)
        return f"{diagonal} - finite_or_zero({text})" if text else f"spread({diagonal})"

    if len(block) == 1:
        return [f"w{block[0]} = ({right[0]}) / ({entry(0, 0)})"]
    if len(block) <= UNROLLED:
        return _unrolled(block, entry, right)
    return _elimination(block, entry, right, first_row)


def _unrolled(block: list[int], entry: Callable[[int, int], str], right: list[str]) -> list[str]:
    """Gaussian elimination with partial pivoting, written out.

    Rows change places by selection, without branches.
    """
    size = len(block)
    lines = []
    for i in range(size):
        lines += [f"a{i}_{j} = {entry(i, j)}" for j in range(size)]
        lines.append(f"a{i}_{size} = {right[i]}")
    for j in range(size):
        for i in range(j + 1, size):
            lines.append(f"swap = fabs(a{i}_{j}) > fabs(a{j}_{j})")
            for c in range(j, size + 1):
                lines += [
                    f"up = select(swap, a{i}_{c}, a{j}_{c})",
                    f"a{i}_{c} = select(swap, a{j}_{c}, a{i}_{c})",
                    f"a{j}_{c} = up",
                ]
        if j < size - 1:
            lines.append(f"inverse = -1.0 / a{j}_{j}")
        for i in range(j + 1, size):
            lines.append(f"factor = a{i}_{j} * inverse")
            for c in range(j + 1, size + 1):
                lines.append(f"a{i}_{c} = fma(factor, a{j}_{c}, a{i}_{c})")
    for j in reversed(range(size)):
        value = f"a{j}_{size}"
        for c in range(j + 1, size):
            value = f"fma(-a{j}_{c}, w{block[c]}, {value})"
        lines.append(f"w{block[j]} = {value} / a{j}_{j}")
    return lines


def _elimination(
    block: list[int], entry: Callable[[int, int], str], right: list[str], first_row: int
) -> list[str]:
    """The same by a loop, in scratch memory, for larger blocks."""
    size = len(block)

    def place(i: int, j: int) -> int:
        return (first_row + i * (size + 1) + j) * LANES

    lines = []
    for i in range(size):
        for j in range(size):
            lines.append(f"store(scratch, {place(i, j)}, {entry(i, j)})")
        lines.append(f"store(scratch, {place(i, size)}, {right[i]})")
    lines.append(f"solve(scratch, {first_row}, {size})")
    for i, unknown in enumerate(block):
        lines.append(f"w{unknown} = load(scratch, {place(i, size)})")
    return lines
