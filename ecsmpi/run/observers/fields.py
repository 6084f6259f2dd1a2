"""Concentrations that a run writes to files of frames."""

from __future__ import annotations

import itertools
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecsmpi import __version__
from ecsmpi.cells.drawn_cells import gather_cells
from ecsmpi.files.cadence import Cadence, checked_interval
from ecsmpi.files.cells_group import Cells
from ecsmpi.files.items import Field, Item
from ecsmpi.files.output import GridFile
from ecsmpi.files.table import Table
from ecsmpi.run.observers.base import Observer, ObserverState

if TYPE_CHECKING:
    from ecsmpi.run.observers.diagnostics import Diagnostics

LAST_FRAME = "ecsmpi_last_frame.h5"  # of a run that went wrong
STATE_FIELDS = ("files", "cadences")


class Output(Observer):
    """Writes concentrations to an HDF5 file, from the next finitialize on.

    An Output that is made in mid-run writes from its next due time on.

    A file takes its name with its first frame, in place of an older file; if it cannot be begun,
    the older file stays. ``close()``, or the end of ``with rxd.Output(...):``, ends it
    (collective). Each finitialize begins a new run and begins the files again, unless the Output
    has left. An Output leaves when another is made for the same path. It also leaves when the
    script had a name for it and has dropped it (``output = ...`` anew, the end of a function). An
    Output that never had a name leaves when another Output is made after its first run.

    Parameters
    ----------
    path : path
        The file of the first region. Further regions go to FILE.box1.h5, FILE.box2.h5 and so on.
    every : float
        Time between frames (ms). The first frame is at initialisation.
    species : list of str, optional
        Names of the species that are written in whole; None for all.
    items : list of Field, Slice, Mean, Subvolume, optional
        What is written of which species, instead of ``species``; see `files.items`.
    versions : dict, optional
        {program: version} to note in the file.
    cells : bool
        Whether the file has the morphologies of the cells, of all ranks.

    Raises
    ------
    ValueError
        For wrong arguments.
    OSError
        Where a file cannot be written, on every rank.
    """

    goes_when_dropped = True

    def __init__(
        self,
        path,
        every: float,
        species=None,
        items=None,
        versions: dict | None = None,
        cells: bool = True,
    ):
        if species is not None and items is not None:
            raise ValueError(
                f"give species or items, not both; got species={species!r} and items={items!r}"
            )
        self.path = Path(path)
        self.every = checked_interval(every)
        if species is not None:
            items = [Field(str(name)) for name in species]
        self._items: list[Item] | None = items
        self._groups = _groups(items or [])
        self._has_cells = bool(cells)
        self._versions = {"ecsmpi": __version__, **(versions or {})}
        self._files: dict[weakref.ref, GridFile] = {}  # by region
        # {interval: {(file, group): {name: (solver of the region, key of the species)}}}
        self._frames: dict[float, dict[tuple, dict]] = {}
        self._cadences: list[Cadence] = []
        self._tables: list[weakref.ref] = []
        self._written_path = self.path.absolute()  # unless the script changes its folder

    def __repr__(self):
        return f"Output({str(self.path)!r}, every={self.every:g})"

    @property
    def paths(self) -> list[Path]:
        """The files of this run so far: one for each box."""
        return [file.path for file in self._files.values()]

    def paths_written(self) -> list[Path]:
        """The first file."""
        return [self._written_path]

    # diagnostics whose rows go to the file

    @property
    def tables(self) -> list[Diagnostics]:
        """The diagnostics whose rows go to the file."""
        living = (reference() for reference in self._tables)
        return [one for one in living if one is not None]

    def add_table(self, diagnostics: Diagnostics) -> None:
        """Write the rows of diagnostics too; the Output does not keep them alive.

        Diagnostics of the same name leave if they have been in a run, else it raises ValueError.
        """
        for other in self.tables:
            if other.name == diagnostics.name:
                if not other.has_run:
                    raise ValueError(
                        f"{self.path} has diagnostics {other.name} already: "
                        "give these another name=..., or close() those"
                    )
                if other.observers is not None and other is not diagnostics:
                    other.observers.remove(other)
                self.remove_table(other)
        self._tables.append(weakref.ref(diagnostics))

    def remove_table(self, diagnostics: Diagnostics) -> None:
        """Write the rows of these diagnostics no more."""
        self._tables = [one for one in self._tables if one() not in (diagnostics, None)]

    def replaced_by(self, other: Observer) -> None:
        """Let the diagnostics write to the new Output."""
        if isinstance(other, Output):
            for one in self.tables:
                one.go_to(other)

    def file_of(self, region) -> GridFile:
        """The open file of a region."""
        file = self._files.get(weakref.ref(region))
        if file is None or file.closed:
            raise ValueError(
                f"{self.path} is not open, so diagnostics cannot go to it: "
                "make the Output before its diagnostics, close it after them"
            )
        return file

    # the run

    def started(self, simulation, t: float) -> None:
        """Begin the files with a frame of the initial state. Collective."""
        try:
            self._open_all(simulation, None)
            for cadence in self._cadences:
                cadence.begin(t)
                self._append(cadence.every, t)
        except BaseException:
            self._give_up()
            raise

    def joined(self, simulation, t: float) -> None:
        """Begin the files in mid-run; the first frame comes when it is due. Collective."""
        try:
            self._open_all(simulation, None)
            for cadence in self._cadences:
                cadence.join(simulation.supervisor.began, t)
            for file in self._files.values():
                file.appear()
        except BaseException:
            self._give_up()
            raise

    def state(self) -> ObserverState:
        """Bring all frames to the disk and return where the files stand. Collective."""
        files = [file.sync() for file in self._files.values()]
        cadences = [one.state() for one in self._cadences]
        return ObserverState("output", str(self.path), {"files": files, "cadences": cadences})

    def resumed(self, simulation, t: float, states: list) -> None:
        """Go on from a checkpoint, without the frames that came after it. Collective.

        A file that the checkpoint does not know begins at t (ms).
        """
        found = ObserverState.find(states, "output", str(self.path), STATE_FIELDS)
        if found is None:
            return self.started(simulation, t)
        self._open_all(simulation, [(kept, t) for kept in found.fields["files"]])
        for cadence, state in zip(self._cadences, found.fields["cadences"], strict=True):
            cadence.resume(state)

    def stepped(self, simulation, t: float) -> None:
        """Write the frames that are due. Collective."""
        for cadence in self._cadences:
            if cadence.due(t):
                self._append(cadence.every, t)

    def ended(self) -> None:
        """Close the files. Collective."""
        self._frames = {}
        self._cadences = []
        for file in self._files.values():
            file.close()

    def _give_up(self) -> None:
        for file in self._files.values():
            file.discard()
        self._files = {}
        self._frames = {}
        self._cadences = []

    def _append(self, every: float, t: float) -> None:
        for (file, group), written in self._frames[every].items():
            frame = {name: solver.fields[key].owned for name, (solver, key) in written.items()}
            file.append(t, frame, group)

    # the files

    def _open_all(self, simulation, kept: list | None) -> None:
        """Open the files of all regions. kept: where each stood in a checkpoint, or None."""
        self.ended()
        self._files = {}
        self._frames = {}
        cells = gather_cells(simulation.comm) if self._has_cells and kept is None else None
        for region, chosen, tables in self._contents(simulation):
            kept_of_file = kept and kept[len(self._files)]
            self._open(simulation, region, chosen, tables, kept_of_file, cells)
        self._cadences = [Cadence(every) for every in self._frames]

    def _contents(self, simulation) -> list[tuple]:
        """(region, [(item, group, species)], {name: table}) of each region with a file."""
        by_label = simulation.registry.by_label()
        items = self._items
        if items is None:
            items = [Field(name) for name in by_label]
        _check_species(items, by_label)
        chosen = []
        for item, group in zip(items, self._groups or [""] * len(items)):
            for species in by_label[str(item.species)]:
                chosen.append((item, group, species))
        contents = []
        for region in simulation.regions:
            in_region = [one for one in chosen if _is_in(region, one[0], one[2])]
            tables: dict[str, Table] = {}
            for one in self.tables:
                if one.region(simulation) is region:
                    tables[one.name] = one.layout(region.box)
            if in_region or tables:
                contents.append((region, in_region, tables))
        return contents

    def _open(
        self, simulation, region, chosen: list[tuple], tables: dict, kept, cells: Cells | None
    ) -> None:
        """Open the file of a region, and settle what goes to it how often."""
        solver = simulation.space(region)
        whole: dict[str, Any] = {}
        selections: dict[str, tuple] = {}
        for item, group, _ in chosen:
            if group:
                selections[group] = (item.selection(region.box), {item.species: item.encoding})
            else:
                whole[item.species] = item.encoding
        about = {f"{program}_version": version for program, version in self._versions.items()}
        about["volume_fraction"] = _noted(region.tissue.volume_fraction)
        about["tortuosity"] = _noted(region.tissue.tortuosity)
        about["charges"] = _charges(chosen)
        file = GridFile(
            self._path_of_file(len(self._files)),
            region.box,
            whole,
            solver.planes,
            simulation.comm,
            about,
            selections=selections,
            tables=tables,
            kept=kept,
            cells=cells,
        )
        self._files[weakref.ref(region)] = file
        for item, group, species in chosen:
            simulation.field(species, region)
            frames = self._frames.setdefault(item.every or self.every, {})
            frames.setdefault((file, group), {})[item.species] = (solver, species.key)

    def _path_of_file(self, number: int) -> Path:
        if number == 0:
            return self.path
        return self.path.with_suffix(f".box{number}{self.path.suffix}")


