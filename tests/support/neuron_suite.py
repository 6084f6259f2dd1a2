"""NEURON's own tests of rxd, run with ecsmpi's rxd: `scripts/test-neuron-suite DIR`.

DIR is a checkout of NEURON, or its folder test/rxd, with the reference data of the submodule in
test/rxd/testdata. The command copies the folder, puts a conftest.py of its own in the place of the
suite's, which hands out ecsmpi's rxd, compiles the mechanisms, and runs each test in processes of
its own. The tests compare with the suite's reference data, which are of one process.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from support import notebook  # noqa: E402
from support.ranks import mpirun  # noqa: E402

CONFTEST = TESTS / "programs" / "against_neuron" / "neuron_suite_conftest.py"
# Not captured: under MPI an error in a step ends the process before pytest can show what it has
# captured.
PYTEST = ["python", "-m", "pytest", "-q", "-s", "--color=no", "-p", "no:cacheprovider"]

PASS = "pass"
REFUSED = "refused"
SKIPPED = "skipped"
DIFFERS = "differs"
FAILS = "fails"
HANGS = "hangs"
WRONG = (DIFFERS, FAILS, HANGS)

VARIABLE_STEP = "the variable time step is not supported"

# Tests that differ, and why. What is refused by design raises MissingFeature, or names the variable
# time step.
KNOWN = {
    "test_empty_regions.py::test_empty_region_ecs_reaction": (
        "the derivative of a rate is exact here, and a difference quotient over 1.2e-7 mM in NEURON"
    ),
    "test_pltvar.py::test_plt_variable": (
        "now and then: NEURON's PlotShape begins with a range of colours that nobody has set"
    ),
}


@dataclass(frozen=True)
class Verdict:
    """What came of one test on some ranks."""

    what: str
    why: str = ""


def main(argv=None, known=KNOWN) -> int:
    """Run the command; its exit status."""
    options = parser().parse_args(argv)
    if options.notebook:
        if not options.notebook.is_file():
            print(f"test-neuron-suite: no notebook {options.notebook}", file=sys.stderr)
            return 2
        files = options.files or options.notebook.parent
        return notebook.run(
            options.notebook, options.ranks, options.frames, files, options.seconds
        )
    if options.folder is None:
        parser().error("give DIR, a checkout of NEURON, or --notebook FILE")
    try:
        suite = suite_folder(options.folder)
    except ValueError as error:
        print(f"test-neuron-suite: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="neuron-suite-") as folder:
        copy = Path(folder) / "rxd"
        copy_suite(suite, copy)
        tests, left_out = collect(copy, options.k)
        for name, why in left_out.items():
            print(f"{name}: skipped, {why}")
        if not tests:
            print(
                f"test-neuron-suite: no test of {suite} is called {options.k!r}",
                file=sys.stderr,
            )
            return 2
        verdicts = run_all(copy, tests, options.ranks, options.seconds)
    return report(verdicts, options.ranks, known)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/test-neuron-suite", description=__doc__.split("\n\n")[0]
    )
    made.add_argument(
        "folder",
        metavar="DIR",
        type=Path,
        nargs="?",
        help="a checkout of NEURON, or its folder test/rxd",
    )
    made.add_argument(
        "--ranks", type=int, nargs="+", default=[1, 2, 3], metavar="P", help="default: 1 2 3"
    )
    made.add_argument(
        "-k", metavar="WORDS", default="", help="only tests that match, as in pytest's -k"
    )
    made.add_argument(
        "--seconds", type=float, default=300, help="the most that a test may take (default 300)"
    )
    made.add_argument(
        "--notebook", type=Path, metavar="FILE", help="run the cells of a notebook instead"
    )
    made.add_argument(
        "--files",
        type=Path,
        metavar="DIR",
        help="has what the notebook downloads (default: its own folder)",
    )
    made.add_argument(
        "--frames",
        type=int,
        default=50,
        metavar="N",
        help="the most that an animation has (default 50)",
    )
    return made


# ---------------------------------------------------------------- the copy


def suite_folder(given: Path) -> Path:
    """The folder of the suite in what the user gave. ValueError where there is none."""
    for folder in (given, given / "test" / "rxd"):
        if (folder / "testutils.py").is_file() and list(folder.rglob("test_*.py")):
            return folder.resolve()
    raise ValueError(
        f"{given} is neither a checkout of NEURON nor its folder test/rxd: "
        "there are no testutils.py and test_*.py; "
        "git clone --recurse-submodules https://github.com/neuronsimulator/nrn"
    )


def copy_suite(suite: Path, copy: Path) -> None:
    """Copy the suite to `copy` with another conftest.py, and compile its mechanisms."""
    shutil.copytree(
        suite, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", "x86_64", "arm64")
    )
    shutil.copy(CONFTEST, copy / "conftest.py")
    if not list(copy.glob("testdata/test/*.dat")):
        print(
            f"test-neuron-suite: no reference data in {suite}/testdata, "
            "so that most tests will fail: git submodule update --init test/rxd/testdata",
            file=sys.stderr,
        )
    if list(copy.glob("*.mod")):
        done = subprocess.run(["nrnivmodl", "."], cwd=copy, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(
                f"test-neuron-suite: nrnivmodl failed\n{done.stdout}\n{done.stderr}"
            )


def collect(copy: Path, words: str) -> tuple[list, dict]:
    """Names of the tests, as pytest has them; and {file: why} of files that cannot be imported."""
    record = copy / "collected"
    argv = [*PYTEST, "--collect-only", "--continue-on-collection-errors"]
    if words:
        argv += ["-k", words]
    mpirun(None, argv, cwd=copy, env=environment(copy, record), timeout=600)
    tests, left_out = [], {}
    for said in lines_of(record, 0):
        if "collected" in said:
            tests.append(said["collected"])
        else:
            left_out[said["file"]] = said["text"]
    return tests, left_out


def environment(copy: Path, record: Path) -> dict:
    """Return the environment of a test, which finds the folder's own modules, such as testutils."""
    path = [str(copy), os.environ.get("PYTHONPATH")]
    return {
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), *filter(None, path)]),
        "SUITE_RECORD": str(record),
        "PYTEST_ADDOPTS": None,
        "MPLBACKEND": "Agg",
        "ECSMPI_TIMEOUT": "60",
    }


