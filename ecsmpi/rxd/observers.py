"""Observers, which watch a run: files, reports, diagnostics, the line of progress.

The classes of `ecsmpi.run.observers` know species by their names and the simulation as an argument.
The classes here take a script's own objects, and join the script's runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TextIO

from ecsmpi.files.items import Item
from ecsmpi.neuron_api.interpreter import neuron
from ecsmpi.run.observers import diagnostics, fields, measure, progress, segments, spikes
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.stand_in import FixedAttributes
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, without

AnySpecies = Species | TransmembraneSpecies | str

VERSIONS = {"neuron": neuron.__version__}  # what files say beside the version of ecsmpi


def add_observer(observer: Any) -> None:
    """Let an object take part in the runs. Local; to be called on every rank.

    The object is kept until `remove_observer`, or until `rxd.reset`.

    Parameters
    ----------
    observer
        An rxd.Observer, or any object with some of its methods: ``started(simulation, t)`` is
        called at the end of n.finitialize, ``stepped(simulation, t)`` after each step of the grid,
        ``ended()`` at the next n.finitialize or at exit. t is in ms.
    """
    _attach(observer)


def remove_observer(observer: Any) -> None:
    """Let an object no longer take part in the runs. Local; to be called on every rank.

    Its run ends before the next step, at the next n.finitialize or at exit. ``close()`` of
    ecsmpi's own observers ends it at once.

    Parameters
    ----------
    observer
        What `add_observer` was given, or an rxd.Output and the like.

    Raises
    ------
    ValueError
        If the object does not take part.
    """
    if not simulation.observers.remove(observer):
        raise ValueError(
            f"{observer!r} takes no part in the run: give an object that add_observer was given, "
            "or an rxd.Output and the like"
        )


def _attach(observer: Any, wanted: bool = True) -> None:
    """Let an observer, whose attributes are complete, take part in the script's runs if wanted."""
    if isinstance(observer, FixedAttributes):
        observer._is_complete = True
    if wanted:
        simulation.observers.add(observer)


class Output(FixedAttributes, fields.Output):
    """Writes concentrations to an HDF5 file that ParaView and xarray open.

    The first frame is written at n.finitialize; in an Output that is made while a run goes on, at
    the next due time. Each n.finitialize starts the file again. A file takes its name with its
    first frame, in place of an older one; if it cannot be started, the older one stays. Make an
    Output on every rank.

    ``close()``, or the end of ``with rxd.Output(...):``, ends it (collective). It also ends when
    another Output for the same path is made, or when the script drops its name, as by
    ``output = ...`` in a loop. An Output that never had a name ends when another one is made after
    its first run.

    Parameters
    ----------
    path
        The file of the first box; further boxes go to FILE.box1.h5, FILE.box2.h5 and so on.
    every
        Time between frames (ms).
    species
        The species to write as whole boxes: a name, an rxd.Species, or a list of these. None: all.
    items
        Instead of ``species``: an rxd.Field, Slice, Mean or Subvolume, or a list of these.
    attach
        Whether to take part in the script's runs.
    cells
        Whether the file has the morphologies of the cells, of all ranks, as they are when it
        begins.

    Attributes
    ----------
    path : pathlib.Path
    paths : list of pathlib.Path
        The files of this run so far.
    every : float
        ms.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If a file cannot be written, on every rank.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: float,
        species: AnySpecies | Iterable[AnySpecies] | None = None,
        items: Item | Iterable[Item] | None = None,
        attach: bool = True,
        cells: bool = True,
    ):
        names = None if species is None else [_name_of(one) for one in _species_list(species)]
        chosen = None if items is None else [_with_names(item) for item in _item_list(items)]
        super().__init__(path, every, names, chosen, VERSIONS, cells)
        _attach(self, attach)


class Progress(FixedAttributes, progress.Progress):
    """Shows how far the run is: time, steps per second, time left, and numbers of diagnostics.

    Rank 0 writes it. A terminal gets one line, which is renewed, and so does each cell of a
    notebook that runs; any other stream gets a line every 10 s. Make a Progress on every rank.
    Another one for the same stream takes its place; ``close()`` ends it.

    Parameters
    ----------
    tstop
        When the run will end (ms); None if that is not known.
    stream
        A text stream; None: the cell's output in a notebook, else standard error.
    attach
        Whether to take part in the script's runs.
    """

    def __init__(
        self, tstop: float | None = None, stream: TextIO | None = None, attach: bool = True
    ):
        super().__init__(tstop, stream)
        _attach(self, attach)


class Diagnostics(FixedAttributes, diagnostics.Diagnostics):
    """Numbers about a species while the run goes on, to a table, a file and the line of progress.

    Always: ``stored`` (amol), ``mean``, ``min`` and ``max`` (mM). Each rank looks at its own slab;
    all ranks have the same numbers. Make Diagnostics on every rank. The first sampling is at
    n.finitialize; in Diagnostics that are made while a run goes on, at the next due time.

    ``close()``, or the end of ``with rxd.Diagnostics(...):``, ends them (collective); see
    rxd.Output for when a script drops them. Rows come to the file within half a second; `flush`
    brings them at once (collective).

    Parameters
    ----------
    species
        An rxd.Species, or its name.
    every
        Time between samplings (ms).
    region
        The region, for a species in several.
    threshold
        Concentration (mM) for ``volume_above``, the volume of the voxels above it, and for
        ``front``.
    front
        Where the mean falls through the threshold, and its speed: "x", "y" or "z" for a front that
        moves up an axis, "-x", "-y" or "-z" for one that moves down, "radius" for one that moves
        away from ``centre``.
    centre
        (x, y, z) um, for ``radial_mean``: the mean in shells around that point.
    shell
        Width of a shell (um); None: the longest edge of a voxel.
    balance
        Whether to keep account of the amount: what came in, reacted and passed the walls, and the
        residual that these leave unexplained.
    path
        A file to write.
    output
        Instead of ``path``: the rxd.Output whose file the rows go to.
    name
        The group in the file, /diagnostics/NAME; None: the name of the species.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If the file cannot be written, on every rank.
    """

    def __init__(
        self,
        species: AnySpecies,
        every: float,
        *,
        region: Any = None,
        threshold: float | None = None,
        front: str | None = None,
        centre: Sequence[float] | None = None,
        shell: float | None = None,
        balance: bool = False,
        path: str | os.PathLike[str] | None = None,
        output: Output | None = None,
        name: str | None = None,
        attach: bool = True,
    ):
        if path is not None and output is not None:
            raise ValueError(
                f"give path or output, not both; got path={path!r} and output={output!r}"
            )
        quantities = measure.Quantities(threshold, front, centre, shell, balance)
        if path is not None:
            output = Output(path, every, items=[], attach=attach)
        label, region = _name_of(species), _region_of(species, region)
        super().__init__(label, every, quantities, region, output, name, owned=path is not None)
        _attach(self, attach)


class SegmentReport(FixedAttributes, segments.SegmentReport):
    """Writes variables of segments to SONATA reports.

    Cells are nodes with their gids, and their sections are elements; without any gids cells are
    numbered from 0. Values are those at the end of NEURON's step. The first frame is that of
    n.finitialize; in a report that is made while a run goes on, that of the next due time. Make a
    SegmentReport on every rank.

    Frames are buffered; `flush` brings them to the file (collective). ``close()``, or the end of
    ``with rxd.SegmentReport(...):``, ends it (collective); see rxd.Output for when a script drops
    it.

    Parameters
    ----------
    path
        The file of one variable; several go to FILE.v.h5, FILE.ki.h5 and so on.
    variables
        Names of range variables, such as "v", "ki", "ko" or "m_hh".
    every
        Time between frames (ms), a whole number of the grid's steps.
    sections
        Sections of this rank; None: all that have the variable.
    population
        Name of the population in the files.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If a file cannot be written, on every rank.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        variables: str | Sequence[str] = ("v",),
        every: float = 1.0,
        sections: Iterable[Any] | None = None,
        population: str = "All",
        attach: bool = True,
    ):
        super().__init__(path, variables, every, sections, population, VERSIONS)
        _attach(self, attach)


