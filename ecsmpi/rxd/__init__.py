"""The names of neuron.rxd, for models whose extracellular space is distributed over MPI ranks.

Change ``from neuron import rxd`` into ``from ecsmpi import rxd``. Each name means the same as in
neuron.rxd; docstrings say what is collective. Names of neuron.rxd that are not available raise
`MissingFeature`, so that no script computes something else unnoticed.
docs/reference/features.md lists all.
"""

from __future__ import annotations

import sys
from typing import Any

from ecsmpi.neuron_api.interpreter import n, neuron_rxd  # first: it starts MPI, then NEURON
from ecsmpi.neuron_api.interpreter import neuron as neuron
from ecsmpi.neuron_api.lifetimes import collector, leave_out_modules

# Modules stay for good: to look through them again and again takes a tenth of the import.
collector.hold()

# isort: split
from ecsmpi.description.boundaries import Bath, Held
from ecsmpi.files.items import Field, Mean, Slice, Subvolume
from ecsmpi.notebook import cells
from ecsmpi.reactions.reaction import RateNotFinite
from ecsmpi.run.health_check import NotFinite
from ecsmpi.run.observers.base import Observer
from ecsmpi.rxd import node, nodelist, species
from ecsmpi.rxd.adopted_reactions import AdoptedReactions
from ecsmpi.rxd.attached import add_observer, remove_observer
from ecsmpi.rxd.cell_observers import SegmentReport, Spikes
from ecsmpi.rxd.checkpoints import Checkpoint, restart
from ecsmpi.rxd.errors import InvalidValue, MissingFeature, RxDException, missing_name
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.intracellular import OWN
from ecsmpi.rxd.model import all_species, nthread, phases, rank, re_init
from ecsmpi.rxd.model_reset import reset
from ecsmpi.rxd.multicompartment import MultiCompartmentReaction
from ecsmpi.rxd.observers import Diagnostics, Output, Progress
from ecsmpi.rxd.options import options
from ecsmpi.rxd.parameter import Parameter, State
from ecsmpi.rxd.profiles import from_file, from_function
from ecsmpi.rxd.reactions import Rate, Reaction
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species

__all__ = [
    # regions, species, reactions
    "Extracellular",
    "Species",
    "Parameter",
    "State",
    "Rate",
    "Reaction",
    "MultiCompartmentReaction",
    # what they take
    "Bath",
    "Held",
    "from_file",
    "from_function",
    # what watches a run
    "Output",
    "Field",
    "Slice",
    "Mean",
    "Subvolume",
    "Diagnostics",
    "SegmentReport",
    "Spikes",
    "Progress",
    "Observer",
    "add_observer",
    "remove_observer",
    "Checkpoint",
    "restart",
    # the whole model
    "options",
    "nthread",
    "re_init",
    "reset",
    "all_species",
    "rank",
    "phases",
    # modules of this name in neuron.rxd
    "node",
    "nodelist",
    "species",
    # exceptions
    "RxDException",
    "MissingFeature",
    "InvalidValue",
    "NotFinite",
    "RateNotFinite",
    # NEURON's own objects, for regions inside cells: see __getattr__
    "Region",
    "membrane",
    "inside",
    "Shell",
    "FractionalVolume",
    "FixedCrossSection",
    "FixedPerimeter",
    "ScalableBorder",
    "DistributedBoundary",
    "MultipleGeometry",
    "geometry",
    "v",
    "rxdmath",
    "constants",
    "set_solve_type",
]


def __getattr__(name: str) -> Any:
    if name in OWN:
        return getattr(neuron_rxd, name)
    raise missing_name(name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted(__all__)


simulation.membrane_reactions.adopted = AdoptedReactions()

# so that `from ecsmpi.rxd.rxdmath import exp` finds NEURON's module
for _module in ("constants", "geometry", "rxdmath"):
    for _package in ("ecsmpi.rxd", "ecsmpi.crxd"):
        sys.modules[f"{_package}.{_module}"] = getattr(neuron_rxd, _module)

cells.follow()

_script_has_begun = any(True for _ in n.allsec())
leave_out_modules(_script_has_begun)
collector.release()