def lines_of(record: Path, rank: int) -> list:
    """What a rank has put on record."""
    path = Path(f"{record}.{rank}")
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


# ---------------------------------------------------------------- running


def run_all(copy: Path, tests: list, all_ranks: list, seconds: float) -> dict:
    """Return {test: {ranks: Verdict}}, and print a line for each test as soon as it has run."""
    width = max(map(len, tests))
    print(
        f"{'test':{width}}" + "".join(f"  {number_of(ranks):8}" for ranks in all_ranks),
        flush=True,
    )
    cores = len(os.sched_getaffinity(0))
    verdicts = {}

    def run_test(number_and_test):
        number, test = number_and_test
        found = {}
        for ranks in all_ranks:
            found[ranks] = run_one(copy, test, ranks, seconds, f"{number}-{ranks}")
        return found

    with ThreadPoolExecutor(max(1, cores // max(all_ranks) + (max(all_ranks) == 1))) as pool:
        for test, found in zip(tests, pool.map(run_test, enumerate(tests)), strict=True):
            verdicts[test] = found
            print(
                f"{test:{width}}" + "".join(f"  {found[ranks].what:8}" for ranks in all_ranks),
                flush=True,
            )
    return verdicts


def run_one(copy: Path, test: str, ranks: int, seconds: float, name: str) -> Verdict:
    """Run one test on some ranks in processes of its own."""
    record = copy / f"record-{name}"
    argv = [*PYTEST, f"{copy}/{test}"]
    try:
        done = mpirun(
            ranks if ranks > 1 else None,
            argv,
            cwd=copy,
            env=environment(copy, record),
            timeout=seconds,
        )
    except pytest.fail.Exception:
        return Verdict(HANGS, f"no end after {seconds:g} s")
    return verdict([lines_of(record, rank) for rank in range(ranks)], done)


def verdict(records: list, done) -> Verdict:
    """What came of a test by the records of the ranks, and by how its process ended."""
    failures = [said for record in records for said in record if said["outcome"] == "failed"]
    if failures:
        return verdict_on(failures[0], done.stdout + done.stderr)
    if any(said["outcome"] == "skipped" for said in records[0]):
        return Verdict(SKIPPED)
    finished = [any(said["when"] == "teardown" for said in record) for record in records]
    if done.returncode or not all(finished):
        printed = done.stdout + done.stderr
        if VARIABLE_STEP in printed:
            return Verdict(REFUSED, VARIABLE_STEP)
        return Verdict(FAILS, f"status {done.returncode}: {last_words(printed)}")
    return Verdict(PASS)


def last_words(printed: str) -> str:
    """The last line that says what went wrong, or the last line."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search(r"Error\b|[Ff]ault|ecsmpi:", line)]
    return ([*lines[-1:], *wrong] or ["nothing"])[-1]


def verdict_on(failure: dict, printed: str) -> Verdict:
    """Return what a failure means, by its exception.

    The exception of a step may reach the test as NEURON's own, and is then among what is printed.
    """
    text = " ".join(failure["text"].split())
    if "MissingFeature" in failure["kinds"]:
        return Verdict(REFUSED, text)
    if VARIABLE_STEP in text + printed:
        return Verdict(REFUSED, VARIABLE_STEP)
    if "ImportError" in failure["kinds"] and "ecsmpi" not in text:
        return Verdict(SKIPPED, text)
    if "AssertionError" in failure["kinds"]:
        return Verdict(DIFFERS, text)
    return Verdict(FAILS, f"{failure['kinds'][0]} in {failure['when']}: {text}")


# ---------------------------------------------------------------- the end


def report(verdicts: dict, all_ranks: list, known: dict) -> int:
    """Print why tests did not pass, and how many did; the exit status."""
    unexpected = 0
    print()
    for test, found in verdicts.items():
        for ranks, one in found.items():
            if one.what not in WRONG:
                continue
            said = f"{test} on {number_of(ranks)} {one.what}"
            if test in known:
                said += f", known ({known[test]})"
            else:
                unexpected += 1
            print(f"{said}: {shortened(one.why)}")
    for kind in (REFUSED, SKIPPED):
        reasons = set()
        for found in verdicts.values():
            reasons |= {shortened(one.why) for one in found.values() if one.what == kind}
        for why in sorted(reasons - {""}):
            print(f"{kind}: {why}")
    for ranks in all_ranks:
        print(
            f"{number_of(ranks)}: {counted([found[ranks].what for found in verdicts.values()])}"
        )
    if unexpected:
        print(
            f"test-neuron-suite: {unexpected} unexpected, of {len(verdicts) * len(all_ranks)}",
            file=sys.stderr,
        )
    return 1 if unexpected else 0


def number_of(ranks: int) -> str:
    return "1 rank" if ranks == 1 else f"{ranks} ranks"


def counted(words: list) -> str:
    kinds = (PASS, REFUSED, SKIPPED, DIFFERS, FAILS, HANGS)
    return ", ".join(f"{words.count(kind)} {kind}" for kind in kinds if kind in words)


def shortened(text: str) -> str:
    return text if len(text) < 300 else f"{text[:296]} ..."


if __name__ == "__main__":
    sys.exit(main())
