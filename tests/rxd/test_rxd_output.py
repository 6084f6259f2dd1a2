"""Output and progress of a script."""

import h5py
import numpy as np
import pytest

from support.ranks import mpirun
from support.rxd_scripts import script


@pytest.mark.parametrize("ranks", [None, 2])
def test_output_of_a_script_holds_states3d(ranks, on_ranks, tmp_path):
    body = f"""
        import io
        made, ecs, far = cells(), box(), box(at=80)
        k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
        stream = io.StringIO()
        rxd.Progress(2, stream)
        every = rxd.Output({str(tmp_path / "all.h5")!r}, every=0.5)
        only_na = rxd.Output({str(tmp_path / "na.h5")!r}, every=1, species=na)
        named = rxd.Output({str(tmp_path / "named.h5")!r}, every=1, species="na")
        for run in range(2):  # a second finitialize begins the files again
            n.finitialize(-65)
            frames = [[one.states3d.copy() for one in (k[ecs], na[ecs], k[far])]]
            for _ in range(4):
                steps(5)
                frames.append([one.states3d.copy() for one in (k[ecs], na[ecs], k[far])])
        assert [path.name for path in every.paths] == ["all.h5", "all.box1.h5"]
        assert [path.name for path in only_na.paths] == ["na.h5"]
        said = stream.getvalue()
        assert ("ecsmpi: 15 x 11 x 12 voxels in" in said) == (rank == 0), said
        k_ecs, na_ecs, k_far = (np.array(one) for one in zip(*frames))
        save(k_ecs=k_ecs, na_ecs=na_ecs, k_far=k_far)
    """
    saved = on_ranks(ranks, script(body), "ecsmpi")
    for name, number, states, frames in (
        ("all.h5", "k", "k_ecs", 5),
        ("all.h5", "na", "na_ecs", 5),
        ("all.box1.h5", "k", "k_far", 5),
        ("na.h5", "na", "na_ecs", 3),
        ("named.h5", "na", "na_ecs", 3),
    ):
        with h5py.File(tmp_path / name) as file:
            assert np.allclose(file["time"][:], np.linspace(0, 2, frames), rtol=1e-9, atol=1e-9)
            written = file["VTKHDF/CellData"][number][:].transpose(0, 3, 2, 1)
            assert np.array_equal(written, saved[states][:: (5 - 1) // (frames - 1)])
            assert set(file["VTKHDF/CellData"]) == (
                {"na"}
                if "na" in name.removesuffix(".h5")
                else {"k"}
                if "box1" in name
                else {"k", "na"}
            )


@pytest.mark.parametrize(
    "end", ["pc.barrier()\nn.quit()", "pc.runworker()\npc.done()"], ids=["quit", "done"]
)
def test_output_is_whole_however_neuron_ends(end, tmp_path):
    path = tmp_path / "ends.py"
    path.write_text(
        script("""
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
        output = rxd.Output("k.h5", every=0.5)
        n.finitialize(-65)
        steps(10)
    """)
        + end
    )
    done = mpirun(2, ["python", path, "-", "ecsmpi"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "k.h5") as file:
        assert np.allclose(file["time"][:], [0, 0.5, 1]) and file["VTKHDF/CellData/k"].shape == (
            3,
            12,
            11,
            15,
        )
