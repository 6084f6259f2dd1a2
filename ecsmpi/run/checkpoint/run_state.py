"""The parts of a run that capture and restore need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ecsmpi import __version__
from ecsmpi.neuron_api import mechanisms, sections
from ecsmpi.neuron_api.interpreter import n, neuron
from ecsmpi.run.grid_clock import GridClock
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry


@dataclass(frozen=True)
class RunState:
    """The parts of a run that `capture` saves and `restore` fills.

    Attributes
    ----------
    comm
        Communicator of the ranks of the model.
    model : dict
        The model as the run began, see `describe_model`.
    solvers : list of RegionSolver
        Of the regions, in their order.
    vectors : dict
        {name: NEURON's vector} that are kept along.
    fields_left_out : callable
        () -> context in which NEURON's SaveState leaves the solvers' fields out.
    """

    comm: Any
    model: dict[str, Any]
    solvers: list[RegionSolver]
    vectors: dict[str, Any]
    fields_left_out: Callable[[], AbstractContextManager]


def describe_regions(registry: ModelRegistry, solvers: RegionSolvers) -> list[str]:
    """Text for each region and its tissue as they are now. Collective."""
    lines = []
    for region in registry.regions:
        fingerprint = solvers.of(region).fingerprint()
        lines.append(f"{region.box} of {region.tissue}{fingerprint}")
    return lines


def describe_model(registry: ModelRegistry, solvers: RegionSolvers, clock: GridClock) -> dict:
    """The model as it is now, by which checkpoints know it. Collective."""
    own = list(sections.model_sections())
    own_counts = (len(own), sum(sec.nseg for sec in own))
    counts = solvers.comm.allgather(own_counts)
    boxes = describe_regions(registry, solvers)
    species = []
    for label, one in zip(registry.labels(), registry.species):
        species.append(f"{label}: {[one.spec(region) for region in one.regions]}")
    return {
        "box": boxes,
        "species": species,
        "reaction": registry.described_laws(),
        "dt": n.dt,
        "steps of NEURON in one of the grid": clock.steps,
        "reproducible": solvers.reproducible,
        "mechanism": mechanisms.names(),
        "sections": sum(count for count, _ in counts),
        "segments": sum(count for _, count in counts),
        "version of ecsmpi": __version__,
        "version of NEURON": neuron.__version__,
    }
