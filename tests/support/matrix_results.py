"""What came of a cell of `scripts/test-matrix`: read from pytest, stored, read again."""

from dataclasses import asdict, dataclass, field
import json
import os
from xml.etree import ElementTree

from support.matrix_cells import Cell

PASSED = "passed"
FAILED = "failed"
MISSING = "not to be had"


@dataclass(frozen=True)
class Result:
    """What came of one cell.

    Attributes
    ----------
    outcome : PASSED, FAILED or MISSING
    form : "short", "whole", or "selected" by --select
    commit : that the cell ran
    date : as 2026-01-31
    reason : why it failed or cannot be had
    versions : {what: version} of its environment
    passed, failed, skipped : numbers of tests
    failures : names of tests that failed
    minutes : that the tests took
    """

    cell: Cell
    outcome: str
    form: str
    commit: str
    date: str
    reason: str = ""
    versions: dict = field(default_factory=dict)
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple = ()
    minutes: float = 0.0

    @property
    def counts(self):
        """As "201 passed, 2 skipped in 4.1 min"; "" where no test ran."""
        numbers = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
        words = [f"{number} {what}" for what, number in numbers.items() if number]
        return f"{', '.join(words)} in {self.minutes:.1f} min" if words else ""


@dataclass(frozen=True)
class Counts:
    """Numbers of tests, and the names of those that failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple = ()


def read_report(report):
    """Read pytest's --junitxml; None where it is missing or breaks off."""
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None
    outcomes = {case: {child.tag for child in case} for case in cases}
    broken = [case for case, tags in outcomes.items() if tags & {"failure", "error"}]
    skipped = [case for case, tags in outcomes.items() if "skipped" in tags]
    names = sorted({_name(case) for case in broken})
    passed = len(cases) - len(broken) - len(skipped)
    return Counts(passed, len(broken), len(skipped), tuple(names))


def _name(case):
    """As pytest names a test of tests/: "ranks/test_launch.py::test_one[2]"."""
    path = case.get("classname", "").removeprefix("tests.").replace(".", "/")
    return f"{path}.py::{case.get('name')}"


def read_published(path):
    """{cell: result} of a file that `write_published` has made; empty where there is none."""
    if not path.exists():
        return {}
    try:
        results = [_result_of(stored) for stored in json.loads(path.read_text())]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has no results: {error}; bring it back from git") from error
    return {result.cell: result for result in results}


def write_published(path, results):
    """Write {cell: result} to one file, a line for each."""
    lines = [json.dumps(asdict(result)) for result in results.values()]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _result_of(stored):
    """The Result that was stored as a dict."""
    cell, failures = Cell(**stored["cell"]), tuple(stored["failures"])
    return Result(**(stored | {"cell": cell, "failures": failures}))


class Store:
    """Results in a folder, one JSON file for each cell and form."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, cell, form, suffix=".json"):
        """Where a result lies; with another suffix its log or report."""
        return self.folder / f"{cell.name}.{form}{suffix}"

    def save(self, result):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(result.cell, result.form)
        fresh = path.with_suffix(".part")
        fresh.write_text(json.dumps(asdict(result), indent=1) + "\n")
        os.replace(fresh, path)

    def load(self, cell, form):
        """The stored result, or None. ValueError names a file that is none."""
        path = self.path(cell, form)
        try:
            return _result_of(json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no result: {error}; remove it") from error

    def all(self, cells, form):
        """{cell: result} of the cells that have one."""
        found = {cell: self.load(cell, form) for cell in cells}
        return {cell: result for cell, result in found.items() if result is not None}
