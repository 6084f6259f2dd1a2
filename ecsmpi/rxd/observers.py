"""Observers of concentrations, and the line of progress, as scripts make them.

The classes of `ecsmpi.run.observers` know species by their names and the simulation as an argument.
The classes here take a script's own objects, and join the script's runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TextIO

from ecsmpi.files.items import Item
from ecsmpi.neuron_api.interpreter import neuron
from ecsmpi.run.observers import diagnostics, fields, measure, progress
from ecsmpi.rxd.attached import AttachedObserver
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.observed_species import (
    AnySpecies,
    item_list,
    name_of,
    region_of,
    species_list,
    with_names,
)

VERSIONS = {"neuron": neuron.__version__}  # what files say beside the version of ecsmpi


class Output(AttachedObserver, fields.Output):
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
        The species to write as whole boxes: a name, a `Species`, or a list of these. None: all.
    items
        Instead of ``species``: a `Field`, `Slice`, `Mean` or `Subvolume`, or a list of these.
    attach
        Whether to take part in the script's runs.
    cells
        Whether the file has the morphologies of the cells, of all ranks, as they are when it
        begins.

    Attributes
    ----------
    path : pathlib.Path
        The file of the first box.
    every : float
        Time between frames (ms).

    Raises
    ------
    ValueError
        For a wrong argument, on every rank.
    OSError
        If a file cannot be written, on every rank.

    Examples
    --------
    Each ms the mean over z, and each 5 ms a layer:

    >>> items = [rxd.Mean(k, axis="z"), rxd.Slice(k, z=0, every=5)]
    >>> with rxd.Output("k.h5", every=1, items=items):
    ...     n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    hidden = ("add_table", "file_of", "remove_table", "tables")

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: float,
        species: AnySpecies | Iterable[AnySpecies] | None = None,
        items: Item | Iterable[Item] | None = None,
        attach: bool = True,
        cells: bool = True,
    ):
        names = None if species is None else [name_of(one) for one in species_list(species)]
        chosen = None if items is None else [with_names(item) for item in item_list(items)]
        super().__init__(path, every, names, chosen, VERSIONS, cells)
        self._attach(attach)


class Diagnostics(AttachedObserver, diagnostics.Diagnostics):
    """Numbers about a species while the run goes on, to a table, a file and the line of progress.

    Always: ``time`` (ms), ``stored`` (amol), ``mean``, ``min`` and ``max`` (mM). With a threshold:
    ``volume_above`` (um3); with a front: ``front`` (um) and ``speed`` (um/ms); with a centre:
    ``radial_mean`` (mM) and ``radius`` (um); with a balance: ``came_in``, ``reacted``,
    ``through_walls`` and ``residual`` (amol).

    Each rank looks at its own slab; all ranks have the same numbers. Make Diagnostics on every
    rank. The first sampling is at n.finitialize; in Diagnostics that are made while a run goes on,
    at the next due time.

    ``close()``, or the end of ``with rxd.Diagnostics(...):``, ends them (collective); see
    `Output` for when a script drops them. Rows come to the file within half a second; `flush`
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
        Concentration (mM) for ``volume_above``, the volume of the voxels above it (um3, tissue and
        all), and for ``front``.
    front
        Where the mean falls through the threshold (um), and its speed (um/ms): "x", "y" or "z" for
        a front that moves up an axis, "-x", "-y" or "-z" for one that moves down, "radius" for one
        that moves away from ``centre``.
    centre
        Point (x, y, z) in um, for ``radial_mean``: the mean (mM) in shells around it.
    shell
        Width of a shell (um); None: the longest edge of a voxel.
    balance
        Whether to keep account of the amount (amol): what came in, reacted and passed the walls,
        and the residual that these leave unexplained.
    path
        A file to write.
    output
        Instead of ``path``: the `Output` whose file the rows go to.
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

    Examples
    --------
    >>> numbers = rxd.Diagnostics(k, every=0.025, threshold=6, balance=True)
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    >>> numbers.table["mean"].round(2)  # mM
    array([3., 3.])
    """

    hidden = ("go_to", "has_run", "layout", "region")

    def __init__(
        self,
        species: AnySpecies,
        every: float,
        *,
        region: Extracellular | None = None,
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
        label, region = name_of(species), region_of(species, region)
        super().__init__(label, every, quantities, region, output, name, owned=path is not None)
        self._attach(attach)


class Progress(AttachedObserver, progress.Progress):
    """Shows how far the run is: time, steps per second, time left, and numbers of diagnostics.

    Rank 0 writes it. A terminal gets one line, which is renewed, and so does each cell of a
    notebook that runs; any other stream gets a line every 10 s. Make a Progress on every rank.
    Another one for the same stream takes its place; ``close()`` ends it.

    Parameters
    ----------
    tstop
        When the run will end (ms); None: it is not known.
    stream
        A text stream; None: the cell's output in a notebook, else standard error.
    attach
        Whether to take part in the script's runs.

    Raises
    ------
    ValueError
        If ``tstop`` is not a finite number.

    Examples
    --------
    >>> progress = rxd.Progress(tstop=100)
    """

    hidden = ("cell_ended",)

    def __init__(
        self, tstop: float | None = None, stream: TextIO | None = None, attach: bool = True
    ):
        super().__init__(tstop, stream)
        self._attach(attach)
