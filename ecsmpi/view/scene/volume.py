"""The volume: all voxels at once, those at the clear end of the colours transparent."""

from __future__ import annotations

import numpy as np
import pyvista
from vtkmodules.vtkRenderingCore import vtkVolume, vtkVolumeProperty
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field

MOST_VOXELS = 96**3  # more are thinned: two cores draw these in about a third of a second
MOST_WITH_GPU = 256**3
FEW_VOXELS = 48**3  # two samples a voxel along a ray, of more one
LAYERS_TO_OPAQUE = 24  # along the diagonal of the box; where a colour reaches its full opacity


class Volume:
    """The actor of a volume.

    Parameters
    ----------
    plotter
        Draws it.
    has_gpu : bool
        Whether a graphics processor draws.

    Attributes
    ----------
    stride : int
        2 where every second voxel along each axis is drawn; 1 where all are.
    """

    def __init__(self, plotter: pyvista.Plotter, has_gpu: bool):
        self.stride = 1
        self._most = MOST_WITH_GPU if has_gpu else MOST_VOXELS
        self._grid = pyvista.ImageData()
        self._property = vtkVolumeProperty()
        self._property.SetInterpolationTypeToLinear()
        self._property.ShadeOff()
        self._mapper = vtkSmartVolumeMapper() if has_gpu else _on_processor()
        self._mapper.SetInputData(self._grid)
        self._volume = vtkVolume()
        self._volume.SetMapper(self._mapper)
        self._volume.SetProperty(self._property)
        self._volume.PickableOff()
        self._volume.VisibilityOff()
        plotter.add_actor(self._volume, name="volume", reset_camera=False, render=False)

    @property
    def values(self) -> np.ndarray:
        """(x, y, z) in mM: what is drawn at the points."""
        return self._grid["mM"].reshape(self._grid.dimensions, order="F")

    def hide(self) -> None:
        """Draw no volume."""
        self._volume.VisibilityOff()

    def show(self, field: Field, scale: ColourScale) -> None:
        """Draw a field that has depth.

        Raises ValueError where the field has one voxel along an axis.
        """
        if not field.has_depth:
            raise ValueError(f"a box of {field.box.shape} voxels has no volume")
        thin, self.stride = field.thinned(self._most)
        values = thin.values
        clear = np.where(np.isfinite(values), values, scale.clear)
        grid = self._grid
        grid.dimensions = thin.box.shape
        grid.spacing = thin.box.spacing
        grid.origin = [thin.centre(a, 0) for a in range(3)]
        grid.point_data["mM"] = clear.ravel(order="F").astype(np.float32)
        grid.set_active_scalars("mM")
        grid.Modified()
        self._property.SetColor(scale.volume_colours())
        self._property.SetScalarOpacity(scale.volume_opacities())
        diagonal = np.linalg.norm(np.subtract(thin.box.hi, thin.box.lo))
        samples = 2 if thin.box.voxels < FEW_VOXELS else 1
        self._mapper.SetSampleDistance(min(thin.box.spacing) / samples)
        self._property.SetScalarOpacityUnitDistance(float(diagonal) / LAYERS_TO_OPAQUE)
        self._volume.VisibilityOn()


def _on_processor() -> vtkFixedPointVolumeRayCastMapper:
    """A mapper that is faster than Mesa doing a graphics processor's work."""
    mapper = vtkFixedPointVolumeRayCastMapper()
    # Fewer rays would see lines in front of the volume as holes in it.
    mapper.AutoAdjustSampleDistancesOff()
    mapper.SetImageSampleDistance(1.0)
    return mapper
