"""What a reader copies from the documentation works: scripts run, commands and links exist.

The Python blocks of a page run in their order, in one process, in an empty folder. A block after
the line `<!-- not run: reason -->` is left out. Examples of docstrings begin with the model of the
page reference/rxd/index, and say what is printed.
"""

import os
import re
import shlex
import subprocess
import sys

from ecsmpi.cli import command_parser
import pytest

from support.programs import PROGRAMS
from support.ranks import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
LINKED = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
FENCE = re.compile(r"^(`{3,})(.*)$")
NOT_RUN = re.compile(r"<!-- not run: .+ -->")


def blocks(text):
    """The (language, lines, line before) of each fenced block of a page."""
    found = []
    fence = None
    before = ""
    for line in text.splitlines():
        match = FENCE.match(line)
        if fence is None and match:
            fence = match[1]
            found.append((match[2].strip(), [], before))
        elif fence is not None and match and match[1] == fence and not match[2]:
            fence = None
        elif fence is not None:
            found[-1][1].append(line)
        if line.strip():
            before = line
    return found


def script_of(text):
    """The Python blocks of a page that run, as one script."""
    chosen = []
    for language, lines, before in blocks(text):
        if language == "python" and not NOT_RUN.fullmatch(before.strip()):
            chosen += [*lines, ""]
    return "\n".join(chosen)


def commands(text):
    """The words of each `ecsmpi ...` in an indented line of a page."""
    found = []
    for line in text.splitlines():
        if line.startswith("    ") and re.match(r"(mpirun -n \d+ )?ecsmpi ", line.strip()):
            words = shlex.split(line.strip(), comments=True)
            found.append(words[words.index("ecsmpi") + 1 :])
    return found


SCRIPTS = {}
for page in PAGES:
    script = script_of(page.read_text())
    if script:
        SCRIPTS[str(page.relative_to(ROOT))] = script


def test_blocks_are_found_and_those_that_are_not_run_are_left_out():
    page = """
Text.

```python
a = 1
```

<!-- not run: needs a file -->
```python
b = 2
```

````markdown
```python
c = 3
```
````

```python
d = a
```

    ecsmpi plot k.h5 --axis z   # a picture
    mpirun -n 2 ecsmpi doctor
"""
    assert script_of(page).split("\n") == ["a = 1", "", "d = a", ""]
    assert commands(page) == [["plot", "k.h5", "--axis", "z"], ["doctor"]]
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("page", SCRIPTS)
def test_scripts_of_a_page_run(page, tmp_path):
    (tmp_path / "page.py").write_text(SCRIPTS[page])
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:ecsmpi", "page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_examples_of_docstrings_run_and_print_what_they_say(tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("numpydoc")
    (tmp_path / "model.py").write_text(SCRIPTS["docs/reference/rxd/index.md"])
    program = PROGRAMS / "docs" / "examples.py"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:ecsmpi", program, "model.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{DOCS / '_ext'}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.splitlines()[-1].split()[0]) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_understood(page):
    parser = command_parser()
    for words in commands(page.read_text()):
        own = words[: words.index("--")] if "--" in words else words
        parser.parse_args(own)  # leaves by SystemExit where a word is unknown


def anchors(text):
    """The anchors that the headings of a page outside the site have."""
    found = set()
    for line in text.splitlines():
        if re.match(r"#{1,6} ", line):
            kept = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(kept.replace(" ", "-"))
    return found


def broken_links(page):
    """The relative links of a page whose file, or whose heading in it, does not exist."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        if ":" in name:
            continue
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            broken.append(target)
    return broken


def test_broken_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# The `head`, here\n[a](#the-head-here) [b](#no) [c](no.md) [d](https://x.org)\n"
    )
    assert broken_links(page) == ["#no", "no.md"]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links_of_pages_outside_the_site_lead_somewhere(page):
    assert not broken_links(page)
