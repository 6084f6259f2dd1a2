"""A run that goes on from a checkpoint is the run that was never interrupted: to the bit, on any number of ranks."""

import textwrap

import numpy as np
import pytest
from conftest import mpirun

NETWORK = '''
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
rxd.options.reproducible = "reproducible" in sys.argv

class Cell:
    """A spiking cell that the one before it in a ring excites."""
    def __init__(self, gid):
        self.soma, self.dendrite = n.Section(name="soma", cell=self), n.Section(name="dendrite", cell=self)
        self.dendrite.connect(self.soma(1))
        x, y, z = 12 + 9 * gid, 20 + 37 * (gid % 3), 15 + 23 * (gid % 4)
        for sec, (a, b) in ((self.soma, ((x, y, z), (x + 11, y, z))), (self.dendrite, ((x + 11, y, z), (x + 15, y + 12, z + 9)))):
            for point in (a, b):
                sec.pt3dadd(*point, 5)
            sec.insert("hh")
        self.soma.nseg = 3
        self.clamp = n.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 0.1 + 0.2 * gid, 2, 0.5
        pc.set_gid2node(gid, rank)
        self.out = n.NetCon(self.soma(0.5)._ref_v, None, sec=self.soma)
        pc.cell(gid, self.out)
        self.synapse = n.ExpSyn(self.dendrite(0.7))

cells = {gid: Cell(gid) for gid in range(rank, 8, ranks)}
for gid, cell in cells.items():
    cell.into = pc.gid_connect((gid - 1) % 8, cell.synapse)
    cell.into.delay, cell.into.weight[0] = 0.9, 0.02
spikes, gids = n.Vector(), n.Vector()
pc.spike_record(-1, spikes, gids)

ecs = rxd.Extracellular(0, 0, 0, 100, 120, 110, dx=(2.5, 20, 22), volume_fraction=0.05, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 4 if node.x3d < 50 else 3)
na = rxd.Species(ecs, d=1.78, name="na", charge=1)
still = rxd.Species(ecs, d=0, initial=lambda node: node.x3d)
n.dt = 0.025
pc.set_maxstep(10)

def final():
    """All that a run ends with, the same on every rank."""
    mine = {gid: [(seg.v, seg.hh.m, seg.ko, seg.nao) for sec in (cell.soma, cell.dendrite) for seg in sec]
            for gid, cell in cells.items()}
    everyone = {gid: rows for part in pc.py_allgather(mine) for gid, rows in part.items()}
    fired = sorted(pair for part in pc.py_allgather(list(zip(spikes, gids))) for pair in part)
    return {"t": n.t, "k": np.array(k[ecs].states3d), "na": np.array(na[ecs].states3d), "still": np.array(still[ecs].states3d),
            "cells": np.array([row for gid in sorted(everyone) for row in everyone[gid]]), "spikes": np.array(fired)}
'''

FEATURES = NETWORK.replace("n.dt = 0.025\n", '''
rxd.options.grid_steps = 2 if "grid_steps" in sys.argv else 1
shape = ecs.box.shape
ecs.alpha = 0.05 + 0.01 * np.sin(np.arange(np.prod(shape))).reshape(shape)
ecs.tortuosity = lambda x, y, z: 1.6 + 0.1 * np.sin(x / 9)
swollen = rxd.Extracellular(0, 0, 0, 100, 120, 110, dx=(5, 40, 55), tortuosity=1.6)
alpha = rxd.State(swollen, d=0.3, initial=lambda node: 0.1 + 0.001 * node.x3d)
swollen.set_volume_fraction(alpha)
cl = rxd.Species(swollen, d=2.0, name="cl", charge=-1, initial=lambda node: 100 + node.y3d)
swells = rxd.Rate(alpha, 1e-4 * alpha * (cl - 130))
buffer = rxd.Species(ecs, d=0.1, initial=lambda node: 2 + 0.01 * node.x3d)
bound = rxd.Species(ecs, initial=0.1)
gate = rxd.State(ecs, initial=0.2)
strength = rxd.Parameter(ecs, value=lambda node: 0.01 * (1 + node.y3d / 100))
binding = rxd.Reaction(k + buffer, bound, strength, 0.05, where=lambda node: node.x3d > 30)
gating = rxd.Rate(gate, gate * (1 - gate) * (k - 3) / (k + 1))
pumped = rxd.Rate(k, -0.02 * gate * k / (k + 2))
k[ecs].node_by_location(51, 50, 50).include_flux(2e5)
k[ecs].node_by_location(11, 50, 50).include_flux(lambda: 1e5 * np.sin(n.t))
na[ecs].nodes((51, 50, 50)).include_flux(n._ref_t)
if 3 in cells:
    k[ecs].node_by_location(81, 90, 50).include_flux(cells[3].soma(0.5)._ref_v)
n.dt = 0.025
''').replace('"still": np.array(still[ecs].states3d),', """"still": np.array(still[ecs].states3d),
            "cl": np.array(cl[swollen].states3d), "alpha": np.array(alpha[swollen].states3d),
            "others": np.array([one[ecs].states3d for one in (buffer, bound, gate)]),""")

