"""What stands beside the field: axes, colour bar and title, in the colours of a theme."""

from __future__ import annotations

import numpy as np
import pyvista
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkRenderingAnnotation import vtkScalarBarActor

from ecsmpi.description.grid import Box
from ecsmpi.view.scene.axes import LABEL, TITLE, Axes
from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.colours import Theme


class Surroundings:
    """The actors beside the field."""

    def __init__(self, plotter: pyvista.Plotter):
        self._plotter = plotter
        self._axes = Axes(plotter)
        self._bar = vtkScalarBarActor()
        plotter.add_actor(self._bar, name="bar", reset_camera=False, render=False)
        self._title = pyvista.Text("", position=(0.02, 0.94))
        plotter.add_actor(self._title, name="title", reset_camera=False, render=False)
        self._lay_out()

    @property
    def title(self) -> str:
        """The text at the top."""
        return self._title.input

    @title.setter
    def title(self, text: str) -> None:
        self._title.input = text

    @property
    def texts(self) -> list[str]:
        """All that is written in the picture, but for the numbers of the colour bar."""
        return [self.title, self._bar.GetTitle().strip(), *self._axes.texts]

    def _lay_out(self) -> None:
        self._title.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        self._title.prop.font_size = 20
        bar = self._bar
        bar.SetLookupTable(pyvista.LookupTable())
        bar.SetOrientationToVertical()
        bar.UnconstrainedFontSizeOn()
        bar.SetMaximumNumberOfColors(256)
        bar.SetLabelFormat("{:.4g}")
        bar.SetPosition(0.9, 0.2)
        bar.SetWidth(0.075)
        bar.SetHeight(0.6)
        bar.SetBarRatio(0.22)
        bar.SetTitleRatio(0.4)
        bar.SetVerticalTitleSeparation(10)
        sizes = ((bar.GetTitleTextProperty(), TITLE), (bar.GetLabelTextProperty(), LABEL))
        for text, size in sizes:
            text.ItalicOff()
            text.ShadowOff()
            text.BoldOff()
            text.SetFontSize(size)

    def set_box(self, box: Box) -> None:
        """Draw the edges and the axes of a box."""
        self._axes.set_box(box)

    def set_scale(self, scale: ColourScale, name: str, shown: bool) -> None:
        """Draw the colour bar of a species."""
        self._bar.SetLookupTable(scale.table())
        self._bar.SetUseCustomLabels(True)
        self._bar.SetCustomLabels(numpy_to_vtk(np.array(scale.ticks()), deep=True))
        self._bar.SetTitle(f"{name} (mM)\n")
        self._bar.SetVisibility(shown)

    def set_axes(self, shown: bool) -> None:
        """Draw axes and edges, or none."""
        self._axes.show(shown)

    def arrange(self) -> None:
        """Place the labels for the camera as it is."""
        self._axes.arrange()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._plotter.set_background(theme.background)
        ink = pyvista.Color(theme.ink).float_rgb
        self._title.prop.color = theme.ink
        self._bar.GetLabelTextProperty().SetColor(ink)
        self._bar.GetTitleTextProperty().SetColor(ink)
        self._axes.set_colours(theme.ink, theme.faint)
