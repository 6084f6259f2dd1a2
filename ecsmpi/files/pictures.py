"""Pictures of frames: the methods of `Frames` that draw, with matplotlib, once they are called."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ecsmpi.plots.animation import Animation
    from ecsmpi.plots.library import Picture
    from ecsmpi.plots.options import ColourOptions


class Pictures:
    """Frames that draw themselves."""

    def plot(
        self,
        species: str | Sequence[str] | None = None,
        *,
        time: float | Sequence[float] | None = None,
        frame: int | Sequence[int] | None = None,
        axis: str | None = None,
        at: float | None = None,
        points: Sequence[Sequence[float]] | None = None,
        kymograph: Sequence[float] | None = None,
        cells: bool = True,
        scale: str = "axes",
        **colouring: Unpack[ColourOptions],
    ) -> Picture:
        """Draw a section, or lines at points, or a kymograph, with matplotlib.

        Without ``points`` and ``kymograph`` it is a section: the mean over an axis, or one layer of
        voxels. Options that have no effect on a picture are refused.

        Parameters
        ----------
        species : str or list of str, optional
            The species, several of them side by side; None for the first.
        time : float or list of float, optional
            Draw the frame nearest to this time (ms); several of them side by side, in the same
            colours.
        frame : int or list of int, optional
            Draw this frame, or these; negative numbers count from the last. Without ``time`` and
            ``frame`` it is the last one.
        axis : str, optional
            "x", "y" or "z": the axis to average over or to cut across; None for z, or that of a
            slice or mean.
        at : float, optional
            Draw the layer of voxels at this coordinate (um); None for the mean over the axis.
        points : list of (x, y, z), optional
            Draw the concentration through time in the voxels at these points (um).
        kymograph : (x0, y0, z0, x1, y1, z1), optional
            Draw concentration by time and by distance along this line (um).
        cells : bool
            Whether to draw the cells over a section, if the file has any: over a mean all of them,
            over a layer the parts that reach into it.
        scale : str
            "axes" with coordinates (um), a scale "bar", or "both".
        colours : str, optional
            "viridis", "cividis", "inferno", "magma" or "plasma"; "coolwarm" for a change.
        limits : (low, high), optional
            Ends of the colour scale (mM); None for the least and the greatest value drawn.
        log : bool
            Whether colours are logarithmic. Values of at most 0 are light blue.
        change : bool
            Whether to draw the difference to the first frame, in colours for both signs.
        contours : list of float
            Concentrations (mM) at which to draw lines.
        threshold : float, optional
            Concentration (mM) at which colours begin; voxels below it are white.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it; ``savefig("k.svg")`` writes it, with text as text.

        Raises
        ------
        ValueError
            For a wrong option, one without effect, or a file without frames.
        MissingPackageError
            Where matplotlib is not installed.

        Warns
        -----
        UserWarning
            Where values are not finite (NaN), which are grey, or have no place on a log scale.
        """
        from ecsmpi.plots.draw import FramesOptions, draw_frames

        options = FramesOptions(
            species=species,
            time=time,
            frame=frame,
            axis=axis,
            at=at,
            points=points,
            kymograph=kymograph,
            cells=cells,
            scale=scale,
            **colouring,
        )
        figure, notes = draw_frames(self._drawn(), options)
        for note in notes:
            warnings.warn(note, stacklevel=2)
        return figure

    def animate(
        self,
        species: str | Sequence[str] | None = None,
        *,
        axis: str | None = None,
        at: float | None = None,
        cells: bool = True,
        scale: str = "axes",
        fps: float = 10.0,
        **colouring: Unpack[ColourOptions],
    ) -> Animation:
        """Draw all frames of a section as an animation, with matplotlib.

        Colours mean the same in all frames. Each frame is read once for the ends of the colour
        scale, unless ``limits`` gives them, and once when it is drawn.

        Parameters
        ----------
        species : str or list of str, optional
            The species, several of them side by side; None for the first.
        axis : str, optional
            "x", "y" or "z": the axis to average over or to cut across; None for z, or that of a
            slice or mean.
        at : float, optional
            Show the layer of voxels at this coordinate (um); None for the mean over the axis.
        cells : bool
            Whether to draw the cells, if the file has any.
        scale : str
            "axes" with coordinates (um), a scale "bar", or "both".
        fps : float
            Frames a second (1/s).
        colours : str, optional
            "viridis", "cividis", "inferno", "magma" or "plasma"; "coolwarm" for a change.
        limits : (low, high), optional
            Ends of the colour scale (mM); None for the least and the greatest value of all frames.
        log : bool
            Whether colours are logarithmic. Values of at most 0 are light blue.
        change : bool
            Whether to draw the difference to the first frame, in colours for both signs.
        contours : list of float
            Concentrations (mM) at which to draw lines.
        threshold : float, optional
            Concentration (mM) at which colours begin; voxels below it are white.

        Returns
        -------
        matplotlib.animation.FuncAnimation
            A notebook shows it as a player, without ffmpeg; ``save("k.gif")`` and
            ``save("k.mp4")`` write it.

        Raises
        ------
        ValueError
            For a wrong option, or a file without frames.
        MissingPackageError
            Where matplotlib is not installed.
        """
        from ecsmpi.plots.animation import animation_of

        return animation_of(
            self._drawn(),
            fps,
            species=species,
            axis=axis,
            at=at,
            cells=cells,
            scale=scale,
            **colouring,
        )

    def _drawn(self) -> Any:
        """Return what is drawn when these frames are."""
        return self
