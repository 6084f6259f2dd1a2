"""The names of neuron.rxd for the extracellular space: change `from neuron import rxd` into `from
ecsmpi import rxd`.

What is here means what it means in neuron.rxd; what is collective says so. What neuron.rxd has
beyond it raises at once, so that no script silently computes something else.
"""

from __future__ import annotations

import numbers
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from ecsmpi.neuron_api.interpreter import (
    neuron,
    neuron_rxd,
)  # starts MPI, before numba reads its environment

# isort: split
from ecsmpi.cells import garbage
from ecsmpi.description.boundaries import Bath as Bath
from ecsmpi.description.boundaries import Held as Held
from ecsmpi.description.profiles import FileProfile, FunctionProfile
from ecsmpi.files.items import Field as Field
from ecsmpi.files.items import Item
from ecsmpi.files.items import Mean as Mean
from ecsmpi.files.items import Slice as Slice
from ecsmpi.files.items import Subvolume as Subvolume
from ecsmpi.neuron_api.intracellular_species import were_any_defined
from ecsmpi.reactions.reaction import RateNotFinite as RateNotFinite
from ecsmpi.run.checkpoint import schedule
from ecsmpi.run.health_check import NotFinite as NotFinite
from ecsmpi.run.observers import diagnostics, fields, measure, progress, segments, spikes
from ecsmpi.run.observers.base import Observer as Observer
from ecsmpi.rxd.adopted_reactions import NeuronsReactions
from ecsmpi.rxd.compat import InvalidValue as InvalidValue
from ecsmpi.rxd.compat import MissingFeature as MissingFeature  # for scripts that want to catch it
from ecsmpi.rxd.compat import RxDException as RxDException
from ecsmpi.rxd.compat import missing_name, refuse_unknown_names
from ecsmpi.rxd.extracellular import Extracellular as Extracellular
from ecsmpi.rxd.forgetting import reset as reset
from ecsmpi.rxd.intracellular import OWN
from ecsmpi.rxd.multicompartment import MultiCompartmentReaction as MultiCompartmentReaction
from ecsmpi.rxd.options import options as options
from ecsmpi.rxd.parameter import Parameter as Parameter
from ecsmpi.rxd.parameter import State as State
from ecsmpi.rxd.reactions import Rate as Rate
from ecsmpi.rxd.reactions import Reaction as Reaction
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, whole, without
from ecsmpi.solver import kernels
from ecsmpi.solver.timing import Phases

simulation.membrane_reactions.neurons = NeuronsReactions()
for _name in (
    "constants",
    "geometry",
    "rxdmath",
):  # so that `from ecsmpi.rxd.rxdmath import exp` finds NEURON's
    for _rxd in ("rxd", "crxd"):
        sys.modules[f"ecsmpi.{_rxd}.{_name}"] = getattr(neuron_rxd, _name)


__all__ = [
    *"""
    Extracellular Species Parameter State Rate Reaction MultiCompartmentReaction
    Bath Held from_file from_function
    Output Field Slice Mean Subvolume Diagnostics SegmentReport Spikes Progress
    Observer add_observer remove_observer
    Checkpoint restart options nthread re_init reset all_species rank phases
    node nodelist species
    RxDException MissingFeature InvalidValue NotFinite RateNotFinite
    """.split(),
    *OWN,
]


def __getattr__(name):
    if name in OWN:
        return getattr(neuron_rxd, name)
    raise missing_name(name)


def __dir__() -> list[str]:
    """The public names, those of NEURON's too, which are given when they are asked for."""
    return sorted(__all__)


class Output(fields.Output):
    __doc__ = fields.Output.__doc__

    def __init__(self, path, every: float, species=None, items=None, attach: bool = True):
        """Write concentrations to ``path``, a frame every so many ms: of some species, or items; by
        default of all.

        species: a name, an rxd.Species, or a list of these. items: rxd.Field, Slice, Mean or
        Subvolume, one or a list.
        attach: take part in the script's runs.
        """
        if species is not None:
            species = [
                _named(one)
                for one in (
                    [species]
                    if isinstance(species, (str, Species, TransmembraneSpecies))
                    else species
                )
            ]
        if items is not None:
            items = [
                replace(
                    item, species=_named(item.species), region=_region_of(item.species, item.region)
                )
                for item in _checked_items(items)
            ]
        super().__init__(path, every, species, items, {"neuron": neuron.__version__})
        _attach(self, attach)


