"""Formulas as MathML, which browsers draw by themselves: no script, no font, no other host.

docutils translates LaTeX; a formula that it cannot translate is a warning of the build.
"""

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _translated(node, as_block):
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        logger.warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def _visit_inline(translator, node):
    translator.body.append(_translated(node, as_block=False))
    raise SkipNode


def _visit_block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(_translated(node, as_block=True))
    translator.body.append("</div>\n")
    raise SkipNode


def setup(app):
    """Register the renderer `mathml`, for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