ACROSS = NETWORK.replace("n.dt = 0.025\n", '''
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
''').replace('"still": np.array(still[ecs].states3d),', """"still": np.array(still[ecs].states3d), "cl": np.array(cl[ecs].states3d),
            "inside": np.concatenate([*pc.py_allgather(cl[cyt].nodes.value), *pc.py_allgather(inside.nodes.value)]),
            "gate": np.concatenate(pc.py_allgather(gate.nodes.value)),""")

EVERY_STEP = '''
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
'''

GOES_ON = FEATURES + '''
out, to, since, at = sys.argv[1:5]
rxd.Checkpoint(to, every=f"{at} steps", keep=1, vectors={"spikes": spikes, "gids": gids})
if since != "-":
    rxd.restart(since)
n.finitialize(-65)
began = n.t
pc.psolve(5)
found = final()
if rank == 0:
    np.savez(out, began=began, **found)
'''


@pytest.mark.parametrize("model, ranks, every", [(NETWORK, 1, 1), (FEATURES, 3, 9), (ACROSS, 2, 19)])
def test_restart_at_every_step_has_the_same_bits(model, ranks, every, on_ranks, tmp_path):
    mode = "grid_steps" if model is FEATURES else "-"
    found = on_ranks(ranks, model + EVERY_STEP, tmp_path / "sets", every, mode)
    assert found["sets"] == (50 if mode == "grid_steps" else 100) and len(found["spikes"]) >= 8


def differences(found, expected, tolerance):
    return [
        name for name, value in expected.items()
        if name != "began" and not np.all(np.abs(found[name] - value) <= tolerance * np.abs(value).max())
    ]  # fmt: skip


@pytest.mark.parametrize("mode, tolerance", [("reproducible", 0), ("usual", 1e-12)])
def test_restart_on_other_ranks_is_the_same_run(mode, tolerance, on_ranks, tmp_path):
    expected = on_ranks(4, GOES_ON, tmp_path / "a", "-", 120, mode)
    assert len(expected["spikes"]) >= 8
    chain = [(3, "a", "b", 150), (1, "b", "c", 190), (4, "c", "d", 1000), (7, "c", "e", 1000), (2, "c", "f", 1000)]
    for ranks, since, to, at in chain[: 5 if mode == "reproducible" else 2]:
        found = on_ranks(ranks, GOES_ON, tmp_path / to, tmp_path / since, at, mode)
        assert found["began"] > 0
        assert differences(found, expected, tolerance) == [], f"{since} to {to} on {ranks} ranks"


ONE_CELL = '''
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
out, to, since, kind = sys.argv[1:5]
kept = []
for i in range(4):
    if rank == (0 if kind == "together" else i % ranks):
        sec = n.Section(name=f"sec{i}")
        sec.pt3dadd(5 + 9 * i, 5, 5, 3)
        sec.pt3dadd(9 + 9 * i, 9, 9, 3)
        sec.insert("hh")
        clamp = n.IClamp(sec(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.3, 3, 0.1
        kept += [sec, clamp]
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=2, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
if kind == "together":
    cyt = rxd.Region(kept[::2], name="cyt", nrn_region="i")
    ki = rxd.Species(cyt, name="ki", initial=0.1)
    membrane = rxd.Region(kept[::2], name="membrane", geometry=rxd.membrane())
    leak = rxd.MultiCompartmentReaction(ki[cyt], k[ecs], 1, 0.1, membrane=membrane)
n.dt = 0.025
pc.set_maxstep(0.5)
trace = n.Vector().record(k[ecs].node_by_location(9, 9, 9)._ref_value)
rxd.Checkpoint(to, every="40 steps", vectors={"trace": trace})
if since != "-":
    rxd.restart(since)
n.finitialize(-65)
pc.psolve(1.5)
states = k[ecs].states3d
if rank == 0:
    np.savez(out, k=states, trace=np.array(trace))
'''


def test_cells_without_gids_go_on_wherever_they_are_together_again(on_ranks, tmp_path):
    expected = on_ranks(2, ONE_CELL, tmp_path / "a", "-", "together")
    assert len(expected["trace"]) == 61 and np.ptp(expected["trace"]) > 1e-6
    for ranks in (1, 3):
        found = on_ranks(ranks, ONE_CELL, tmp_path / f"b{ranks}", tmp_path / "a", "together")
        assert differences(found, expected, 1e-12) == []