def _attach(observer: Observer, wanted: bool) -> None:
    if wanted:
        simulation.observers.add(observer)


def _named(species) -> str:
    species = without(species)
    return simulation.registry.label(species) if isinstance(species, Species) else species


def _region_of(species, region):
    """As given, or that of a species that has no other: another species may have its name."""
    species = without(species)
    alone = region is None and isinstance(species, Species) and len(species.regions) == 1
    return species.regions[0] if alone else region


def _checked_items(items) -> list:
    found = [items] if isinstance(items, Item) else list(items)
    for item in found:
        if (
            not isinstance(item, Item)
            or type(item) is Item
            or not isinstance(item.species, (str, Species, TransmembraneSpecies))
        ):
            raise ValueError(
                f"items must be rxd.Field, Slice, Mean or Subvolume of a species, got {item!r}"
            )
    return found


class Progress(progress.Progress):
    __doc__ = progress.Progress.__doc__

    def __init__(self, tstop: float | None = None, stream=None, attach: bool = True):
        """Show how far the run is, to tstop (ms), on a text stream (standard error). attach: take
        part in the script's runs.
        """
        super().__init__(tstop, stream)
        _attach(self, attach)


class Checkpoint(schedule.CheckpointSchedule):
    """Writes checkpoints from the next finitialize or step on, and ends the run early where its
    time is up or a signal asks for it.

    path: a folder; every: seconds, "15min", or steps as in "1000 steps"; keep: how many stay;
    max_time: of the process, as in "23:50:00" (SLURM's own limit counts too); vectors: {name:
    n.Vector} that are kept along. SIGTERM and SIGUSR1 ask for
    a checkpoint and the end, with status 75: to be continued. One made anew takes the place of the
    one before; ``close()``, or the end of ``with rxd.Checkpoint(...):``, ends it: call it on every
    rank. One whose name the script has given to something else, or dropped, ends at the next
    finitialize. Raises ValueError naming the argument.
    """

    def __init__(
        self, path, every="15min", keep: int = 2, max_time=None, vectors: dict | None = None
    ):
        super().__init__(simulation.comm, path, every, keep, max_time, vectors)
        simulation.run_loop.checkpoints = self
        simulation.let_record()

    def close(self) -> None:
        """Write no more checkpoints, and leave signals to the system. Local, to be called on every
        rank; again is harmless.
        """
        if simulation.run_loop.checkpoints is self:
            simulation.run_loop.checkpoints = None
            self.release_signals()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def restart(path, must: bool = True) -> None:
    """Let the next finitialize end where a checkpoint was taken. path: a folder of checkpoints, or
    one of them.

    must: an error where there is none; else the run then begins anew. n.t tells which. The script
    must make the same model.
    """
    simulation.run_loop.restart = schedule.Restart(path, must)


def from_file(path, dataset: str) -> FileProfile:
    """A dataset of the box's shape in an HDF5 file, for volume_fraction, tortuosity, permeability
    or initial: ranks read their planes.
    """
    return FileProfile(Path(path), dataset)


def from_function(function) -> FunctionProfile:
    """A function of arrays x, y, z (um), the voxels' centres, for initial or tissue: one call for
    all of a rank's voxels.

    A function given by itself is NEURON's: ``initial`` calls it with a node, and tissue with the
    voxels' lower corners.
    """
    return FunctionProfile(function, at=0.5)


class Diagnostics(diagnostics.Diagnostics):
    """Numbers about a species while the run goes on: amount, mean, least and greatest; and, where
    asked for, more.

    species: rxd.Species or its name. every: ms between samplings; the first is at initialisation.
    region: for a species in
    several. threshold (mM): volume of the voxels above it. front: where the mean falls through it,
    "x", "y" or "z" (with "-" for a front that moves down) or "radius", with its speed. centre (x,
    y, z) um: means in shells around it, ``shell`` um wide.
    balance: what came in, reacted, passed the walls, and what of the change in amount these leave
    unexplained.
    path: a file to write; or output: the rxd.Output whose file it goes to. name: its group there,
    /diagnostics/NAME. Rows come to the file within half a second; ``flush``, called on every rank,
    brings them at once. Made in mid-run, they begin at the next due time. ``close()``, or the end
    of ``with rxd.Diagnostics(...):``, ends them (collective); when they are let go, see rxd.Output.
    """

    def __init__(
        self,
        species,
        every: float,
        *,
        region=None,
        threshold=None,
        front=None,
        centre=None,
        shell=None,
        balance=False,
        path=None,
        output=None,
        name=None,
        attach: bool = True,
    ):
        if path is not None and output is not None:
            raise ValueError(
                f"give path or output, not both; got path={path!r} and output={output!r}"
            )
        quantities = measure.Quantities(threshold, front, centre, shell, balance)
        if path is not None:
            output = Output(path, every, items=[], attach=attach)
        super().__init__(
            _named(species),
            every,
            quantities,
            _region_of(species, region),
            output,
            name,
            owned=path is not None,
        )
        _attach(self, attach)


