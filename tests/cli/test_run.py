"""`ecsmpi run`: a script's model is run, shown and written, as the script computes it itself."""

from ecsmpi.files.recording import load
import numpy as np
import pytest

from support.long_form import long
from support.ranks import ROOT, mpirun
from support.run_command import BY_ITSELF, MODEL, ecsmpi_run, read, succeeded


@pytest.mark.parametrize("ranks", [long(None), long(2), 3])
def test_frames_are_what_the_script_computes_by_itself(ranks, tmp_path, on_ranks):
    expected = on_ranks(None, MODEL + BY_ITSELF)
    done = succeeded(
        ecsmpi_run(
            tmp_path,
            MODEL + BY_ITSELF,
            "--tstop",
            "1",
            "--dt",
            "0.05",
            "--output",
            "k.h5",
            "--every",
            "0.25",
            ranks=ranks,
        )
    )
    times, found = read(tmp_path / "k.h5")
    assert np.allclose(times, expected["t"], rtol=1e-9, atol=1e-9) and len(times) == 5
    assert set(found) == {"k", "na"}
    for name, field in found.items():
        assert field.shape == (5, 15, 11, 12)
        assert np.abs(field - expected[name]).max() <= 1e-12 * expected[name].max()
        assert np.ptp(field[-1] - field[0]) > 1e-6
    assert done.stdout.count("wrote k.h5") == 1
    said = done.stderr
    assert said.count("ecsmpi: 15 x 11 x 12 voxels in ") == 1
    assert said.count("ecsmpi: t = 1 of 1 ms, ") == 1 and said.count(", took ") == 1


def test_scripts_own_times_are_the_defaults_and_quiet_is_silent(tmp_path):
    done = succeeded(
        ecsmpi_run(tmp_path, MODEL, "--output", "k.h5", "--species", "na", "--quiet", ranks=2)
    )
    times, found = read(tmp_path / "k.h5")
    assert np.allclose(
        times, np.linspace(0, 2, 21), atol=1e-9
    )  # a hundredth of n.tstop is less than n.dt: every step
    assert set(found) == {"na"}
    assert "ecsmpi:" not in done.stderr and "t = " not in done.stdout + done.stderr


def test_initial_voltage_is_the_options_or_the_scripts(tmp_path):
    says = (
        MODEL
        + """
        import atexit
        first = n.Vector().record(cells[0](0.5)._ref_v)
        n.v_init = -70
        atexit.register(lambda: print("began at", first[0], "mV, ended at", n.t, "ms"))
    """.replace("\n        ", "\n")
    )
    assert (
        "began at -70.0 mV, ended at 1.0"
        in succeeded(ecsmpi_run(tmp_path, says, "--tstop", "1")).stdout
    )
    done = succeeded(ecsmpi_run(tmp_path, says, "--tstop", "1", "--v-init=-60"))
    assert "began at -60.0 mV" in done.stdout
    assert not list(tmp_path.glob("*.h5"))  # nothing is written unasked


def test_script_gets_its_arguments_its_neighbours_and_its_file(tmp_path):
    (tmp_path / "beside.py").write_text("number = 7\n")
    done = succeeded(
        ecsmpi_run(
            tmp_path,
            MODEL
            + """
from pathlib import Path
import beside
print(sys.argv, beside.number, Path(__file__).resolve(), __name__ == "__main__")
""",
            "--tstop",
            "0.1",
            "-q",
            "--",
            "--cells",
            "3",
            "--tstop=9",
        )
    )
    assert (
        f"['model.py', '--cells', '3', '--tstop=9'] 7 {(tmp_path / 'model.py').resolve()} False"
        in done.stdout
    )


def test_threads_compute_the_same(tmp_path):
    says = MODEL + "import atexit\natexit.register(lambda: print('threads', rxd.nthread()))\n"
    fields = []
    for threads in ("1", "2"):
        done = succeeded(
            ecsmpi_run(
                tmp_path,
                says,
                "--tstop",
                "1",
                "--output",
                f"on{threads}.h5",
                "--every",
                "1",
                "--threads",
                threads,
                env={"NUMBA_NUM_THREADS": 2},
            )
        )
        assert f"threads {threads}" in done.stdout
        fields.append(read(tmp_path / f"on{threads}.h5")[1]["k"])
    assert np.array_equal(*fields) and len(fields[0]) == 2


