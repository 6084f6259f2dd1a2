"""Published models, their import lines changed, beside NEURON: `scripts/test-published DIR`.

DIR has folders of the models, as their authors publish them: ModelDB 238892 (Newton et al. 2018),
ModelDB 267259 (Kelley et al. 2022) and its later copy SDinSlice, SDinVivo (for NetPyNE). Each is
known by its files, not by the name of its folder, and is skipped where it is not there. The command
copies a folder, makes the model smaller, changes its import lines by a rule, and runs it to its
end, with NEURON in one process and with ecsmpi. It compares the concentrations and the cells at the
end, and the files that the script leaves.
"""

import argparse
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from support.published_answers import Answer, answer, disagreements  # noqa: E402
from support.published_models import MODELS, Case, Model, change_imports  # noqa: E402
from support.ranks import mpirun  # noqa: E402

RUNNER = TESTS / "programs" / "against_neuron" / "published_run.py"
LEFT_BEHIND = shutil.ignore_patterns(".git", "__pycache__", "x86_64", "arm64", "Data", "data")


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    case: str
    ranks: str
    said: str
    agreement: str
    step: str
    fails: bool = False


class NotRun(Exception):
    """A run that did not come to its end, and what it said."""


def main(argv=None, models=MODELS) -> int:
    """Run the command; its exit status."""
    options = parser().parse_args(argv)
    if not options.folder.is_dir():
        print(f"test-published: no folder {options.folder}", file=sys.stderr)
        return 2
    rows = []
    for model in models:
        folder = find(model, options.folder)
        if folder is None:
            print(
                f"{model.title}: skipped, no folder of {model.source} in {options.folder}",
                flush=True,
            )
            continue
        print(f"{model.title}: {folder}", flush=True)
        with tempfile.TemporaryDirectory(prefix="published-") as work:
            base = Path(work) / "base"
            shutil.copytree(folder, base, ignore=LEFT_BEHIND)
            compile_mechanisms(base)
            for case in model.cases:
                if all(word in case.name for word in options.k.split()):
                    rows += run_case(case, base, options)
    print(table(rows))
    return 1 if any(row.fails for row in rows) else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/test-published", description=__doc__.split("\n\n")[1]
    )
    made.add_argument("folder", metavar="DIR", type=Path, help="has folders of the models")
    made.add_argument(
        "--ranks", type=int, nargs="+", default=[1, 2, 3], metavar="P", help="default: 1 2 3"
    )
    made.add_argument(
        "-k", metavar="WORDS", default="", help="only scripts with these words and options"
    )
    made.add_argument(
        "--seconds", type=float, default=600, help="the most that a run may take (default 600)"
    )
    return made


# ---------------------------------------------------------------- one model


def find(model: Model, folder: Path) -> Path | None:
    """The folder of a model, in a folder or beneath it."""
    found = [
        one for one in sorted([folder, *folder.iterdir()]) if one.is_dir() and model.is_in(one)
    ]
    return found[0] if found else None


def compile_mechanisms(folder: Path) -> None:
    if list(folder.glob("*.mod")):
        done = subprocess.run(["nrnivmodl", "."], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"test-published: nrnivmodl failed\n{done.stdout}\n{done.stderr}")


def run_case(case: Case, base: Path, options) -> list:
    """Run one script with NEURON and with ecsmpi; its rows."""
    print(f"  {case.name}: {case.size or 'as it is'}", flush=True)
    rows = []
    try:
        expected, _ = run(case, base, "neuron", 1, options.seconds)
    except (NotRun, ValueError) as error:
        return [shown(Row(case.name, "NEURON", str(error), "", "", True))]
    rows.append(shown(Row(case.name, "NEURON", "to its end", "", f"{expected.step:.3g} ms")))
    for ranks in options.ranks:
        if ranks > 1 and case.one_rank:
            rows.append(shown(Row(case.name, str(ranks), f"not run: {case.one_rank}", "", "")))
            continue
        rows.append(shown(row_of(case, base, ranks, expected, options)))
    return rows


def row_of(case: Case, base: Path, ranks: int, expected: Answer, options) -> Row:
    """Run it with ecsmpi on some ranks, and compare."""
    try:
        found, said = run(
            case, base, "ecsmpi", ranks, options.seconds, announce=ranks == options.ranks[0]
        )
    except (NotRun, ValueError) as error:
        return Row(case.name, str(ranks), str(error), "", "", True)
    worst, differences = disagreements(found, expected, case.tolerance)
    if ranks > 1 and case.own_error:  # the script leaves fewer pictures then
        differences = [one for one in differences if not one.endswith("no such picture")]
    agreement = f"{worst:.1e}, at most {case.tolerance:.0e} ({case.why})"
    if differences:
        agreement = "; ".join(differences[:6])
    step = f"{found.step:.3g} ms, {found.step / expected.step:.2f} of NEURON's"
    return Row(case.name, str(ranks), said, agreement, step, bool(differences))


def run(
    case: Case, base: Path, backend: str, ranks: int, seconds: float, announce=False
) -> tuple[Answer, str]:
    """Run a copy of the script; its answer and what to say of it. NotRun where it fails."""
    folder = base.parent / f"{case.name.replace(' ', '')}-{backend}-{ranks}"
    shutil.copytree(base, folder)
    arguments = case.make_smaller(folder)
    if backend == "ecsmpi":
        changes = change_imports(folder / case.script)
        if announce:
            print("\n".join(f"    {line}" for line in changes), flush=True)
    before = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    result = base.parent / f"result-{folder.name}"
    argv = ["python", RUNNER, backend, result, case.script, *arguments]
    env = {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path_of_python()}
    try:
        done = mpirun(ranks if ranks > 1 else None, argv, cwd=folder, env=env, timeout=seconds)
    except pytest.fail.Exception as hung:
        raise NotRun(f"no end after {seconds:g} s: {last_words(str(hung))}") from None
    said = "to its end"
    if done.returncode:
        error, why = case.own_error if ranks > 1 and case.own_error else ("", "")
        if not error or error not in done.stderr:
            raise NotRun(f"status {done.returncode}: {last_words(done.stderr)}")
        said = f"to its own {error}: {why}"
    return answer(result, folder, before, case.serial), said


def path_of_python() -> str:
    return os.pathsep.join(filter(None, [str(TESTS.parent), os.environ.get("PYTHONPATH")]))


def last_words(printed: str) -> str:
    """The last error that a run printed, or its last line."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "error:" in line]
    return ([*lines, *errors] or ["nothing said"])[-1][:300]


# ---------------------------------------------------------------- the table


def shown(row: Row) -> Row:
    """Print a row as soon as it is there."""
    print(
        "  "
        + "  ".join(filter(None, [row.case, row.ranks, row.said, row.agreement, row.step])),
        flush=True,
    )
    return row


def table(rows: list) -> str:
    """All rows, with their heads, as Markdown has tables."""
    heads = ("script", "ranks", "what it said", "agreement with NEURON", "a step")
    lines = [heads, ("---",) * len(heads)]
    lines += [(row.case, row.ranks, row.said, row.agreement, row.step) for row in rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
