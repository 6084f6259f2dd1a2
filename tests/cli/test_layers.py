"""The command stands above the package: nothing of the package imports it."""

import ast

from support.ranks import ROOT


def imported(path):
    """Names of the modules that a file imports, at its top or inside of functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_nothing_but_the_command_imports_the_command():
    package = ROOT / "ecsmpi"
    upward = []
    for path in sorted(package.rglob("*.py")):
        if path.parent == package / "cli":
            continue
        for name in imported(path):
            if name == "ecsmpi.cli" or name.startswith("ecsmpi.cli."):
                upward.append(f"{path.relative_to(ROOT)} imports {name}")
    assert upward == []
