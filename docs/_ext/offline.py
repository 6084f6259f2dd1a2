"""A check at the end of the build: no page asks another host for anything by itself.

Links that a reader follows may lead anywhere. Scripts, styles, pictures, frames and fonts may not.
Movies of matplotlib (`to_jshtml`) ask for the icons of their buttons; the theme has these icons.
"""

import re
from pathlib import Path

from sphinx.errors import SphinxError

# In pages: what a browser fetches without being asked. In styles: what url() and @import name.
IN_PAGES = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']((?:https?:)?//[^"']+)"""
    r"""|<link\b(?=[^>]*\brel=["'](?:stylesheet|preload|preconnect|icon)["'])"""
    r"""[^>]*\bhref=["']((?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)
IN_STYLES = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)

ICONS_OF_MOVIES = re.compile(
    r"""<link rel="stylesheet"\s+href="https?://[^"]+/font-awesome(?:\.min)?\.css">"""
)


def remove_icons(folder: Path) -> None:
    """Remove from pages the link to other icons than the theme's."""
    for path in folder.rglob("*.html"):
        text = path.read_text(errors="surrogateescape")
        without = ICONS_OF_MOVIES.sub("", text)
        if without != text:
            path.write_text(without, errors="surrogateescape")


def found_in(folder: Path) -> list[str]:
    """Return "page: address" for each thing that a page or a style fetches from another host."""
    found = []
    for pattern, expression in (("*.html", IN_PAGES), ("*.css", IN_STYLES)):
        for path in sorted(folder.rglob(pattern)):
            for match in expression.finditer(path.read_text(errors="replace")):
                address = next(filter(None, match.groups()))
                found.append(f"{path.relative_to(folder)}: {address}")
    return found


def _check(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    remove_icons(Path(app.outdir))
    found = found_in(Path(app.outdir))
    if found:
        raise SphinxError("pages ask other hosts:\n" + "\n".join(found))


def setup(app):
    """Check at the end of each build."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