def test_cells_without_gids_cannot_move(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ONE_CELL)
    for ranks, since, status in ((1, "-", 0), (2, tmp_path / "a", 1)):
        done = mpirun(ranks, ["python", script, tmp_path / "out.npz", tmp_path / "a", since, "together"])
        assert (done.returncode != 0) == status, done.stderr
    assert "all had cells, and here are 2, some without: that needs gids for all cells; restart on 1 ranks" in done.stderr
    for ranks, since, status in ((2, "-", 0), (3, tmp_path / "a", 1)):
        done = mpirun(ranks, ["python", script, tmp_path / "out.npz", tmp_path / "a", since, "apart"])
        assert (done.returncode != 0) == status, done.stderr
    assert "sec0 belongs to no cell object with a gid" in done.stderr.replace("sec1", "sec0").replace("sec2", "sec0")
    assert "restart on 2 ranks with the same cells on each" in done.stderr


REFUSED = '''
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
pc = n.ParallelContext()
folder = sys.argv[2]
sec = n.Section(name="sec")
sec.pt3dadd(5, 5, 5, 3)
sec.pt3dadd(9, 9, 9, 3)
sec.insert("hh")

def box(width=40):
    return rxd.Extracellular(0, 0, 0, width, 20, 20, dx=2, volume_fraction=0.2, tortuosity=1.6)

def potassium(ecs, d=2.62):
    return rxd.Species(ecs, d=d, name="k", charge=1, initial=3)

def said():
    """What a restart is told here, or nothing."""
    from ecsmpi.rxd.session import simulation
    rxd.restart(folder)
    try:
        simulation.plan()
        simulation.deliver_first()
        simulation.deliver()
        simulation.start()
    except ValueError as error:
        simulation.course.restart = None
        return str(error)
    return ""

ecs = box()
k = potassium(ecs)
n.dt = 0.025
pc.set_maxstep(10)
rxd.Checkpoint(folder, every="10 steps")
n.finitialize(-65)
pc.psolve(0.5)
told = {"same": said()}
n.dt = 0.05
told["dt"] = said()
n.dt = 0.025
del k
k = potassium(ecs, 2.5)
told["d"] = said()
del k, ecs
ecs = box(42)
k = potassium(ecs)
told["box"] = said()
del k, ecs
ecs = box()
k = potassium(ecs)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
told["species"] = said()
del na
sec.nseg = 3
told["segments"] = said()
sec.nseg = 1
sec.insert("pas")
told["mechanisms of a section"] = said()
sec.uninsert("pas")
folder = folder + "-none"
told["nothing"] = said()
np.savez(sys.argv[1], **told)
'''


def test_another_model_is_refused_with_the_difference(on_ranks, tmp_path):
    told = {name: str(text) for name, text in on_ranks(None, REFUSED, tmp_path / "sets").items()}
    assert told.pop("same") == ""
    assert "dt: 0.025 in the checkpoint, 0.05 now" in told["dt"]
    assert "(2.62, 2.62, 2.62)" in told["d"] and "(2.5, 2.5, 2.5)" in told["d"]
    assert "shape=(20, 10, 10)" in told["box"] and "shape=(21, 10, 10)" in told["box"]
    assert "species 1: none in the checkpoint, na: [Ion(name='na'" in told["species"]
    assert "segments: 1 in the checkpoint, 3 now" in told["segments"]
    assert "has other cells than there are on rank 0" in told["mechanisms of a section"]
    assert "there is no checkpoint in" in told["nothing"]


def test_only_statements_of_hoc_may_wait_in_the_queue(on_ranks, tmp_path):
    source = ONE_CELL.replace("n.finitialize(-65)", '''wait = n.FInitializeHandler(lambda: n.CVode().event(1.2, print))
n.finitialize(-65)
try:
    pc.psolve(1.5)
except RuntimeError:
    np.savez(out, raised=True)
    raise SystemExit''')
    (tmp_path / "script.py").write_text(textwrap.dedent(source))
    done = mpirun(None, ["python", tmp_path / "script.py", tmp_path / "out.npz", tmp_path / "sets", "-", "together"])
    assert "a Python function waits in NEURON's queue for its time (cvode.event)" in done.stdout + done.stderr
    assert (tmp_path / "out.npz").exists()