def keep_frame(simulation, t: float) -> str:
    """Write one frame of the concentrations now, to be looked at; returns where. Collective."""
    output = Output(LAST_FRAME, 1.0, cells=False)
    try:
        output.started(simulation, t)
        output.ended()
    except OSError as error:
        return f"no file ({error})"
    return ", ".join(map(str, output.paths))


def _check_species(items: list[Item], by_label: dict[str, list]) -> None:
    """Raise ValueError for an item of a species that there is not, or not in its region."""
    unknown = [str(item.species) for item in items if item.species not in by_label]
    if unknown:
        raise ValueError(
            f"no species {', '.join(unknown)} to write: "
            f"the model has {', '.join(by_label) or 'none'}"
        )
    for item in items:
        species = by_label[str(item.species)]
        if item.region is not None and not any(item.region in one.regions for one in species):
            raise ValueError(
                f"species {item.species} is not in {item.region!r}: there is nothing to write"
            )


def _is_in(region, item: Item, species) -> bool:
    return region in species.regions and item.region in (None, region)


def _groups(items: list[Any]) -> list[str]:
    """The name of each item's group in the file, "" for whole boxes.

    Items without a name get one such as k_slice, k_slice_2.
    """
    whole = [item for item in items if isinstance(item, Field)]
    if len({item.every for item in whole}) > 1:
        times = ", ".join(f"{item.every} for {item.species}" for item in whole)
        raise ValueError(
            "whole boxes of one file are written at the same times, got every = "
            f"{times}: use an Output for each"
        )
    given = [getattr(item, "name", "") for item in items]  # whole boxes have no name
    groups: list[str] = []
    for item, name in zip(items, given):
        if name is None:
            name = _free_name(f"{item.species}_{item.kind}", {*groups, *filter(None, given)})
        groups.append(name)
    return groups


def _free_name(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken."""
    if name not in taken:
        return name
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(one for one in numbered if one not in taken)


def _charges(chosen: list[tuple]) -> str:
    """The charges of ions, such as ``k 1, ca 2``."""
    charges = {str(item.species): species.charge for item, _, species in chosen}
    return ", ".join(f"{name} {charge}" for name, charge in charges.items() if charge)


def _noted(value) -> float | str:
    """A number as it is, or words for a value that varies."""
    return value if isinstance(value, float) else f"varies: {value!r}"