class Spikes(FixedAttributes, spikes.Spikes):
    """Writes the spikes of all cells with gids to a SONATA file, in the order of time.

    Make it on every rank, before or while a run goes on. `flush` brings all spikes until now to the
    file (collective). ``close()``, or the end of ``with rxd.Spikes(...):``, ends it (collective);
    see rxd.Output for when a script drops it. One that records all gids takes the place of an older
    one that does.

    Parameters
    ----------
    path
        The file.
    recorded
        (times, gids): vectors of this rank that the script's own ``pc.spike_record`` fills, as
        NEURON records the spikes of a gid in one place only. None: record all gids of this rank.
    every
        Time between writes (ms).
    population
        Name of the population in the file.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If the file cannot be written, on every rank.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        recorded: tuple[Any, Any] | None = None,
        every: float = 100.0,
        population: str = "All",
        attach: bool = True,
    ):
        super().__init__(path, recorded, every, population, VERSIONS)
        _attach(self, attach)


def _species_list(species: Any) -> list[Any]:
    is_one = isinstance(species, (str, Species, TransmembraneSpecies))
    return [species] if is_one else list(species)


def _name_of(species: Any) -> str:
    """The name of a species in files."""
    species = without(species)
    if isinstance(species, Species):
        return simulation.registry.label(species)
    return str(species)


def _region_of(species: Any, region: Any) -> Any:
    """The region as given, or that of a species that has no other.

    In another region another species may have the same name.
    """
    species = without(species)
    if region is None and isinstance(species, Species) and len(species.regions) == 1:
        return species.regions[0]
    return region


def _item_list(items: Any) -> list[Any]:
    """The items as a list; ValueError names one that is not an item of a species."""
    found = [items] if isinstance(items, Item) else list(items)
    for item in found:
        is_item = isinstance(item, Item) and type(item) is not Item
        if not is_item or not isinstance(item.species, (str, Species, TransmembraneSpecies)):
            raise ValueError(
                f"items must be rxd.Field, Slice, Mean or Subvolume of a species, got {item!r}"
            )
    return found


def _with_names(item: Any) -> Any:
    """An item with the name of its species in place of the species."""
    region = _region_of(item.species, item.region)
    return replace(item, species=_name_of(item.species), region=region)
