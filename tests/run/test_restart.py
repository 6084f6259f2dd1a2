"""A run that goes on from a checkpoint is the run that was never interrupted: to the bit, on any
number of ranks.
"""

import numpy as np
import pytest

from support.ranks import TESTS, mpirun
from support.restarts import FEATURES, GOES_ON, NETWORK, ONE_CELL, differences

ACROSS = NETWORK.replace(
    "n.dt = 0.025\n",
    """
sections = list(n.allsec())
cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=rxd.FractionalVolume(0.6, surface_fraction=1))
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
cl = rxd.Species([cyt, ecs], name="cl", charge=-1, d=2.0, initial=lambda node: 8 if node.region == cyt else 100 + node.y3d)
inside = rxd.Species(cyt, d=0.1, initial=0.2)
gate = rxd.State(membrane, initial=0.1)
opens = rxd.Rate(gate, (1 / (1 + rxd.rxdmath.exp(-(rxd.v + 40) / 9)) - gate) / 2)
decays = rxd.Rate(inside, -inside * cl[cyt] / 100)
both = rxd.Rate(cl, -0.01 * cl / (cl + 50))
crosses = rxd.MultiCompartmentReaction(cl[cyt], cl[ecs], 200 * gate[membrane] * (rxd.v + 60), membrane=membrane,
                                       mass_action=False, membrane_flux=True)
n.dt = 0.025
""",
).replace(
    '"still": np.array(still[ecs].states3d),',
    """"still": np.array(still[ecs].states3d), "cl": np.array(cl[ecs].states3d),
            "inside": np.concatenate([*pc.py_allgather(cl[cyt].nodes.value), *pc.py_allgather(inside.nodes.value)]),
            "gate": np.concatenate(pc.py_allgather(gate.nodes.value)),""",
)

EVERY_STEP = """
from pathlib import Path
out, folder, every = sys.argv[1], sys.argv[2], int(sys.argv[3])
for cell in cells.values():  # a stream of random events, which goes on too
    cell.noise = n.NetStim()
    cell.noise.interval, cell.noise.number, cell.noise.start, cell.noise.noise = 0.3, 1e9, 0, 1
    cell.by_noise = n.NetCon(cell.noise, cell.synapse, 0, 0.4, 0.003)
rxd.Checkpoint(folder, every="1 step", keep=10**6, vectors={"spikes": spikes, "gids": gids})
n.finitialize(-65)
pc.psolve(2.5)
expected = final()
sets = pc.py_broadcast(sorted(map(str, Path(folder).iterdir())) if rank == 0 else None, 0)
rxd.Checkpoint(folder + "-not", vectors={"spikes": spikes, "gids": gids})  # none within an hour
differ = []
for path in sets[:-1:every]:
    rxd.restart(path)
    n.finitialize(-65)
    assert path.endswith(f"-step-{round(n.t / n.dt)}"), (path, n.t)
    pc.psolve(2.5)
    found = final()
    differ += [(path[-8:], name) for name, value in expected.items() if not np.array_equal(found[name], value)]
assert not differ, differ[:5]
if rank == 0:
    np.savez(out, sets=len(sets), spikes=expected["spikes"])
"""


AT_EVERY_STEP = [
    (NETWORK, 1, 7),
    (FEATURES, 3, 17),
    (ACROSS, 2, 33),
]  # a restart at every so many of them
AT_EVERY_STEP += [
    pytest.param(*each, marks=pytest.mark.long)
    for each in ((NETWORK, 1, 1), (FEATURES, 3, 9), (ACROSS, 2, 19))
]


@pytest.mark.parametrize("model, ranks, every", AT_EVERY_STEP)
def test_restart_at_every_step_has_the_same_bits(model, ranks, every, on_ranks, tmp_path):
    mode = "grid_steps" if model is FEATURES else "-"
    found = on_ranks(ranks, model + EVERY_STEP, tmp_path / "sets", every, mode)
    assert found["sets"] == (50 if mode == "grid_steps" else 100) and len(found["spikes"]) >= 8


