"""The notebooks of the documentation: kept without outputs, and their cells may run again.

`scripts/docs` executes all of them.
"""

import re

import nbformat
import pytest

from support.kernel import Kernel
from support.ranks import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs_and_places(path):
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code_of(notebook):
        assert not cell.outputs and cell.execution_count is None, cell.source
    for cell in notebook.cells:
        assert not set(cell.metadata) - {"tags"}, cell.source
        assert "raises-exception" not in cell.metadata.get("tags", ()), cell.source
        assert not re.search(r"(?<![\w./])/(home|root|tmp|work|usr)/", cell.source), cell.source


def test_index_names_each_notebook_once():
    text = (FOLDER / "index.md").read_text()
    for path in NOTEBOOKS:
        assert text.count(f"({path.name})") == text.count(f"\n{path.stem}\n") == 1
    links = re.findall(r"\((\w+\.ipynb)\)", text)
    for path in NOTEBOOKS:
        for cell in read(path).cells:
            links += re.findall(r"\((\w+\.ipynb)\)", cell.source)
    assert {FOLDER / link for link in links} == set(NOTEBOOKS)


def test_each_cell_of_a_notebook_may_run_twice():
    notebook = read(FOLDER / "03_tissue.ipynb")
    with Kernel(FOLDER) as kernel:
        for cell in code_of(notebook):
            for _ in range(2):
                said = kernel.run(cell.source)
                assert said.error is None, f"{cell.source}\n{said.error}"
                assert "UserWarning" not in said.streams["stderr"], said.streams["stderr"]
