"""docs/design.md draws the house as it is: its folders in their order, and modules that exist.

The pages of the explanation name modules that exist, and numbers that hold.
"""

import re

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.tridiagonal import Chain
import pytest

from support.ranks import ROOT
from test_imports import LAYERS

DOCS = ROOT / "docs"
PAGE = (DOCS / "design.md").read_text()
PACKAGE = ROOT / "ecsmpi"
EXPLANATION = sorted((DOCS / "explanation").glob("*.md"))


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


def modules_named_in(text):
    """Paths of modules in backticks, below the package or the repository."""
    return set(re.findall(r"`(?:ecsmpi/)?([a-z_]+(?:/[a-z_]+)+\.py)`", text))


def missing(names):
    return [name for name in names if not ((PACKAGE / name).exists() or (ROOT / name).exists())]


def test_every_module_that_the_page_names_exists():
    named = modules_named_in(PAGE)
    assert len(named) > 40
    assert missing(named) == []


def test_every_module_that_the_explanation_names_exists():
    named = set().union(*(modules_named_in(page.read_text()) for page in EXPLANATION))
    assert len(named) > 30
    assert missing(named) == []


def test_every_page_of_the_explanation_is_in_its_list_and_on_the_engineers_page():
    listed = (DOCS / "explanation" / "index.md").read_text()
    for page in EXPLANATION:
        if page.stem == "index":
            continue
        assert f"]({page.name})" in listed and f"\n{page.stem}\n" in listed, page
        assert f"(explanation/{page.name})" in PAGE, page


@pytest.mark.parametrize("tortuosity, planes", [(1.6, 5), (1.0, 6)])
def test_slabs_of_potassium_settle_between_neighbours_as_the_page_says(tortuosity, planes):
    r = 2.62 / tortuosity**2 * 0.025 / 5**2
    for thickness in (planes - 1, planes):
        chain = Chain.of(4 * thickness, r, False, Slabs(4 * thickness, 4))
        assert chain.neighbours_suffice == (thickness == planes)


def test_every_difference_from_neuron_has_its_four_columns():
    page = (DOCS / "reference" / "differences.md").read_text()
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) > 50
    assert [row[0] for row in rows if len(row) != 4] == []
