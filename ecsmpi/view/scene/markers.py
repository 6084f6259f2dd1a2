"""Markers: a ball at each point whose concentration is traced."""

from __future__ import annotations

import pyvista

from ecsmpi.description.grid import Box
from ecsmpi.view.scene.colours import MARKERS


class Markers:
    """The actors of all markers: as many as there are colours, at most."""

    def __init__(self, plotter: pyvista.Plotter):
        self._actors = []
        for number, colour in enumerate(MARKERS):
            actor = pyvista.Actor(mapper=pyvista.DataSetMapper())
            actor.mapper.dataset = pyvista.Sphere()
            actor.prop.color = colour
            actor.prop.ambient = 0.4
            actor.visibility = False
            actor.PickableOff()
            plotter.add_actor(actor, name=f"marker-{number}", reset_camera=False, render=False)
            self._actors.append(actor)

    @property
    def shown(self) -> list[tuple[float, float, float]]:
        """The places of the markers drawn (um)."""
        return [actor.position for actor in self._actors if actor.visibility]

    def show(self, points, box: Box) -> None:
        """Draw a marker at each point (um), as large as suits the box."""
        edge = max(hi - lo for lo, hi in zip(box.lo, box.hi))
        for number, actor in enumerate(self._actors):
            actor.visibility = number < len(points)
            if number < len(points):
                actor.position = points[number]
                actor.scale = 0.016 * edge  # of a ball of 1 across
