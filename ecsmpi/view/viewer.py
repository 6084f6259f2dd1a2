"""What the page shows: files, what is chosen of them, and the scene that draws it.

It knows the page as a dictionary of choices (see `choices`) and two functions, and neither browser
nor server.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

import numpy as np

from ecsmpi.files.frames import Frames
from ecsmpi.view import choices, traces
from ecsmpi.view.choices import AXES, numbers
from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field
from ecsmpi.view.scene.scene import Look, Scene
from ecsmpi.view.scene.tubes import volume_of
from ecsmpi.view.value_range import Span, ValueRange, with_width
from ecsmpi.view.viewed_file import ViewedFile

FULL = 0.2  # of the box: cells of more volume would hide what is in it
THIN = 0.1  # so they begin with this part of their thickness


class Viewer:
    """Holds the files and the scene, and draws what the choices say.

    Parameters
    ----------
    files : list of ViewedFile
        The files, at least one.
    scene : Scene
        Draws.
    state : mapping
        The choices: the page changes them and is told of changes.
    push : callable
        Sends the picture to the page.
    following : bool
        Whether runs may still write the files.
    """

    def __init__(
        self,
        files: list[ViewedFile],
        scene: Scene,
        state: MutableMapping[str, Any],
        push: Callable[[], None],
        following: bool = False,
    ):
        self.files = files
        self.scene = scene
        self.state = state
        self._push = push
        self._points: list[traces.Point] = []
        self._drawn: tuple = ()
        state.update({**choices.FIRST, "following": following})
        state["file_titles"] = [
            {"title": file.path.name, "value": number} for number, file in enumerate(files)
        ]
        self.open_file(0)

    # --- what is looked at ------------------------------------------------------------------

    @property
    def file(self) -> ViewedFile:
        """The file that is looked at."""
        return self.files[int(self.state["file_number"])]

    @property
    def frames(self) -> Frames:
        """The frames of the voxels that are chosen."""
        return self.file.frames(self.state["choice"])

    @property
    def values(self) -> ValueRange:
        """The range of the species that is chosen."""
        return self.file.value_range(self.state["choice"], self.state["species"])

    def open_file(self, number: int) -> None:
        """Look at another file, from its first view and its last frame on."""
        state = self.state
        state["file_number"] = number
        items = self.file.choices
        state["choice_items"] = [{"title": words, "value": key} for key, words in items]
        cells = self.file.recording.cells
        state["cells_count"] = 0 if cells is None else len(cells.names)
        state["thickness"] = 1.0
        box = self.file.recording.box
        if cells is not None and volume_of(cells) > FULL * box.voxels * box.voxel_volume:
            state["thickness"] = THIN
        self.choose(items[0][0] if items else "")

    def choose(self, choice: str) -> None:
        """Look at the whole box or at a selection, at the last frame."""
        state = self.state
        state["choice"] = choice
        frames = self.frames
        self._points.clear()
        state.update(choices.of_grid(frames.box.shape))
        self.scene.set_box(frames.box, self.file.recording.cells)
        state["species_items"] = list(frames.names)
        state["frame_number"] = max(0, len(frames) - 1)
        self.choose_species(frames.names[0] if frames.names else None)

    def choose_species(self, name: str | None) -> None:
        """Look at another species."""
        self.state["species"] = name
        if name is not None:
            self.state.update(choices.of_values(self.values))
        self.draw()

    def grow(self) -> None:
        """Take the frames that the file has gained; one at the last frame goes on to the new."""
        state = self.state
        was_last = state["frame_number"] >= state["frame_count"] - 1
        was_empty = state["frame_count"] == 0
        if was_empty and len(self.frames):
            self.choose(state["choice"])
            return
        state["value_lo"], state["value_hi"] = self.values.all
        if was_last and not state["playing"]:
            state["frame_number"] = len(self.frames) - 1
        self.draw()

    # --- drawing ----------------------------------------------------------------------------

    drawn_by = (
        "frame_number",
        "playing",
        "volume_on",
        "opacity",
        *(f"slice_{axis}" for axis in AXES),
        *(f"slice_{axis}_on" for axis in AXES),
        "surfaces_on",
        "surface_value",
        "surface_text",
        "between_on",
        "between_ends",
        "cells_on",
        "thickness",
        "axes_on",
        "dark",
        "colours",
        "logarithmic",
        "limits_kind",
        "limits_lo",
        "limits_hi",
    )

    def draw_if_changed(self) -> None:
        """Draw unless the picture is that of the choices as they are."""
        if self._drawn != self._choices():
            self.draw()

    def _choices(self) -> tuple:
        """What the picture depends on and the page changes by itself."""
        return tuple(repr(self.state[name]) for name in self.drawn_by)

    def draw(self) -> None:
        """Draw what is chosen; what is wrong with it stands on the page."""
        state = self.state
        try:
            state["problem"] = ""
            self._draw()
        except (ValueError, OSError, MemoryError) as error:
            state["problem"] = str(error)
        self._drawn = self._choices()
        self._push()
        state["drawings"] += 1  # the page learns of it after the picture

    def _draw(self) -> None:
        state, frames = self.state, self.frames
        state["frame_count"] = len(frames)
        name = state["species"]
        if name is None or len(frames) == 0:
            self._draw_nothing(frames)
            return
        number = min(max(int(state["frame_number"]), 0), len(frames) - 1)
        state["frame_number"] = number
        field = Field(frames.box, self.file.values(state["choice"], name, number))
        scale = self.scale(field)
        state["limits_lo"] = f"{scale.lo:.6g}"
        state["limits_hi"] = f"{scale.hi:.6g}"
        moment = f"t = {frames.time[number]:,.10g} ms"
        state["time_text"] = moment
        self.scene.surroundings.title = f"{name},  {moment}"
        self.scene.draw(field, name, scale, self.look())
        for axis, one in zip(AXES, self.scene.slices):
            layer = int(state[f"slice_{axis}"])
            state[f"slice_{axis}_text"] = f"{field.centre(one.axis, layer):g} µm"
        self._tell_between(field)
        self._tell_traces(field)
        state["notes"] = self._notes(field, scale)

    def _draw_nothing(self, frames: Frames) -> None:
        """The box and the cells, without frames."""
        state = self.state
        state["time_text"] = "no frames yet"
        waits = "waits for the first one" if state["following"] else "--follow waits for them"
        state["notes"] = [f"{frames.path} has no frames yet: {waits}"]
        self.scene.surroundings.title = f"no frames yet: {waits}"
        self.scene.draw(None, "", ColourScale(0.0, 1.0), self.look())

    def look(self) -> Look:
        """Return what the choices say about what is drawn."""
        state = self.state
        slices = []
        for axis in AXES:
            layer = int(state[f"slice_{axis}"])
            slices.append(layer if state[f"slice_{axis}_on"] else None)
        between = None
        if state["between_on"]:
            lo, hi = state["between_ends"]
            between = (float(lo), float(hi))
        surfaces: list[float] = []
        if state["surfaces_on"]:
            more = numbers(state["surface_text"], "iso-surfaces")
            surfaces = sorted({float(state["surface_value"]), *more})
        return Look(
            volume=bool(state["volume_on"]),
            slices=(slices[0], slices[1], slices[2]),
            surfaces=tuple(surfaces),
            between=between,
            cells=bool(state["cells_on"]),
            thickness=float(state["thickness"]),
            axes=bool(state["axes_on"]),
            dark=bool(state["dark"]),
        )

    def scale(self, field: Field) -> ColourScale:
        """Return the colours that the choices say."""
        state, values = self.state, self.values
        kind = state["limits_kind"]
        if kind == "given":
            lo = numbers(state["limits_lo"], "colours from")
            hi = numbers(state["limits_hi"], "colours to")
            if len(lo) != 1 or len(hi) != 1:
                raise ValueError("give one number (mM) at each end of the colours")
            span = Span(lo[0], hi[0])
        elif kind == "frame":
            span = with_width(_ends(field.values))
        else:
            span = with_width(values.most if kind == "most" else values.all)
        lo_end = span.lo
        if state["logarithmic"] and lo_end <= 0 < span.hi:
            lo_end = span.hi * 1e-4
        return ColourScale(
            lo_end,
            span.hi,
            state["colours"],
            bool(state["logarithmic"]),
            values.opaque_end,
            float(state["opacity"]),
        )

    def _tell_between(self, field: Field) -> None:
        if not self.state["between_on"]:
            self.state["between_text"] = ""
            return
        count = self.scene.between.count
        volume = count * field.box.voxel_volume * 1e-9
        share = 100 * count / field.values.size
        self.state["between_text"] = f"{count:,} voxels, {volume:.4g} mm³ ({share:.3g} %)"

    def _notes(self, field: Field, scale: ColourScale) -> list[str]:
        """What one should know about the picture."""
        values, look, scene = self.values, self.scene.look, self.scene
        found = []
        if values.frames_read < values.frames:
            found.append(
                f"colours and ranges are those of {values.frames_read:,} of {values.frames:,} "
                "frames, evenly spaced"
            )
        if scale.lo > values.all.lo or scale.hi < values.all.hi:
            found.append(
                f"colours go from {scale.lo:.4g} to {scale.hi:.4g} mM, all values from "
                f"{values.all.lo:.4g} to {values.all.hi:.4g} mM"
            )
        without = int(np.count_nonzero(~np.isfinite(field.values)))
        if without:
            found.append(f"{without:,} voxels of this frame have no finite value: grey or clear")
        strides = {
            "volume": scene.volume.stride if look.volume and field.has_depth else 1,
            "iso-surfaces": scene.surfaces.stride if look.surfaces else 1,
            "threshold": scene.between.stride if look.between else 1,
        }
        for what, stride in strides.items():
            if stride > 1:
                found.append(f"{what}: every {_ordinal(stride)} voxel along each axis is drawn")
        if look.cells and scene.tubes.is_shown and look.thickness == THIN:
            found.append(f"cells are drawn {THIN:g} times as thick as they are")
        if look.cells and scene.tubes.drawn_as == "lines":
            found.append("cells are lines: there are too many points for tubes")
        if not field.has_depth:
            found.append("the box is one voxel thick: it shows as a slice, without a volume")
        return found

    # --- traces -----------------------------------------------------------------------------

    def pick(self, across: float, down: float) -> None:
        """Trace the voxel that a click means.

        Parameters
        ----------
        across, down : float
            Parts of the picture from its left and from its top, 0 to 1.
        """
        width, height = self.scene.plotter.window_size
        voxel = self.scene.voxel_at_pixel(across * width, (1 - down) * height)
        if voxel is not None:
            self.add_trace(voxel)

    def add_trace(self, voxel: tuple[int, int, int]) -> None:
        """Trace a voxel; the oldest trace goes where there are too many."""
        self._points = traces.with_point(self._points, voxel)
        self.draw()

    def add_point(self, text: str) -> None:
        """Trace the voxel at "x y z" (um)."""
        try:
            point = numbers(text, "point")
            if len(point) != 3:
                raise ValueError(f"a point is x y z in um, got {text!r}")
            frames = self.frames
            i, j, k = (frames.layer(axis, at) for axis, at in zip(AXES, point))
        except ValueError as error:
            self.state["problem"] = str(error)
            return
        self.add_trace((i, j, k))

    def clear_traces(self) -> None:
        """Trace no voxel."""
        self._points = []
        self.draw()

    def _tell_traces(self, field: Field) -> None:
        state, name = self.state, self.state["species"]
        series = partial(self.file.series, state["choice"], name)
        number = int(state["frame_number"])
        told = traces.told(self._points, self.frames, series, name, number)
        self.scene.markers.show(told.places, field.box)
        state["traces"] = told.rows
        state["chart"] = told.chart

    # --- the camera and the picture ---------------------------------------------------------

    def look_first(self) -> None:
        """Look as at first."""
        self.scene.look_first()
        self._push()

    def look_along(self, axis: str) -> None:
        """Look along an axis."""
        self.scene.look_along(AXES.index(axis))
        self._push()


def _ends(values: np.ndarray) -> Span:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Span(0.0, 0.0)
    return Span(float(finite.min()), float(finite.max()))


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