def test_statements_of_hoc_cannot_go_with_cells_to_other_ranks(tmp_path):
    """They wait in a rank's queue; the same ranks have them again."""
    waiting = "n('strdef said')\nn('proc tell() { said = \"told\" }')\nn.finitialize(-65)\nif n.t == 0: n.CVode().event(4.5, 'tell()')\n"
    source = GOES_ON.replace("n.finitialize(-65)\n", waiting) + "assert n.said == 'told'\n"
    (tmp_path / "script.py").write_text(source)
    for ranks, since in ((2, "-"), (2, "sets"), (3, "sets")):
        done = mpirun(ranks, ["python", "script.py", "out.npz", "sets", since, 170], cwd=tmp_path)
        assert (done.returncode != 0) == (ranks == 3), done.stderr
    assert "has statements of hoc that wait for their time (cvode.event) on rank 0" in done.stderr
    assert "restart on 2 ranks with the same cells on each" in done.stderr


WATCHED = ONE_CELL.replace('rxd.Checkpoint(to, every="40 steps"', '''shown = rxd.Output(out + ".h5", every=0.2, species=[k])
watched = rxd.Diagnostics(k, every=0.1, threshold=3.001, front="x", balance=True, output=shown)
rxd.Checkpoint(to, every="40 steps"''').replace("states = k[ecs].states3d", "balance, states = watched.balance(), k[ecs].states3d").replace(
    "trace=np.array(trace))", "trace=np.array(trace), balance=[balance[name] for name in sorted(balance)])"
)


def test_diagnostics_go_on_with_their_sums(on_ranks, tmp_path):
    import h5py

    script = tmp_path / "script.py"
    script.write_text(WATCHED)
    found = []
    for ranks, since in ((2, "-"), (3, tmp_path / "a")):
        done = mpirun(ranks, ["python", script, tmp_path / "out", tmp_path / "a", since, "together"])
        assert done.returncode == 0, done.stderr
        with h5py.File(tmp_path / "out.h5") as file, np.load(tmp_path / "out.npz") as saved:
            table = {name: data[: 16] for name, data in file["diagnostics/k"].items()}
            found.append({"times of frames": file["time"][:], "k": file["k"][:], "balance": saved["balance"], **table})
    assert len(found[0]["times of frames"]) == 8 and len(found[0]["came_in"]) == 16 and np.ptp(found[0]["came_in"]) > 0
    for name, expected in found[0].items():
        assert found[1][name].shape == expected.shape
        assert np.allclose(found[1][name], expected, rtol=1e-12, atol=1e-12 * np.nanmax(np.abs(found[0]["stored"])), equal_nan=True), name


SAVED_BY_NEURON = ONE_CELL.replace("pc.psolve(1.5)", """pc.psolve(0.8)
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
""").replace('rxd.Checkpoint(to, every="40 steps", vectors={"trace": trace})', "")


def test_neurons_savestate_keeps_the_boxes(on_ranks, tmp_path):
    on_ranks(2, SAVED_BY_NEURON, tmp_path / "state", "-", "apart")


CHANGED_TISSUE = '''
import sys
import numpy as np
from ecsmpi import rxd
from ecsmpi.rxd.session import simulation
from neuron import n
pc = n.ParallelContext()
out, folder = sys.argv[1:]

def fraction(mean):
    return lambda x, y, z: mean + 0.001 * x

ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=2, volume_fraction=fraction(0.2), tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + 0.1 * node.x3d)
n.dt = 0.5
rxd.Checkpoint(folder, every="10 steps", keep=1)
n.finitialize(-65)
for step in range(18):
    if step == 5:
        ecs.set_volume_fraction(fraction(0.3))
    n.fadvance()
expected = np.array(k[ecs].states3d)

def told(mean):
    """What a restart with another tissue is told; where it is the tissue of the checkpoint, the run goes on."""
    ecs.alpha = fraction(mean)
    rxd.restart(folder)
    try:
        simulation.plan()
        simulation.deliver_first()
        simulation.deliver()
        simulation.start()
    except ValueError as error:
        simulation.course.restart = None
        return str(error)
    return ""

refused = told(0.2)
ecs.alpha = fraction(0.3)
rxd.Checkpoint(folder + "-not")
rxd.restart(folder)
n.finitialize(-65)
went_on = n.t
while round(n.t / n.dt) < 18:
    n.fadvance()
found = np.array(k[ecs].states3d)
if pc.id() == 0:
    np.savez(out, refused=refused, went_on=went_on, expected=expected, found=found)
'''


@pytest.mark.parametrize("ranks", [None, 3])
def test_tissue_changed_in_a_run_must_be_that_of_the_restart(ranks, on_ranks, tmp_path):
    saved = on_ranks(ranks, CHANGED_TISSUE, tmp_path / "sets")
    assert "another model" in str(saved["refused"]) and "function" in str(saved["refused"]), saved["refused"]
    assert saved["went_on"] == 5.0
    assert np.array_equal(saved["found"], saved["expected"])
