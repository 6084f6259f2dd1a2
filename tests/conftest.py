"""Options and fixtures of all tests. `support.ranks` starts ranks from a plain `pytest`."""

import itertools
import os
from pathlib import Path
import textwrap

# Files of tests run side by side, each with ranks: more threads would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy reads it when it is imported

# isort: split
import hypothesis
import numpy as np
import pytest

from support.ranks import mpirun

# "steady" draws the same examples in every run, so that nothing fails by chance on another machine.
# "fresh" draws others for each seed: see scripts/test-fresh.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("fresh", derandomize=False, deadline=None, database=None)
hypothesis.settings.load_profile("steady")

# The asserts of this module say what they found, as those of a test do.
pytest.register_assert_rewrite("support.record_laws")

# With it each of the thousand processes of a run would compile all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

collect_ignore = ["programs"]  # which tests start

VIEW = Path(__file__).parent / "view"


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        action="store_true",
        help="also what takes long: more ranks, more models, more of each kind",
    )
    parser.addoption(
        "--view",
        action="store_true",
        help="also what draws and opens a browser: scripts/test-view installs what that needs",
    )


def pytest_report_header(config):
    if not config.getoption("--view"):
        return "tests/view/scene and tests/view/browser: not here, but by scripts/test-view"


def pytest_ignore_collect(collection_path, config):
    """Leave out what needs OpenGL and a browser; None leaves the decision to pytest."""
    needs_both = collection_path.parent == VIEW and collection_path.name in ("scene", "browser")
    return True if needs_both and not config.getoption("--view") else None


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "long: one of a kind whose other tests are in every run; scripts/test --long runs it too",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    short = [item for item in items if "long" not in item.keywords]
    long = [item for item in items if "long" in item.keywords]
    config.hook.pytest_deselected(items=long)
    items[:] = short


@pytest.fixture
def on_ranks(tmp_path):
    """Return `run(ranks, program, *arguments, timeout=120, env=None)`: the arrays rank 0 saves.

    The program is a Path, or Python text. It finds the path to write in `sys.argv[1]`, e.g.
    `numpy.savez(sys.argv[1], total=total)`, and the arguments as text after it. A status other than
    0 is a failure.
    """
    numbers = itertools.count()

    def run(ranks, program, *arguments, timeout=120.0, env=None):
        name = f"run{next(numbers)}"
        script = program
        if not isinstance(program, Path):
            script = tmp_path / f"{name}.py"
            script.write_text(textwrap.dedent(program))
        result = tmp_path / f"{name}.npz"
        done = mpirun(ranks, ["python", script, result, *arguments], timeout=timeout, env=env)
        if done.returncode != 0:
            pytest.fail(
                f"status {done.returncode} on {ranks} ranks\n{done.stdout}\n{done.stderr}",
                pytrace=False,
            )
        if not result.exists():
            pytest.fail(
                f"rank 0 saved nothing to sys.argv[1]\n{done.stdout}\n{done.stderr}",
                pytrace=False,
            )
        with np.load(result) as saved:
            return dict(saved)

    return run


@pytest.fixture(scope="session")
def compiled_kernels(tmp_path_factory):
    """Run the model of mistakes once, since a first run compiles for longer than one may take."""
    from support.mistakes import MODEL, RUN, run_script

    done = run_script(tmp_path_factory.mktemp("compiled"), MODEL + RUN, seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr
