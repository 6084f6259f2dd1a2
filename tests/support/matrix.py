"""Run tests with each MPI, NEURON and Python that can be had: `scripts/test-matrix`.

Each cell is a clone of HEAD with an environment of its own, made by scripts/setup and removed after
the cell. A result is a file in the work folder, so the cells can be run in parts: those that have a
result of this commit are not run again. The status is 1 where a cell has failed; a cell that cannot
be had here is told with its reason.
"""

import argparse
import fcntl
from pathlib import Path
import shlex
import signal
import subprocess
import sys

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from support import matrix_cells, matrix_table  # noqa: E402
from support.matrix_results import (  # noqa: E402
    FAILED,
    MISSING,
    Store,
    read_published,
    write_published,
)
from support.matrix_runs import LIST, Request, run_cell  # noqa: E402

ROOT = TESTS.parent
PAGE = ROOT / "docs" / "reference" / "tested.md"
PUBLISHED = PAGE.with_suffix(".json")  # what the page shows, also of runs on other machines
OF_RUNS = ("select", "whole", "again", "fresh", "keep")


def main(argv=None):
    """Run the command; its exit status."""
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        refuse_without_effect(options)
        cells = matrix_cells.chosen_cells(options.only)
        store = Store(options.work / "results")
        if options.docs:
            return write_page(cells, store)
        if options.list:
            return show(cells, store.all(cells, "short"))
        request = requested(options)
        with only_one(options.work):
            return run(cells, request, store, options.again or options.fresh)
    except (ValueError, OSError) as error:
        print(f"test-matrix: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("test-matrix: interrupted; what had a result is kept", file=sys.stderr)
        return 130


def parser():
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="scripts/test-matrix", description=__doc__, formatter_class=_Form
    )
    made.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="AXIS=VALUE,...",
        help="cells, e.g. mpi=mpich,neuron=nightly,python=3.12; several times for more "
        f"({matrix_cells.in_words()})",
    )
    made.add_argument("--list", action="store_true", help="show the cells and their results")
    made.add_argument(
        "--docs", action="store_true", help="write the results into docs/reference/tested.md"
    )
    made.add_argument(
        "--select", metavar="ARGUMENTS", help="pytest's arguments, instead of the short form"
    )
    made.add_argument(
        "--whole", action="store_true", help=f"all tests, instead of those of {LIST}"
    )
    made.add_argument(
        "--again", action="store_true", help="also cells that have a result of this commit"
    )
    made.add_argument("--fresh", action="store_true", help="--again, in environments made anew")
    made.add_argument("--keep", action="store_true", help="leave the environments")
    made.add_argument(
        "--work",
        type=Path,
        default=ROOT / "build" / "matrix",
        metavar="DIR",
        help="folder of environments and results (build/matrix)",
    )
    return made


class _Form(argparse.RawDescriptionHelpFormatter):
    """The description as it is written."""


def refuse_without_effect(options):
    """ValueError where an option would do nothing beside another."""
    shows = [name for name in ("list", "docs") if getattr(options, name)]
    if len(shows) == 2:
        raise ValueError("--list and --docs are two commands: give one")
    for name in OF_RUNS:
        if shows and getattr(options, name):
            raise ValueError(f"--{name} has no effect with --{shows[0]}, which runs nothing")
    if options.docs and options.only:
        raise ValueError("--only has no effect with --docs, which writes all cells")
    if options.whole and options.select is not None:
        raise ValueError("--select chooses tests and --whole takes all: give one")
    if options.again and options.fresh:
        raise ValueError("--again has no effect with --fresh, which runs all cells again")


def requested(options):
    """The Request of a run, at HEAD."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("test-matrix: cells have HEAD, without what is not committed", file=sys.stderr)
    form = "whole" if options.whole else "short"
    arguments = ()
    if options.select is not None:
        form = "selected"
        arguments = tuple(shlex.split(options.select))
    return Request(
        root=ROOT,
        work=options.work.resolve(),
        commit=_git("rev-parse", "HEAD"),
        form=form,
        arguments=arguments,
        fresh=options.fresh,
        keep=options.keep,
    )


def _git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(f"{ROOT} must be a clone of the repository: {done.stderr.strip()}")
    return done.stdout.strip()


class only_one:
    """Hold the work folder; ValueError where another run holds it."""

    def __init__(self, work):
        work.mkdir(parents=True, exist_ok=True)
        self.work = work

    def __enter__(self):
        self.file = (self.work / "lock").open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.close()
            raise ValueError(f"another test-matrix works in {self.work}: give --work") from None

    def __exit__(self, *_):
        self.file.close()


def run(cells, request, store, again):
    """Run the cells that need it, print the table; status 1 where a cell has failed."""
    for cell in cells:
        result = store.load(cell, request.form)
        if not again and has_result(result, request):
            continue

        def say(words, cell=cell):
            print(f"{cell}: {words}", flush=True)

        result = run_cell(cell, request, store, say)
        store.save(result)
        say(", ".join(filter(None, [result.outcome, result.counts, result.reason])))
    results = store.all(cells, request.form)
    return show(cells, results)


def has_result(result, request):
    """Is a stored result one of this request? What could not be had is tried again."""
    if result is None or result.outcome == MISSING or request.form == "selected":
        return False
    return result.commit == request.commit


def show(cells, results):
    """Print the table; status 1 where a cell has failed."""
    print(matrix_table.screen_table(cells, results))
    return int(any(result.outcome == FAILED for result in results.values()))


def write_page(cells, store):
    """Write the results of the short form into the page, beside those of earlier runs."""
    fresh = store.all(cells, "short")
    if not fresh:
        raise ValueError(f"no results in {store.folder}: run scripts/test-matrix first")
    known = read_published(PUBLISHED) | fresh
    results = {cell: known[cell] for cell in cells if cell in known}
    write_published(PUBLISHED, results)
    tables = matrix_table.page_tables(results)
    PAGE.write_text(matrix_table.with_tables(PAGE.read_text(), tables))
    print(f"{len(results)} of {len(cells)} cells in {PAGE}")
    return show(cells, results)


if __name__ == "__main__":
    sys.exit(main())