def test_every_box_has_its_file(tmp_path):
    done = succeeded(
        ecsmpi_run(
            tmp_path,
            MODEL
            + """
far = rxd.Extracellular(200, 0, 0, 230, 20, 10, 5)
ca = rxd.Species([ecs, far], d=0.6, name="ca", charge=2, initial=1.8)
""",
            "--tstop",
            "1",
            "--output",
            "out.h5",
            "--every",
            "0.5",
            "--species",
            "ca",
            "--species",
            "k",
            ranks=2,
        )
    )
    assert [line for line in done.stdout.splitlines() if "wrote" in line] == [
        "wrote out.h5",
        "wrote out.box1.h5",
    ]
    assert set(read(tmp_path / "out.h5")[1]) == {"ca", "k"}
    times, found = read(tmp_path / "out.box1.h5")
    assert (
        set(found) == {"ca"}
        and found["ca"].shape == (3, 6, 4, 2)
        and np.allclose(times, [0, 0.5, 1])
    )
    assert done.stderr.count("voxels in") == 2


def test_script_that_only_initialises_is_run(tmp_path):
    succeeded(
        ecsmpi_run(
            tmp_path, MODEL + "n.finitialize(-65)\n", "--output", "k.h5", "--every", "0.5", "-q"
        )
    )
    assert np.allclose(read(tmp_path / "k.h5")[0], [0, 0.5, 1, 1.5, 2])


def test_tutorials_script_runs(tmp_path):
    script = ROOT / "scripts" / "ca1_potassium.py"
    succeeded(
        mpirun(
            2,
            ["ecsmpi", "run", script, "--tstop", "100", "--output", "k.h5", "--every", "40"],
            cwd=tmp_path,
        )
    )
    times, found = read(tmp_path / "k.h5")
    assert (
        np.allclose(times, [0, 40, 80])
        and (found["k"][0] == 3).all()
        and found["k"][2].max() > 3
    )


def test_grid_steps_of_the_command_are_those_of_the_script(tmp_path, on_ranks):
    same = BY_ITSELF.replace("n.dt = 0.05\n", "n.dt = 0.05\n    rxd.options.grid_steps = 5\n")
    expected = on_ranks(None, MODEL + same)
    options = ["--tstop", "1", "--dt", "0.05", "--grid-steps", "5", "--output", "k.h5"]
    options += ["--every", "0.25"]
    succeeded(ecsmpi_run(tmp_path, MODEL + same, *options))
    times, found = read(tmp_path / "k.h5")
    assert np.allclose(times, expected["t"], rtol=1e-9, atol=1e-9) and len(times) == 5
    assert all(np.array_equal(found[name], expected[name]) for name in ("k", "na"))
    refused = ecsmpi_run(tmp_path, MODEL, "--grid-steps", "0")
    assert (
        refused.returncode == 2
        and "invalid whole number of at least 1 value: '0'" in refused.stderr
    )


def test_command_chooses_what_is_written(tmp_path):
    options = (
        "--tstop 0.5 --output k.h5 --every 0.5 --species k --slice z=0 --slice x=-20 --mean y "
        "--precision float32 --compression 3"
    )
    done = succeeded(ecsmpi_run(tmp_path, MODEL, *options.split(), ranks=2))
    assert "wrote k.h5" in done.stdout
    with load(tmp_path / "k.h5") as recording:
        assert recording.names == [] and sorted(recording.selections) == [
            "k_mean_y",
            "k_slice_x",
            "k_slice_z",
        ]
        shapes = {name: one["k"].shape for name, one in recording.selections.items()}
        assert shapes == {
            "k_mean_y": (2, 15, 1, 12),
            "k_slice_x": (2, 1, 11, 12),
            "k_slice_z": (2, 15, 11, 1),
        }
        assert all(
            one["k"].dtype == "float32" and one["k"].mean() > 2
            for one in recording.selections.values()
        )
    assert (
        "k_slice_x: slice at x = -18.5 um"
        in succeeded(mpirun(None, ["ecsmpi", "info", tmp_path / "k.h5"])).stdout
    )
    for options, message in (
        ("--slice z=0", "need --output"),
        ("--output k.h5 --slice r=0", "invalid AXIS=UM value: 'r=0'"),
    ):
        refused = ecsmpi_run(tmp_path, MODEL, *options.split())
        assert refused.returncode == 2 and message in refused.stderr
