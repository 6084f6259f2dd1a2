"""Which kind of diffusion a species needs: uniform or heterogeneous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.solver.diffusion import UniformDiffusion
from ecsmpi.solver.tissue import Conductances, SlabTissue
from ecsmpi.solver.workspace import Workspace

if TYPE_CHECKING:
    from ecsmpi.solver.heterogeneous import HeterogeneousDiffusion, HeterogeneousWorkspace


class Diffusion(Protocol):
    """Advances the concentration of one species by diffusion and given sources."""

    @property
    def diffuses(self) -> bool:
        """Whether the increment of a step is more than the sources."""

    def describe(self, dt: float) -> str:
        """How steps of dt (ms) are taken, in words. Collective when dt is new."""

    def needs_ghosts(self, dt: float) -> bool:
        """Whether a step of dt (ms) reads ghost planes. Local."""

    def advance(self, sources: np.ndarray, values: np.ndarray, dt: float, t: float) -> None:
        """Take one step of dt to t (ms), but for what `finish` adds. Collective.

        Parameters
        ----------
        sources : (local voxels,) float
            Sources of the step (mM of a whole voxel); the volume fraction divides them here.
        values : (local voxels,) float
            Receives the concentrations of these voxels after the step.
        dt, t : float
            Length of the step, and the time at its end (ms).
        """

    def finish(self, values: np.ndarray) -> None:
        """Take what neighbours have sent, after `advance` of all species. Collective."""

    def free(self) -> None:
        """Release the messages of this species alone."""


def needs_heterogeneous(species: SpeciesSpec, tissue: Tissue) -> bool:
    """Whether a species in a tissue, or in its own, needs a HeterogeneousDiffusion.

    It does where the tissue varies, and also in uniform tissue where ``faces`` are given. Closed
    faces and a wall are all that a UniformDiffusion knows.
    """
    return (species.tissue or tissue).varies or species.faces is not None


class DiffusionPlanner:
    """Plans the diffusion that each species of a box needs.

    Parameters
    ----------
    workspace : Workspace
        Of all species of the box.
    local_voxels : (sources,) int
        Ascending flat index into the slab of the voxels that any rank requests.
    """

    def __init__(self, workspace: Workspace, local_voxels: np.ndarray):
        self._workspace = workspace
        self._local_voxels = local_voxels
        self._heterogeneous: HeterogeneousWorkspace | None = None
        self._conductances: dict[int, Conductances] = {}

    def forget_tissue(self) -> None:
        """Drop the conductances, since the tissue has changed. Local."""
        self._conductances.clear()

    def plan(self, species: SpeciesSpec, tissue: SlabTissue, u: np.ndarray) -> Diffusion:
        """The diffusion of one species, u its concentrations, in this slab's tissue. Collective."""
        workspace = self._workspace
        if not needs_heterogeneous(species, tissue.description):
            voxels = self._local_voxels
            return UniformDiffusion(workspace, species, tissue.description, voxels, u)
        return self._plan_heterogeneous(species, tissue, u)

    def _plan_heterogeneous(
        self, species: SpeciesSpec, tissue: SlabTissue, u: np.ndarray
    ) -> HeterogeneousDiffusion:
        # Its kernels are imported where a model needs them, so that not every start waits for them.
        from ecsmpi.solver.heterogeneous import HeterogeneousDiffusion, HeterogeneousWorkspace

        workspace = self._workspace
        if self._heterogeneous is None:
            self._heterogeneous = HeterogeneousWorkspace(workspace)
        if id(tissue) not in self._conductances:
            conductances = Conductances(workspace.comm, workspace.box, tissue)
            self._conductances[id(tissue)] = conductances
        return HeterogeneousDiffusion(
            self._heterogeneous, species, self._conductances[id(tissue)], self._local_voxels, u
        )
