"""What docs/_ext adds to Sphinx: commands, pictures, drawings, and no request to another host."""

import os
import shutil
import subprocess

from ecsmpi.cli import command_parser
from ecsmpi.cli.command_parser import subcommands
import pytest

from support.ranks import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))


@pytest.fixture
def gallery():
    pytest.importorskip("sphinx")
    import gallery

    return gallery


@pytest.fixture
def offline():
    pytest.importorskip("sphinx")
    import offline

    return offline


def leaves(parser):
    below = [one for _, one in subcommands(parser)]
    return [leaf for one in below for leaf in leaves(one)] if below else [parser]


def test_page_of_commands_has_every_command_and_option():
    import command_line

    page = command_line.commands_as_markdown()
    assert f"# {command_line.PAGE}" not in page
    for parser in leaves(command_parser()):
        section = page.partition(f"# {parser.prog}\n")[2].partition("\n## ")[0]
        assert section, parser.prog
        for option in parser._option_string_actions:
            assert option in ("-h", "--help") or option in section, (parser.prog, option)


def test_text_of_the_commands_is_shown_as_it_is():
    import command_line

    assert command_line.escaped("a_b *c* `d_e` with --ranks") == (
        r"a\_b \*c\* `d_e` with `--ranks`"
    )


def script_in(folder, text):
    script = folder / "example.py"
    script.write_text(text)
    return script


def test_script_that_fails_ends_the_build(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    script = script_in(tmp_path, "import sys; print('out of ions'); sys.exit(3)")
    with pytest.raises(gallery.ExtensionError, match="example.py failed .3.:\nout of ions"):
        gallery.make_picture(script)
    script = script_in(tmp_path, "print('no picture')")
    with pytest.raises(gallery.ExtensionError, match="no picture"):
        gallery.make_picture(script)


def test_picture_is_made_anew_only_where_something_is_newer(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    drawing = "import sys; open(sys.argv[-1], 'a').write('drawn')"
    script = script_in(tmp_path, drawing)
    picture = tmp_path / "example.png"
    gallery.make_picture(script)
    assert picture.read_text() == "drawn"
    made = gallery.newest_source(script) + 100
    os.utime(picture, (made, made))
    gallery.make_picture(script)
    assert picture.stat().st_mtime == made
    os.utime(script, (made + 1, made + 1))
    gallery.make_picture(script)
    assert picture.stat().st_mtime != made


def test_first_sentence_ends_where_the_next_one_begins():
    pytest.importorskip("numpydoc")
    import reference

    text = "The rate (mM/ms), such as\n``0.1 * k``: a number. Evaluated later."
    assert reference.first_sentence(text) == "The rate (mM/ms), such as `0.1 * k`: a number."
    assert reference.first_sentence("(nodes,) x * y. Local.") == r"(nodes,) x \* y."


def test_entries_that_a_page_describes_itself_are_found():
    pytest.importorskip("numpydoc")
    import reference

    page = """
````{py:class} Shell(lo=None, hi=None)
:module: ecsmpi.rxd

The geometry of a shell.
More of it.
````

```{summary}
rxd/regions
rxd/nodes
```
"""
    assert reference.WRITTEN.findall(page) == [
        ("Shell", "ecsmpi.rxd", "The geometry of a shell.")
    ]
    assert reference.names_in(page, "summary") == ["rxd/regions", "rxd/nodes"]
    assert reference.names_in(page) == []


def test_every_script_of_the_gallery_has_its_picture_and_its_source_on_the_page(gallery):
    page = (DOCS / "gallery.md").read_text()
    for name in gallery.SCRIPTS:
        script = ROOT / name
        assert script.is_file()
        assert f"../build/gallery/{script.stem}.png" in page
        assert f"```{{literalinclude}} ../{name}" in page


@pytest.mark.parametrize(
    "text, found",
    [
        ('<script src="https://host/a.js"></script>', "https://host/a.js"),
        ('<link href="//host/a.css" rel="stylesheet">', "//host/a.css"),
        ('<img alt="a" src="http://host/a.png">', "http://host/a.png"),
        ('<a href="https://host/">a link</a> <script src="_static/a.js"></script>', None),
        ('<link rel="canonical" href="https://host/">', None),
    ],
)
def test_what_a_page_asks_of_other_hosts_is_found(offline, text, found, tmp_path):
    (tmp_path / "page.html").write_text(text)
    assert offline.found_in(tmp_path) == ([f"page.html: {found}"] if found else [])


def test_what_a_style_asks_of_other_hosts_is_found(offline, tmp_path):
    (tmp_path / "a.css").write_text('@import "https://host/b.css"; a { b: url(c.woff) }')
    assert offline.found_in(tmp_path) == ["a.css: https://host/b.css"]


def test_movies_of_matplotlib_get_the_themes_icons(offline, tmp_path):
    animation = pytest.importorskip("matplotlib._animation_data")
    page = tmp_path / "page.html"
    page.write_text(f"<p>before</p>{animation.JS_INCLUDE}<p>after</p>")
    assert offline.found_in(tmp_path)
    offline.remove_icons(tmp_path)
    assert offline.found_in(tmp_path) == []
    assert "<p>before</p>" in page.read_text() and "animation" in page.read_text().lower()


def test_drawings_are_the_same_each_time(tmp_path, monkeypatch):
    import drawings

    monkeypatch.setattr(drawings, "FOLDER", tmp_path)
    drawings._draw_all(None)
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}
    assert sorted(first) == ["checkpoint.svg", "gate.svg", "interfaces.svg", "slabs.svg"]
    drawings.draw_slabs()
    assert (tmp_path / "slabs.svg").read_bytes() == first["slabs.svg"]


FILTERED = """<!doctype html><article><section><div class="table-filter"></div>
<section id="one"><table><tbody><tr id="a"><td>Flux on all ranks</td></tr>
<tr id="b"><td>flux alone</td></tr></tbody></table></section>
<section id="two"><table><tbody><tr id="c"><td>walls</td></tr></tbody></table></section>
</section></article><script src="filter_table.js"></script>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium")
def test_filter_hides_rows_without_the_words_and_sections_without_rows(tmp_path):
    shutil.copy(DOCS / "_static" / "filter_table.js", tmp_path)
    (tmp_path / "page.html").write_text(FILTERED)
    address = f"{(tmp_path / 'page.html').as_uri()}?filter=ranks+FLUX"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    home = os.environ | {"HOME": str(tmp_path)}
    page = subprocess.run(
        ["chromium", *options, address], capture_output=True, text=True, timeout=120, env=home
    ).stdout
    hidden = {name for name in ("a", "b", "c", "one", "two") if f'id="{name}" hidden' in page}
    assert hidden == {"b", "c", "two"}
    assert "1 of 3 rows" in page
