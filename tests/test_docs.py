"""docs/design.md draws the house as it is: its folders in their order, and modules that exist."""

import re

from support.ranks import ROOT
from test_imports import LAYERS

PAGE = (ROOT / "docs" / "design.md").read_text()
PACKAGE = ROOT / "ecsmpi"


def drawn_folders():
    """The folders of the drawing, from the top to the bottom, without those within others."""
    drawing = PAGE.partition("## The house")[2].partition("    cli ")[2].partition("\n\n")[0]
    names = []
    for line in ("    cli " + drawing).splitlines():
        names += re.findall(r"^ {4}([a-z_]+(?: [a-z_]+)*) {2,}", line)
    return names


def test_the_drawing_has_the_layers_in_their_order():
    names = " ".join(drawn_folders()).split()
    folders = [layer for layer in reversed(LAYERS) if layer in names]
    assert sorted(names) == sorted(folders)
    aside = {"netpyne", "crxd"}  # drawn side by side
    assert [name for name in names if name not in aside] == [
        folder for folder in folders if folder not in aside
    ]


def test_every_folder_of_the_package_is_drawn():
    found = {path.parent.relative_to(PACKAGE).name for path in PACKAGE.glob("*/__init__.py")}
    assert found == set(" ".join(drawn_folders()).split()) - {"netpyne", "crxd"}


def test_every_module_that_the_page_names_exists():
    named = set(re.findall(r"`(?:ecsmpi/)?([a-z_]+(?:/[a-z_]+)+\.py)`", PAGE))
    assert len(named) > 40
    missing = [
        name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())
    ]
    assert missing == []
