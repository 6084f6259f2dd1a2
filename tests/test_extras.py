"""Packages that an extra of pip installs: what is said where one is missing."""

import subprocess
import sys

from ecsmpi.extras import MissingPackageError, need
import pytest


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
