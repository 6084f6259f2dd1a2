"""The tables of `scripts/test-matrix`: on the screen, and in docs/reference/tested.md."""

from support.matrix_cells import AXES, NAMES, Cell
from support.matrix_results import FAILED, PASSED

BEGIN = "<!-- scripts/test-matrix writes from here -->"
END = "<!-- to here -->"


def screen_table(cells, results):
    """A line for each cell, and lines for what failed."""
    lines = []
    for cell in cells:
        result = results.get(cell)
        outcome = "not run" if result is None else result.outcome
        told = "" if result is None else _told(result)
        line = f"{cell.mpi:<13} {cell.neuron:<8} {cell.python:<5} {outcome:<14} {told}"
        lines.append(line.rstrip())
        if result is not None:
            lines += [f"    {name}" for name in result.failures]
    head = f"{'mpi':<13} {'neuron':<8} {'python':<5}"
    return "\n".join([head.rstrip(), *lines])


def _told(result):
    return "; ".join(filter(None, [result.counts, result.reason]))


def page_tables(results):
    """The part of the page that the results make, in Markdown."""
    systems = {result.versions.get("system") for result in results.values()} - {None}
    parts = ["\n".join(_overview(results)), "\n".join(_details(results))]
    if systems:
        parts.insert(0, f"On {' and '.join(sorted(systems))}.")
    failures = _failures(results)
    if failures:
        parts.append("\n".join(failures))
    return "\n\n".join(parts)


def with_tables(page, tables):
    """The page with the tables in their place. ValueError where the marks are missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}"


def _overview(results):
    """A row for each Python and NEURON, a column for each MPI."""
    yield f"| | | {' | '.join(NAMES[mpi] for mpi in AXES['mpi'])} |"
    yield "|---" * (2 + len(AXES["mpi"])) + "|"
    for python in AXES["python"]:
        for neuron in AXES["neuron"]:
            row = [results.get(Cell(mpi, neuron, python)) for mpi in AXES["mpi"]]
            words = ["not run" if result is None else result.outcome for result in row]
            yield f"| Python {python} | NEURON {neuron} | {' | '.join(words)} |"


def _details(results):
    """A row for each cell that has run, with versions in full."""
    yield "| MPI | NEURON | Python | HDF5, h5py | mpi4py, numpy, numba | tests | date, commit |"
    yield "|---|---|---|---|---|---|---|"
    for result in results.values():
        if not result.versions:
            continue
        had = result.versions
        columns = [
            had["MPI"],
            had["NEURON"],
            had["Python"],
            f"{had['HDF5']}; {had['h5py']}",
            f"{had['mpi4py']}, {had['numpy']}, {had['numba']}",
            result.counts,
            f"{result.date}, {result.commit[:9]}",
        ]
        yield f"| {' | '.join(columns)} |"


def _failures(results):
    """Why cells did not pass."""
    lines = []
    for cell, result in results.items():
        if result.outcome == PASSED:
            continue
        names = ", ".join(f"`{name}`" for name in result.failures)
        why = "; ".join(filter(None, [result.reason, names]))
        word = "failed" if result.outcome == FAILED else "cannot be had"
        lines.append(f"- {cell} {word}: {why}.")
    return lines
