"""Files of frames have the morphologies of all ranks' cells, and VTK reads them."""

import ecsmpi
from ecsmpi.files.cells_group import Cells
import h5py
import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOHDF import vtkHDFReader

from support.frames import storages
from support.ranks import TESTS, mpirun

PROGRAM = TESTS / "programs" / "files" / "cells_in_files.py"
GIDS = [3, 13, 23, 33, 43]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder of a run, by ranks and storage."""
    folders = {}

    def run(ranks, storage):
        if (ranks, storage) not in folders:
            folder = tmp_path_factory.mktemp("cells")
            done = mpirun(ranks, ["python", PROGRAM, folder], env={"ECSMPI_STORAGE": storage})
            assert done.returncode == 0, done.stdout + done.stderr
            folders[ranks, storage] = folder
        return folders[ranks, storage]

    return run


def poly_data(path):
    """Return the lines (points, diameters) and the gids that VTK's reader finds."""
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutputDataObject(0)
    points = vtk_to_numpy(data.GetPoints().GetData())
    diameters = vtk_to_numpy(data.GetPointData().GetArray("diameter"))
    offsets = vtk_to_numpy(data.GetLines().GetOffsetsArray())
    rows = vtk_to_numpy(data.GetLines().GetConnectivityArray())
    gids = vtk_to_numpy(data.GetCellData().GetArray("gid"))
    sections = vtk_to_numpy(data.GetCellData().GetArray("section"))
    assert sections.tolist() == list(range(len(gids)))
    lines = [rows[lo:hi] for lo, hi in zip(offsets, offsets[1:])]
    return [points[line] for line in lines], [diameters[line] for line in lines], gids


def test_a_file_has_the_points_of_all_sections_in_the_order_of_their_gids(written):
    cells = ecsmpi.load(written(1, "auto") / "k.h5").cells
    assert cells.gids.tolist() == [gid for gid in GIDS for _ in range(2)] + [-1, -1]
    assert cells.names[:2] == ("<__main__.Cell>.soma", "<__main__.Cell>.dend")
    assert cells.names[-2:] == ("alone", "bare")
    lines = cells.lines()
    for i in range(5):
        x = np.array([0.0, 5.0, 10.0])
        soma = np.stack([40 * i + x, -x, 2 * x], axis=1)
        assert np.array_equal(lines[2 * i], soma)
        first = cells.offsets[2 * i]
        assert np.allclose(cells.diameters[first : first + 3], 10 + i + x / 5, rtol=1e-7)
        dend = lines[2 * i + 1]
        assert np.isclose(
            np.linalg.norm(np.diff(dend, axis=0), axis=1).sum(), 20 + i, rtol=1e-6
        )
    assert np.array_equal(lines[-2], [[0, 1, 2], [7, 1, 2]])


@pytest.mark.parametrize("storage", storages(2))
def test_any_number_of_ranks_writes_the_same_cells(storage, written):
    alone = ecsmpi.load(written(1, "auto") / "k.h5").cells
    found = ecsmpi.load(written(2, storage) / "k.h5").cells
    with_gid = alone.gids >= 0
    assert found.names == alone.names
    assert np.array_equal(found.gids, alone.gids)
    assert np.array_equal(found.offsets, alone.offsets)
    # define_shape lays cells that are not placed side by side, by their number on the rank
    placed = np.repeat(with_gid, np.diff(alone.offsets))
    assert np.array_equal(found.points[placed], alone.points[placed])
    assert np.array_equal(found.diameters, alone.diameters)


def test_a_file_may_be_without_cells(written):
    folder = written(1, "auto")
    assert ecsmpi.load(folder / "without.h5").cells is None
    done = mpirun(None, ["ecsmpi", "cells", folder / "without.h5"])
    assert done.returncode == 2
    assert "has no cells: write it with rxd.Output(..., cells=True)" in done.stderr


def test_vtk_reads_the_group_and_the_file_of_its_own(written, tmp_path):
    path = written(1, "auto") / "k.h5"
    cells = ecsmpi.load(path).cells
    with h5py.File(tmp_path / "linked.vtkhdf", "w") as file:
        file["VTKHDF"] = h5py.ExternalLink(str(path), "/cells")
    done = mpirun(None, ["ecsmpi", "cells", path, "--output", tmp_path / "own.vtkhdf"])
    assert done.returncode == 0, done.stderr
    for name in ("linked.vtkhdf", "own.vtkhdf"):
        lines, diameters, gids = poly_data(tmp_path / name)
        assert len(lines) == 12
        for found, expected in zip(lines, cells.lines()):
            assert np.array_equal(found, expected)
        assert np.array_equal(np.concatenate(diameters), cells.diameters)
        assert np.array_equal(gids, cells.gids)


def test_a_file_has_the_charges_of_its_ions(written, tmp_path):
    path = written(1, "auto") / "k.h5"
    assert ecsmpi.load(path).charges == {"k": 1}
    damaged = tmp_path / "k.h5"
    damaged.write_bytes(path.read_bytes())
    with h5py.File(damaged, "r+") as file:
        file.attrs["charges"] = "k one"
    with pytest.raises(ValueError, match="the attribute charges is damaged: 'k one'"):
        ecsmpi.load(damaged)


def test_info_and_verify_know_cells(written):
    path = written(1, "auto") / "k.h5"
    shown = mpirun(None, ["ecsmpi", "info", path])
    assert "cells    12 sections, " in shown.stdout
    assert "5 cells with gids" in shown.stdout
    assert mpirun(None, ["ecsmpi", "verify", path]).returncode == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda group: group["Lines/Offsets"].write_direct(np.array([7] * 13)),
        lambda group: group["Lines/Offsets"].__setitem__(1, 0),  # a section without a point
        lambda group: group["Points"].__setitem__(0, np.nan),
        lambda group: group["PointData/diameter"].__setitem__(3, np.inf),
        lambda group: group["PointData/diameter"].__setitem__(3, -1),
    ],
)
def test_damaged_cells_are_an_error(damage, written, tmp_path):
    path = tmp_path / "k.h5"
    path.write_bytes((written(1, "auto") / "k.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        damage(file["cells"])
    with pytest.raises(ValueError, match="/cells is damaged"):
        assert ecsmpi.load(path).cells
    verified = mpirun(None, ["ecsmpi", "verify", path])
    assert verified.returncode != 0
    assert "/cells is damaged" in verified.stdout + verified.stderr


def test_cells_are_read_when_they_are_asked_for(written, tmp_path):
    path = tmp_path / "k.h5"
    path.write_bytes((written(1, "auto") / "k.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["cells/Points"][0] = np.nan
    assert ecsmpi.load(path).frame("k", 0).shape == (8, 4, 4)


def test_cells_without_any_section_are_no_lines():
    empty = Cells(np.zeros((0, 3)), np.zeros(0), np.zeros(1, int), np.zeros(0, int), ())
    assert empty.lines() == []
