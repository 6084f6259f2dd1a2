"""Reading back the frames that `output` wrote: plain arrays, without MPI and without NEURON.

    with load("k.h5") as recording:
        recording.time, recording.x        # ms, um
        recording["k"]                     # (time, x, y, z) in mM
        recording.frame("k", -1)           # (x, y, z): reads this frame alone
        recording.selections["k_mean_z"]["k"]   # with time, x, y and z of its own
"""

from __future__ import annotations

import weakref
from pathlib import Path

import h5py

from ecsmpi.files.file_layout import FORMAT
from ecsmpi.files.frames import Frames
from ecsmpi.description.grid import Box
from ecsmpi.files.table import read_tables


def load(path) -> Recording:
    """Open a file of frames; one that is still being written has the frames of this moment.

    Raises OSError where the file, or a part of it, is missing, truncated or not HDF5, and ValueError where it
    is HDF5 of something else.
    """
    return Recording(path)


class Recording(Frames):
    """The frames of one file: those of the whole box, of which there may be none, and of selections.

    selections  name -> Frames
    diagnostics name -> {column: (rows,) or (rows, shells)}
    attributes  the provenance, by name
    """

    def __init__(self, path):
        path = Path(path)
        self._file, self._datasets = opened(path), []
        self._end = weakref.finalize(self, _close, self._file, self._datasets)
        try:
            self._read(path)
        except BaseException:
            self.close()
            raise

    def _read(self, path):
        file = self._file
        if file.attrs.get("format") != FORMAT:
            raise ValueError(f"{path} is not a file of frames written by ecsmpi: "
                             f"it lacks the attribute format = {FORMAT!r}")
        try:
            self.attributes = plain(file.attrs)
            data, frames = {}, 0
            if "VTKHDF" in file:
                data, frames = dict(file["VTKHDF/CellData"].items()), int(file["VTKHDF/Steps"].attrs["NSteps"])
            box = Box(*(tuple(self.attributes[name]) for name in ("box_lo_um", "voxel_um", "voxels")))
            super().__init__(path, box, "all voxels", file, data, frames)
            self.selections = {name: _selection(path, group) for name, group in file.items() if "frames" in group.attrs}
            self._datasets += [one._data for one in (self, *self.selections.values())]
            self.diagnostics = read_tables(file)
            found = [(name, data, len(one)) for one in (self, *self.selections.values()) for name, data in one._data.items()]
            virtual = [data.is_virtual for _, data, _ in found]
        except ValueError:
            raise
        except Exception as error:  # of any kind, from h5py, where bytes are not what they were
            raise OSError(f"{path} is damaged ({error}): its writer was ended inside a write; "
                          "run the simulation again") from error
        for (name, data, frames), parted in zip(found, virtual):
            _check_frames(path, name, data, parted, frames, self.attributes["run"])

    def of(self, selection: str | None) -> Frames:
        """The frames of a selection; None for those of the whole box or, where there are none, of the first selection."""
        if selection is None:
            return self if self.names or not self.selections else next(iter(self.selections.values()))
        if selection not in self.selections:
            raise ValueError(f"{self.path} has no selection {selection!r}; it has {', '.join(self.selections) or 'none'}")
        return self.selections[selection]

    def close(self):
        """Close the file; again is harmless, and what is still open closes when Python ends."""
        self._end()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _close(file, datasets):
    """HDF5 crashes where the end of MPI finds a virtual dataset's properties still open: none is left behind."""
    for of_species in datasets:
        of_species.clear()
    file.close()


def opened(path):
    """The open file; OSError says what is to be done, as HDF5's own messages do not."""
    if not path.is_file():
        raise OSError(f"there is no file {path}")
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "truncated" in str(error):
            raise OSError(f"{path} is truncated: its copy is incomplete, or its writer was ended inside a "
                          "write; copy it again or run the simulation again") from error
        if "signature not found" in str(error):
            raise OSError(f"{path} is not an HDF5 file; give a file of frames written by ecsmpi") from error
        raise OSError(f"cannot read {path}: {error}") from error


def _selection(path, group) -> Frames:
    about = group.attrs
    data = {species: data for species, data in group.items() if species not in ("time", "x", "y", "z")}
    grid = Box(*(tuple(about[name].tolist()) for name in ("grid_lo_um", "grid_voxel_um", "grid_voxels")))
    return Frames(path, grid, about["voxels"], group, data, int(about["frames"]))


def plain(attributes) -> dict:
    """Numbers and lists rather than NumPy's, text rather than bytes."""
    decoded = {name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()}
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in decoded.items()}


def _check_frames(path, name, data, parted, frames, run):
    """All frames must be there. In a virtual dataset HDF5 reads those of a missing part as NaN, silently."""
    if parted:
        for source in data.virtual_sources():
            _check_part(path.parent / source.file_name, source.dset_name, frames, run)
    elif len(data) < frames:
        raise OSError(f"{path} is damaged: it has {len(data)} of {frames} frames of {name}; "
                      "run the simulation again")


def _check_part(part, name, frames, run):
    if not part.is_file():
        raise OSError(f"the part {part} is missing: put it beside the main file, which only points to it")
    with opened(part) as file:
        if file.attrs.get("run") != run:
            raise OSError(f"the part {part} belongs to another run: put that of this run in its place")
        count = len(file[name]) if name in file else 0
        if count < frames:
            raise OSError(f"the part {part} is short: {count} of {frames} frames of {name}; "
                          "copy it again or run the simulation again")
