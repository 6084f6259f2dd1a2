"""matplotlib, which an extra of pip installs, and figures that need no display.

Only modules that draw import this one, and they are imported when something is drawn.
"""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

from ecsmpi.extras import need

RESOLUTION = 160  # dots an inch of a PNG
TEXT_AS_TEXT = {"svg.fonttype": "none", "pdf.fonttype": 42}


def matplotlib(module: str = "") -> ModuleType:
    """Return matplotlib, or one of its modules; raise MissingPackageError without it."""
    return need(f"matplotlib.{module}".rstrip("."), "plot", "a picture")


Figure: Any = matplotlib("figure").Figure


class Picture(Figure):
    """A matplotlib Figure that a notebook shows, and whose text stays text in SVG and PDF.

    pyplot does not know it: nothing has to be closed.
    """

    def __init__(self, size: tuple[float, float]):
        """Make an empty figure of (width, height) inches."""
        super().__init__(figsize=size)
        matplotlib("backends.backend_agg").FigureCanvasAgg(self)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure, as matplotlib's Figure does; a PNG has 160 dots an inch.

        Raises ValueError for a format that matplotlib does not write.
        """
        options.setdefault("dpi", RESOLUTION)
        with matplotlib().rc_context(TEXT_AS_TEXT):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        """The picture as IPython shows it."""
        memory = io.BytesIO()
        self.savefig(memory, format="png", dpi=self.dpi)
        return memory.getvalue()


def check_format(path: Any) -> None:
    """Raise ValueError unless matplotlib writes pictures of this kind."""
    known = matplotlib("backend_bases").FigureCanvasBase.get_supported_filetypes()
    kind = path.suffix.lower().removeprefix(".")
    if kind not in known:
        raise ValueError(
            f"{path} is not supported: a picture is a .png, .pdf, .svg or another of "
            f"{', '.join(sorted(known))}"
        )
