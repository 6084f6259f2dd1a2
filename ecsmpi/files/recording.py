"""Reads the frames that a run wrote: plain arrays, without MPI and without NEURON.

    recording = ecsmpi.load("k.h5")
    recording                               # what is in it
    recording.time, recording.x             # ms, um
    recording["k"]                          # (time, x, y, z) in mM
    recording.frame("k", -1)                # (x, y, z): reads this frame alone
    recording.selections["k_mean_z"]["k"]   # with time, x, y and z of its own

The file is open only while one of these reads it, so a run may write it anew, and other programs
may open it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecsmpi.description.grid import Box
from ecsmpi.files.frame_checks import check_field, check_kind
from ecsmpi.files.frame_source import (
    FrameSource,
    damage_explained,
    opened,
)
from ecsmpi.files.frames import Frames
from ecsmpi.files.table import read_tables

AXES = ("time", "x", "y", "z")


def load(path: str | Path) -> Recording:
    """Load a file of frames that a run wrote, or is still writing.

    It needs neither MPI nor NEURON, and no file stays open.

    Parameters
    ----------
    path
        The file. While a run writes it, the recording has the frames of this moment.

    Returns
    -------
    Recording
        ``recording["k"]`` is the array (time, x, y, z) of species k in mM.

    Raises
    ------
    OSError
        Where the file, or a part of it, is missing, truncated or not HDF5.
    ValueError
        Where it is an HDF5 file with something else.

    Examples
    --------
    >>> with rxd.Output("k.h5", every=0.025):
    ...     n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    >>> recording = ecsmpi.load("k.h5")
    >>> recording.time  # ms
    array([0.   , 0.025])
    >>> recording["k"].shape
    (2, 10, 10, 10)
    >>> recording.series("k", (0, 0, 0)).round(2)  # mM
    array([3., 3.])
    """
    return Recording(path)


class Recording(Frames):
    """The frames of one file: of the whole box, if it has any, and of selections.

    `ecsmpi.load` makes it. It is the `Frames` of the whole box. No file stays open. Where another
    run has replaced the file, reading raises OSError; what was read stays.

    Attributes
    ----------
    selections : dict
        {name: `Frames`} of the selections: slices, means and subvolumes.
    diagnostics : dict
        {name: {column: (rows,) or (rows, shells) numbers}}: the columns of `Diagnostics`, time in
        ms, amounts in amol, concentrations in mM, lengths in um.
    attributes : dict
        Where the numbers come from: versions, number of ranks, tissue and so on, by name.
    """

    def __init__(self, path: str | Path):
        source = FrameSource(path)
        with opened(source.path) as file:
            check_kind(path, file)
            with damage_explained(path):
                self._read(source, file)

    def _read(self, source: FrameSource, file) -> None:
        self.attributes = plain(file.attrs)
        source.run = self.attributes["run"]
        places: dict[str, str] = {}
        frames = 0
        if "VTKHDF" in file:
            places = {name: f"VTKHDF/CellData/{name}" for name in file["VTKHDF/CellData"]}
            frames = int(file["VTKHDF/Steps"].attrs["NSteps"])
        box = Box(
            tuple(self.attributes["box_lo_um"]),
            tuple(self.attributes["voxel_um"]),
            tuple(self.attributes["voxels"]),
        )
        time = file["time"][:frames] if places else None
        super().__init__(source, box, "all voxels", places, time)
        self.selections: dict[str, Frames] = {}
        for name, group in file.items():
            if "frames" in group.attrs:
                self.selections[name] = _selection(source, name, group)
        self.diagnostics = read_tables(file)
        charges = read_charges(self.attributes.get("charges", ""))
        for frames_of in (self, *self.selections.values()):
            frames_of.charges = charges
            for name in frames_of.names:
                check_field(source, file, frames_of, name)

    def of(self, selection: str | None) -> Frames:
        """Return the frames of a selection.

        Parameters
        ----------
        selection
            Its name, such as "k_mean_z". None stands for the whole box or, where the file has none
            of it, for the first selection.

        Returns
        -------
        Frames

        Raises
        ------
        ValueError
            For an unknown name.
        """
        if selection is None:
            if self.names or not self.selections:
                return self
            return next(iter(self.selections.values()))
        if selection not in self.selections:
            known = ", ".join(self.selections) or "none"
            raise ValueError(f"{self.path} has no selection {selection!r}; it has {known}")
        return self.selections[selection]

    def _drawn(self) -> Frames:
        return self.of(None)

    def close(self) -> None:
        """Let nothing more be read. No file is open that this could close."""
        self._source.closed = True

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __repr__(self) -> str:
        from ecsmpi.files.summary import described

        return described(self)


def _selection(source: FrameSource, name: str, group) -> Frames:
    about = group.attrs
    places = {species: f"{name}/{species}" for species in group if species not in AXES}
    grid = Box(
        tuple(about["grid_lo_um"].tolist()),
        tuple(about["grid_voxel_um"].tolist()),
        tuple(about["grid_voxels"].tolist()),
    )
    frames = int(about["frames"])
    return Frames(source, grid, about["voxels"], places, group["time"][:frames])


def read_charges(text: str) -> dict[str, int]:
    """Return the charges that a file's attribute has, such as ``k 1, ca 2``.

    Raises ValueError for any other text.
    """
    charges = {}
    for entry in filter(None, text.split(", ")):
        name, _, charge = entry.rpartition(" ")
        try:
            charges[name] = int(charge)
        except ValueError:
            raise ValueError(f"the attribute charges is damaged: {text!r}") from None
    return charges


def plain(attributes) -> dict[str, Any]:
    """Return attributes as plain numbers, lists and text rather than NumPy's and bytes."""
    result = {}
    for name, value in attributes.items():
        if isinstance(value, bytes):
            result[name] = value.decode(errors="backslashreplace")
        elif hasattr(value, "tolist"):
            result[name] = value.tolist()
        else:
            result[name] = value
    return result