class SegmentReport(segments.SegmentReport):
    __doc__ = segments.SegmentReport.__doc__

    def __init__(
        self,
        path,
        variables=("v",),
        every: float = 1.0,
        sections=None,
        population="All",
        attach: bool = True,
    ):
        """Write these variables of segments to ``path``, a frame every so many ms. attach: take
        part in the script's runs.
        """
        super().__init__(
            path, variables, every, sections, population, {"neuron": neuron.__version__}
        )
        _attach(self, attach)


class Spikes(spikes.Spikes):
    __doc__ = spikes.Spikes.__doc__

    def __init__(
        self, path, recorded=None, every: float = 100.0, population="All", attach: bool = True
    ):
        """Write the spikes of all cells with gids to ``path``. attach: take part in the script's
        runs.
        """
        super().__init__(path, recorded, every, population, {"neuron": neuron.__version__})
        _attach(self, attach)


def add_observer(observer) -> None:
    """Let an object take part in the runs, on every rank: an rxd.Observer, or any object with some
    of its methods.

    started(simulation, t) at the end of n.finitialize; stepped(simulation, t) after each step of
    the grid; ended() when the run
    has ended: at the next n.finitialize, or at exit. It is held until `remove_observer`.
    """
    simulation.observers.add(observer)


def remove_observer(observer) -> None:
    """Let an observer take part no more; it ends before the next step, at the next n.finitialize or
    at exit. Call it on every rank.

    ``close()`` of ecsmpi's own observers ends them at once. ValueError where it takes no part.
    """
    if not simulation.observers.remove(observer):
        raise ValueError(
            f"{observer!r} takes no part in the run: give an object that add_observer was given, or an rxd.Output and the like"
        )


def all_species() -> list[Species | TransmembraneSpecies]:
    """The script's species in the extracellular space, in the order they were made."""
    return [whole(one) for one in simulation.registry.scripts_species if one.regions]


def phases() -> Phases:
    """How long each phase of the steps has taken on this rank."""
    return simulation.phases


def rank() -> int:
    """This rank among those that compute the model together: all, or those of NEURON's world or of
    ``rxd.options.comm``.
    """
    return simulation.solvers.worlds.rank


def nthread(count: int | None = None) -> int:
    """Threads that each rank uses for its slab; ``count`` (1 or more) sets it, or as many as the
    rank has cores, with a warning.
    """
    if count is not None:
        if not isinstance(count, numbers.Real) or not float(count).is_integer():
            raise InvalidValue(f"nthread must be a whole number, got {count!r}")
        most = int(os.environ["NUMBA_NUM_THREADS"])
        if count < 1:
            raise InvalidValue(f"nthread must be 1 or more, got {count}")
        if count > most and rank() == 0:
            warnings.warn(
                f"nthread({count}) is {most}, the cores of this rank: start the ranks with more cores each, or set NUMBA_NUM_THREADS",
                stacklevel=2,
            )
        kernels.set_threads(min(int(count), most))
    return kernels.threads()


def re_init() -> None:
    """Set the voxels of segments to what these hold outside, and plan anew with fluxes added on any
    rank. Collective.

    Inside cells NEURON does so itself.
    """
    if were_any_defined():
        neuron_rxd.re_init()
    simulation.set_from_segments(simulation.species)


for _kind in (Output, Progress, Checkpoint, Diagnostics, SegmentReport, Spikes):
    refuse_unknown_names(_kind)

garbage.leave_out_modules(script_has_begun=any(True for _ in neuron.n.allsec()))
