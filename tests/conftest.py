"""Options and fixtures of all tests. `support.ranks` starts ranks from a plain `pytest`."""

from pathlib import Path
import textwrap

import hypothesis
import numpy as np
import pytest

from support.ranks import mpirun

# The same examples in every run: a new one is found while working, not by chance on another
# machine.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")

# Its asserts say what they found, as those of a test do.
pytest.register_assert_rewrite("support.record_laws")

collect_ignore = ["programs"]  # what tests start is none of them


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        action="store_true",
        help="also what takes long: more ranks, more models, more of each kind",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "long: one of a kind whose other tests are in every run; scripts/test --long runs it too",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    chosen = [item for item in items if "long" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "long" in item.keywords])
    items[:] = chosen


@pytest.fixture
def on_ranks(tmp_path):
    """`on_ranks(ranks, source, *arguments, timeout=120, env=None)` -> dict of the arrays rank 0
    saved.

    `source` is Python text or the Path of a script. It finds the path to write in `sys.argv[1]`,
    e.g. `numpy.savez(sys.argv[1], total=total)`, and `arguments` as text after it. A status other
    than 0 is a failure.
    """
    runs = iter(range(10**6))

    def run(ranks, source, *arguments, timeout=120.0, env=None):
        name = f"run{next(runs)}"
        script = source
        if not isinstance(source, Path):
            script = tmp_path / f"{name}.py"
            script.write_text(textwrap.dedent(source))
        result = tmp_path / f"{name}.npz"
        done = mpirun(ranks, ["python", script, result, *arguments], timeout=timeout, env=env)
        if done.returncode != 0:
            pytest.fail(
                f"status {done.returncode} on {ranks} ranks\n{done.stdout}\n{done.stderr}",
                pytrace=False,
            )
        if not result.exists():
            pytest.fail(
                f"rank 0 saved nothing to sys.argv[1]\n{done.stdout}\n{done.stderr}", pytrace=False
            )
        with np.load(result) as saved:
            return dict(saved)

    return run


@pytest.fixture(scope="session")
def compiled_kernels(tmp_path_factory):
    """A machine that runs the model for the first time compiles for longer than a mistake may take."""
    from support.mistakes import MODEL, RUN, run_script  # which imports this module

    done = run_script(tmp_path_factory.mktemp("compiled"), MODEL + RUN, seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr
