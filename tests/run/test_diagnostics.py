"""Numbers of a run are those of the gathered box, on any ranks, and every reader finds them; wrong
questions are refused.
"""

from ecsmpi.files.recording import load
from ecsmpi.run.observers.measure import Quantities
import numpy as np
import pytest
import xarray

from support.ranks import mpirun
from support.rxd_scripts import script

BALANCES = """
    import ecsmpi
    from ecsmpi.files import output as files
    files.ROWS_WAIT = 1e9
    ecs, made = box(), cells()
    shut = rxd.Extracellular(-50, 200, -40, 51, 260, 60, 9)
    if rank == ranks - 1:
        inside = made[9] = n.Section(name="at_the_wall_and_inside")
        for y in (202, 238):
            inside.pt3dadd(-20, y, 10, 5)
        inside.nseg = 4
        inside.insert("hh")
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
    held = rxd.Species(shut, d=500, name="k", charge=1, initial=uneven, ecs_boundary_conditions=4)
    buffer = rxd.Species(ecs, d=0, name="buffer", charge=0, initial=2)
    bound = rxd.Species(ecs, d=0, name="bound", charge=0, initial=0.5)
    binds = rxd.Reaction(na + buffer, bound, 1e-4, 0.02)
    output = rxd.Output(sys.argv[3], every=5, items=[rxd.Slice(k, z=0)])
    of_bound = rxd.Diagnostics(bound, every=1, balance=True, output=output)
    of_k = rxd.Diagnostics(k, every=1, balance=True, threshold=3.05, front="y", centre=(0, 0, 3), shell=15, output=output)
    of_na = rxd.Diagnostics("na", every=0.5, balance=True, output=output, name="sodium")
    of_held = rxd.Diagnostics(held, every=2, balance=True, path=sys.argv[3].replace("run", "held"))
    n.finitialize(-65)
    steps(7)
    n.finitialize(-65)
    boxes = [k[ecs].states3d.copy()]
    for _ in range(30):
        steps(10)
        boxes.append(k[ecs].states3d.copy())
    tables = {f"{name} {column}": values for name, one in (("k", of_k), ("na", of_na), ("held", of_held), ("bound", of_bound))
              for column, values in one.table.items()}
    assert of_k.balance()["residual"] == of_k.table["residual"][-1]
    for bring, fewest, most in ((n.ParallelContext().barrier, 0, 1), (of_k.flush, 31, 31)):
        bring()
        if rank == 0:
            with ecsmpi.load(sys.argv[3]) as file:
                assert fewest <= len(file.diagnostics["k"]["time"]) <= most
    left_open = ecsmpi.load(sys.argv[3])  # by every rank, until Python ends
    save(boxes=np.array(boxes), held=np.array(held[shut].states3d), **tables)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{ranks: (saved arrays, folder)} of the same model on 1, 3 and 4 ranks; the last with a file
    for each rank.
    """
    found = {}
    for ranks in (1, 3, 4):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        (folder / "model.py").write_text(script(BALANCES))
        env = {"ECSMPI_STORAGE": "parts"} if ranks == 4 else {}
        argv = ["python", folder / "model.py", folder / "saved.npz", "ecsmpi", folder / "run.h5"]
        done = mpirun(ranks, argv, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        with np.load(folder / "saved.npz") as saved:
            found[ranks] = dict(saved), folder
    return found


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_numbers_are_those_of_the_gathered_box(ranks, runs):
    saved, _ = runs[ranks]
    boxes, volume = saved["boxes"], 7 * 8 * 9
    assert np.allclose(saved["k time"], np.arange(31), atol=1e-9)
    np.testing.assert_allclose(
        saved["k stored"], boxes.sum(axis=(1, 2, 3)) * 0.2 * volume, rtol=1e-13
    )
    np.testing.assert_allclose(saved["k mean"], boxes.mean(axis=(1, 2, 3)), rtol=1e-13)
    assert np.array_equal(saved["k min"], boxes.min(axis=(1, 2, 3)))
    assert np.array_equal(saved["k max"], boxes.max(axis=(1, 2, 3)))
    assert np.array_equal(saved["k volume_above"], (boxes > 3.05).sum(axis=(1, 2, 3)) * volume)
    x, y, z = (
        lo + h * (np.arange(count) + 0.5)
        for lo, h, count in zip((-50, -40, -40), (7, 8, 9), (15, 11, 12))
    )
    shell = (np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + (z - 3) ** 2) / 15).astype(int)
    means = np.array(
        [
            [
                box[shell == s].mean() if (shell == s).any() else np.nan
                for s in range(saved["k radius"].size)
            ]
            for box in boxes
        ]
    )
    np.testing.assert_allclose(saved["k radial_mean"], means, rtol=1e-13)
    assert (
        np.array_equal(saved["k radius"], 15 * (np.arange(saved["k radius"].size) + 0.5))
        and np.isfinite(means[:, 3]).all()
    )
    assert np.isfinite(saved["k front"]).all() and np.isfinite(saved["k speed"][1:]).all()


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_closed_box_balances_to_round_off(ranks, runs):
    saved, _ = runs[ranks]
    for name in ("k", "na"):
        stored = saved[f"{name} stored"]
        assert np.abs(saved[f"{name} residual"]).max() <= 1e-12 * stored[0]
        assert (
            abs(saved[f"{name} came_in"][-1]) > 1e-5 * stored[0]
            and not saved[f"{name} through_walls"].any()
        )
    assert saved["na time"].size == 61


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_reactions_are_in_the_balance_of_each_species_alike(ranks, runs):
    saved, _ = runs[ranks]
    made, lost = saved["bound reacted"], saved["na reacted"][::2]
    assert (
        made[-1] > 0.1 * saved["bound stored"][0]
        and not saved["k reacted"].any()
        and not saved["bound came_in"].any()
    )
    np.testing.assert_allclose(made, -lost, atol=1e-12 * saved["na stored"][0])
    assert np.abs(saved["bound residual"]).max() <= 1e-12 * saved["bound stored"][0]


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_held_walls_pass_what_sources_do_not_explain(ranks, runs):
    saved, _ = runs[ranks]
    stored, came_in, walls = (
        saved[f"held {name}"] for name in ("stored", "came_in", "through_walls")
    )
    assert np.abs(saved["held residual"]).max() <= 1e-12 * stored[0]
    assert abs(came_in[-1]) > 1e-7 * stored[0] and abs(walls[-1]) > 1e-3 * stored[0]
    assert abs(saved["held"][0] - 4).max() == 0 and stored[-1] == pytest.approx(
        4 * 12 * 7 * 12 * 729, rel=1e-2
    )


def test_numbers_do_not_depend_on_ranks(runs):
    first = runs[1][0]
    for ranks in (3, 4):
        for name, values in runs[ranks][0].items():
            if name.endswith("residual"):
                continue
            scale = np.nanmax(np.abs(values)) if values.size else 1
            np.testing.assert_allclose(
                values, first[name], rtol=1e-10, atol=1e-10 * max(scale, 1e-300), err_msg=name
            )


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_file_has_the_table_for_every_reader(ranks, runs):
    saved, folder = runs[ranks]
    with load(folder / "run.h5") as recording:
        assert (
            set(recording.diagnostics) == {"k", "sodium", "bound"}
            and recording.selections["k_slice_z"]["k"].shape[0] == 7
        )
        for column, values in recording.diagnostics["k"].items():
            np.testing.assert_array_equal(values, saved[f"k {column}"])
        np.testing.assert_array_equal(
            recording.diagnostics["sodium"]["came_in"], saved["na came_in"]
        )
    with load(folder / "held.h5") as recording:
        np.testing.assert_array_equal(
            recording.diagnostics["k"]["through_walls"], saved["held through_walls"]
        )
        assert not recording.names and not recording.selections
    with xarray.open_dataset(folder / "run.h5", engine="h5netcdf", group="diagnostics/k") as data:
        assert data.radial_mean.dims == ("time", "radius") and (
            data.stored.units,
            data.radius.units,
        ) == ("amol", "um")
        assert (
            data.stored.dims == ("time",) and data.time.units == "ms" and data.front.units == "um"
        )
    told = mpirun(None, ["ecsmpi", "info", folder / "run.h5"]).stdout
    assert "diagnostics of k: " in told and "31, from 0 to 30 ms" in told


@pytest.mark.parametrize(
    "asked, message",
    [
        (dict(front="w", threshold=1), "front must be one of x, y, z, -x, -y, -z, radius, got 'w'"),
        (dict(front="x"), "give threshold=... .mM. with front='x'"),
        (dict(front="radius", threshold=1), "give centre="),
        (dict(shell=3), "give centre="),
        (dict(centre=(0, 0, 0), shell=0), "shell must be > 0 um, got 0"),
        (dict(threshold="high"), "threshold must be a number, got 'high'"),
        (dict(centre=(0, 0)), "centre must be"),
    ],
)
def test_question_that_has_no_answer_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        Quantities(**asked)


def test_wrong_diagnostics_of_a_script_are_refused(on_ranks):
    on_ranks(
        None,
        script("""
        ecs, far = box(), box(at=200)
        k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=3)
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
        simulation = rxd.session.simulation
        def begin(*arguments, **options):
            return message_of(ValueError, lambda: rxd.Diagnostics(*arguments, attach=False, **options).started(simulation, 0.0))
        assert "no species cl to watch: the model has k, na" in begin("cl", 1)
        assert "k is in 2 regions: give one of them as region=" in begin(k, 1)
        assert "give one of them" in begin(na, 1, region=far)
        assert "every must be > 0 ms, got 0" in begin(k, 0)
        output = rxd.Output("k.h5", 1, attach=False)
        assert "give path or output, not both" in begin(na, 1, output=output, path="k.h5")
        assert "is not open" in begin(na, 1, output=output)
        first = rxd.Diagnostics(na, 1, output=output, attach=False)
        assert "has diagnostics na already" in begin(na, 1, output=output)
        n.finitialize(-65)
        silent = rxd.Diagnostics(na, 1)
        assert "balance=True" in message_of(ValueError, silent.balance)
        save()
    """),
        "ecsmpi",
    )
