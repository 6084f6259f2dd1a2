"""Packages that an extra of pip installs: what is said where one is missing."""

import subprocess
import sys

from ecsmpi.extras import MissingPackageError, need
import pytest

from support.frames import write
from support.ranks import ROOT

EXTRA = ("matplotlib", "PIL", "pyvista", "sympy", "trame", "vtk")
MODEL = """
from ecsmpi import rxd
from neuron import n
n.load_file("stdrun.hoc")
k = rxd.Species(rxd.Extracellular(0, 0, 0, 30, 30, 30, dx=10), d=1, name="k", charge=1)
n.tstop = 0.1
"""


def test_a_package_that_is_there_is_returned():
    assert need("json.decoder", "plot", "a picture").JSONDecoder


def test_a_missing_package_is_named_with_its_extra():
    with pytest.raises(MissingPackageError) as error:
        need("no_such_package.part", "plot", "a picture")
    assert str(error.value) == (
        "a picture needs the package no_such_package, which is not installed: "
        "python -m pip install 'ecsmpi[plot]'"
    )


def test_what_a_package_itself_misses_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package") as error:
        need("needs_more", "plot", "a picture")
    assert not isinstance(error.value, MissingPackageError)


def test_a_command_says_it_in_one_line():
    program = (
        "import sys, ecsmpi.cli as cli\n"
        "from ecsmpi.extras import need\n"
        "cli.command_parser = lambda: Parser()\n"
        "class Parser:\n"
        "    def parse_args(self, words):\n"
        "        from argparse import Namespace\n"
        "        func = lambda args: need('no_such_package', 'view', 'this page')\n"
        "        return Namespace(func=func, tracebacks=False, parser=None)\n"
        "sys.exit(cli.main(['view']))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.startswith("ecsmpi: this page needs the package no_such_package")
    assert len(ran.stderr.splitlines()) == 1


WATCHED = """
import sys
{before}
from ecsmpi.cli import main
status = main(sys.argv[1:])
print("imported", *[name for name in {extra} if sys.modules.get(name)])
sys.exit(status)
"""


def in_new_process(program, *words, cwd=None):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
    )


def command(*words, before=""):
    """`ecsmpi WORDS` in a process that prints in its last line which of EXTRA it imported."""
    program = WATCHED.format(before=before, extra=EXTRA)
    return in_new_process(program, *words)


def assert_imports_none(done):
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == "imported"


def test_a_run_and_info_import_no_package_that_they_do_not_use(tmp_path):
    script = tmp_path / "model.py"
    script.write_text(MODEL)
    file = tmp_path / "k.h5"
    every = ("--every", "0.05")
    done = command("run", script, "--output", file, *every)
    assert_imports_none(done)
    assert_imports_none(command("info", file))


@pytest.mark.parametrize("name", ["plot", "animate"])
def test_drawing_without_matplotlib_names_its_extra(name, tmp_path):
    file = tmp_path / "k.h5"
    write(file)
    without = "sys.modules['matplotlib'] = None"
    told = command(name, file, before=without)
    assert told.returncode == 2
    (line,) = told.stderr.splitlines()
    assert "the package matplotlib, which is not installed" in line
    assert line.endswith("pip install 'ecsmpi[plot]'")


WITHOUT_MATPLOTLIB = """
import importlib.util
import runpy
import sys

found = importlib.util.find_spec


def find_spec(name, *package):
    if name == "matplotlib":
        return None
    return found(name, *package)


importlib.util.find_spec = find_spec
script, folder = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = [script]
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize(
    "name",
    [
        "tutorial/walls.py",
        "tutorial/recording.py",
        "models/slice.py",
        "models/spreading_depression.py",
    ],
)
def test_an_example_that_draws_says_so_before_it_runs(name, tmp_path):
    script = ROOT / "scripts" / name
    ran = in_new_process(
        WITHOUT_MATPLOTLIB,
        script,
        script.parent,
        cwd=tmp_path,
    )
    assert ran.returncode == 2, ran.stderr
    cure = "python -m pip install 'ecsmpi[plot]'"
    assert f"--picture needs matplotlib: {cure}" in ran.stderr
    assert list(tmp_path.iterdir()) == []