@pytest.mark.parametrize(
    "mode, tolerance, restarts",
    [
        ("reproducible", 0, 2),
        pytest.param("usual", 1e-12, 1, marks=pytest.mark.long),
        pytest.param("reproducible", 0, 5, marks=pytest.mark.long),
        pytest.param("usual", 1e-12, 2, marks=pytest.mark.long),
    ],
)
def test_restart_on_other_ranks_is_the_same_run(mode, tolerance, restarts, on_ranks, tmp_path):
    expected = on_ranks(4, GOES_ON, tmp_path / "a", "-", 120, mode)
    assert len(expected["spikes"]) >= 8
    chain = [
        (3, "a", "b", 150),
        (1, "b", "c", 190),
        (4, "c", "d", 1000),
        (7, "c", "e", 1000),
        (2, "c", "f", 1000),
    ]
    for ranks, since, to, at in chain[:restarts]:
        found = on_ranks(ranks, GOES_ON, tmp_path / to, tmp_path / since, at, mode)
        assert found["began"] > 0
        assert differences(found, expected, tolerance) == [], f"{since} to {to} on {ranks} ranks"


def test_cells_without_gids_go_on_wherever_they_are_together_again(on_ranks, tmp_path):
    expected = on_ranks(2, ONE_CELL, tmp_path / "a", "-", "together")
    assert len(expected["trace"]) == 61 and np.ptp(expected["trace"]) > 1e-6
    for ranks in (1, 3):
        found = on_ranks(ranks, ONE_CELL, tmp_path / f"b{ranks}", tmp_path / "a", "together")
        assert differences(found, expected, 1e-12) == []


WATCHED = (
    ONE_CELL.replace(
        'rxd.Checkpoint(to, every="40 steps"',
        '''shown = rxd.Output(out + ".h5", every=0.2, species=[k])
watched = rxd.Diagnostics(k, every=0.1, threshold=3.001, front="x", balance=True, output=shown)
rxd.Checkpoint(to, every="40 steps"''',
    )
    .replace("states = k[ecs].states3d", "balance, states = watched.balance(), k[ecs].states3d")
    .replace(
        "trace=np.array(trace))",
        "trace=np.array(trace), balance=[balance[name] for name in sorted(balance)])",
    )
)


def test_diagnostics_go_on_with_their_sums(on_ranks, tmp_path):
    import h5py

    script = tmp_path / "script.py"
    script.write_text(WATCHED)
    found = []
    for ranks, since in ((2, "-"), (3, tmp_path / "a")):
        done = mpirun(
            ranks, ["python", script, tmp_path / "out", tmp_path / "a", since, "together"]
        )
        assert done.returncode == 0, done.stderr
        with h5py.File(tmp_path / "out.h5") as file, np.load(tmp_path / "out.npz") as saved:
            table = {name: data[:16] for name, data in file["diagnostics/k"].items()}
            found.append(
                {
                    "times of frames": file["time"][:],
                    "k": file["k"][:],
                    "balance": saved["balance"],
                    **table,
                }
            )
    assert (
        len(found[0]["times of frames"]) == 8
        and len(found[0]["came_in"]) == 16
        and np.ptp(found[0]["came_in"]) > 0
    )
    for name, expected in found[0].items():
        assert found[1][name].shape == expected.shape
        assert np.allclose(
            found[1][name],
            expected,
            rtol=1e-12,
            atol=1e-12 * np.nanmax(np.abs(found[0]["stored"])),
            equal_nan=True,
        ), name


SAVED_BY_NEURON = ONE_CELL.replace(
    "pc.psolve(1.5)",
    """pc.psolve(0.8)
state = n.SaveState()
state.save()
file = n.File(f"{to}.{rank}")
state.fwrite(file)
pc.psolve(1.5)
expected = k[ecs].states3d.copy()
n.finitialize(-65)
again = n.SaveState()
again.fread(n.File(f"{to}.{rank}"))
again.restore()
pc.psolve(1.5)
assert np.array_equal(k[ecs].states3d, expected) and np.ptp(expected) > 1e-6
""",
).replace('rxd.Checkpoint(to, every="40 steps", vectors={"trace": trace})', "")


def test_neurons_savestate_keeps_the_boxes(on_ranks, tmp_path):
    on_ranks(2, SAVED_BY_NEURON, tmp_path / "state", "-", "apart")


@pytest.mark.parametrize("ranks", [None, 2])
def test_vectors_of_other_names_are_not_lost_in_silence(ranks, tmp_path):
    done = mpirun(ranks, ["python", TESTS / "programs" / "restart_vectors.py", tmp_path / "sets"])
    assert done.returncode == 0, done.stderr


def test_trace_of_a_node_goes_on_on_every_rank_of_others(tmp_path):
    for ranks, again in ((2, []), (3, ["again"])):
        done = mpirun(
            ranks, ["python", TESTS / "programs" / "restart_traces.py", tmp_path / "sets", *again]
        )
        assert done.returncode == 0, done.stderr
