"""A recording in parts goes on on other ranks, and every program still finds all of it."""

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOHDF import vtkHDFReader
import xarray

from support.frames import coded
from support.ranks import ROOT, mpirun

PROGRAM = ROOT / "tests" / "programs" / "files" / "parts_go_on.py"


@pytest.fixture(scope="module")
def went_on(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    done = mpirun(3, ["python", PROGRAM, folder])
    assert done.returncode == 0 and "all as it should be" in done.stdout, (
        done.stdout + done.stderr
    )
    return folder


@pytest.mark.parametrize("name, count", [("k.h5", 8), ("one.h5", 7)])
def test_parts_go_on_on_other_ranks_for_every_reader(name, count, went_on):
    whole = np.stack([coded("k", float(t)) for t in range(count)])
    with xarray.open_dataset(went_on / name, engine="h5netcdf") as data:
        assert np.array_equal(data.k.transpose("time", "x", "y", "z"), whole)
        assert np.array_equal(data.time, range(count))
    with xarray.open_dataset(went_on / name, engine="h5netcdf", group="diagnostics/k") as rows:
        assert np.array_equal(rows["max"], 10 * np.arange(count))
        assert rows["means"].dims == ("time", "radius")
    reader = vtkHDFReader()
    reader.SetFileName(str(went_on / name))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == count
    for step in (0, count // 2, count - 1):
        reader.SetStep(step)
        reader.Update()
        values = vtk_to_numpy(reader.GetOutputDataObject(0).GetCellData().GetArray("k"))
        assert np.array_equal(values.reshape(3, 4, 7).transpose(2, 1, 0), whole[step])


def test_verify_finds_a_lost_part_of_an_earlier_run(went_on):
    assert (
        mpirun(None, ["ecsmpi", "verify", went_on / "k.h5", went_on / "one.h5"]).returncode == 0
    )
    lost = sorted(went_on.glob("k.rank*"))[0]
    kept = lost.rename(went_on / "elsewhere")
    done = mpirun(None, ["ecsmpi", "verify", went_on / "k.h5"])
    assert done.returncode == 1 and f"the part {lost} is missing" in done.stdout
    kept.rename(lost)
