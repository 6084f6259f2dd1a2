"""Packages that an extra of pip installs: what is said where one is missing."""

import subprocess
import sys

from ecsmpi.extras import MissingPackageError, need
import pytest

from support.frames import write

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


def command_in_new_process(*words, before=""):
    """`ecsmpi WORDS` in a process that prints in its last line which of EXTRA it imported."""
    program = (
        f"import sys\n{before}\nfrom ecsmpi.cli import main\n"
        f"status = main({list(map(str, words))!r})\n"
        f"print('imported', *[name for name in {EXTRA!r} if sys.modules.get(name)])\n"
        "sys.exit(status)\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_a_run_and_info_import_no_package_that_they_do_not_use(tmp_path):
    script = tmp_path / "model.py"
    script.write_text(MODEL)
    file = tmp_path / "k.h5"
    ran = command_in_new_process("run", script, "--output", file, "--every", "0.05")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "imported"), ran.stderr
    told = command_in_new_process("info", file)
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "imported"), told.stderr


@pytest.mark.parametrize("words", [["plot"], ["animate"]])
def test_drawing_without_matplotlib_names_its_extra(words, tmp_path):
    write(tmp_path / "k.h5")
    told = command_in_new_process(
        *words, tmp_path / "k.h5", before="sys.modules['matplotlib'] = None"
    )
    assert told.returncode == 2
    assert "the package matplotlib, which is not installed" in told.stderr
    assert "pip install 'ecsmpi[plot]'" in told.stderr
    assert len(told.stderr.splitlines()) == 1
