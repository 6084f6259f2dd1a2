"""What cannot go on as the same run is refused: another model, other tissue, cells and events that
cannot move.
"""

import textwrap

import numpy as np
import pytest

from support.ranks import mpirun
from support.restarts import GOES_ON, ONE_CELL


def test_cells_without_gids_cannot_move(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ONE_CELL)
    for ranks, since, status in ((1, "-", 0), (2, tmp_path / "a", 1)):
        done = mpirun(
            ranks, ["python", script, tmp_path / "out.npz", tmp_path / "a", since, "together"]
        )
        assert (done.returncode != 0) == status, done.stderr
    assert (
        "all had cells, and here are 2, some without: that needs gids for all cells; restart on 1 ranks"
        in done.stderr
    )
    for ranks, since, status in ((2, "-", 0), (3, tmp_path / "a", 1)):
        done = mpirun(
            ranks, ["python", script, tmp_path / "out.npz", tmp_path / "a", since, "apart"]
        )
        assert (done.returncode != 0) == status, done.stderr
    assert "sec0 belongs to no cell object with a gid" in done.stderr.replace(
        "sec1", "sec0"
    ).replace("sec2", "sec0")
    assert "restart on 2 ranks with the same cells on each" in done.stderr


TOLD = '''
from ecsmpi.rxd.session import simulation

def told_by_restart(folder):
    """What a restart is told here; where nothing, the run goes on."""
    rxd.restart(folder)
    try:
        simulation.make_plan()
        simulation.find_segments()
        simulation.deliver()
        simulation.start()
    except ValueError as error:
        simulation.run_loop.restart = None
        return str(error)
    return ""
'''

REFUSED = (
    TOLD
    + """
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

ecs = box()
k = potassium(ecs)
n.dt = 0.025
pc.set_maxstep(10)
rxd.Checkpoint(folder, every="10 steps")
n.finitialize(-65)
pc.psolve(0.5)
told = {"same": told_by_restart(folder)}
n.dt = 0.05
told["dt"] = told_by_restart(folder)
n.dt = 0.025
del k
k = potassium(ecs, 2.5)
told["d"] = told_by_restart(folder)
del k, ecs
ecs = box(42)
k = potassium(ecs)
told["box"] = told_by_restart(folder)
del k, ecs
ecs = box()
k = potassium(ecs)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
told["species"] = told_by_restart(folder)
del na
sec.nseg = 3
told["segments"] = told_by_restart(folder)
sec.nseg = 1
sec.insert("pas")
told["mechanisms of a section"] = told_by_restart(folder)
sec.uninsert("pas")
folder = folder + "-none"
told["nothing"] = told_by_restart(folder)
np.savez(sys.argv[1], **told)
"""
)


def test_another_model_is_refused_with_the_difference(on_ranks, tmp_path):
    told = {name: str(text) for name, text in on_ranks(None, REFUSED, tmp_path / "sets").items()}
    assert told.pop("same") == ""
    assert "dt: 0.025 in the checkpoint, 0.05 now" in told["dt"]
    assert "(2.62, 2.62, 2.62)" in told["d"] and "(2.5, 2.5, 2.5)" in told["d"]
    assert "shape=(20, 10, 10)" in told["box"] and "shape=(21, 10, 10)" in told["box"]
    assert "species 1: none in the checkpoint, na: [SpeciesSpec(name='na'" in told["species"]
    assert "segments: 1 in the checkpoint, 3 now" in told["segments"]
    assert "has other cells than there are on rank 0" in told["mechanisms of a section"]
    assert "there is no checkpoint in" in told["nothing"]


def test_only_statements_of_hoc_may_wait_in_the_queue(on_ranks, tmp_path):
    source = ONE_CELL.replace(
        "n.finitialize(-65)",
        """wait = n.FInitializeHandler(lambda: n.CVode().event(1.2, print))
n.finitialize(-65)
try:
    pc.psolve(1.5)
except ValueError as error:
    np.savez(out, said=str(error))
    raise SystemExit""",
    )
    (tmp_path / "script.py").write_text(textwrap.dedent(source))
    done = mpirun(
        None,
        [
            "python",
            tmp_path / "script.py",
            tmp_path / "out.npz",
            tmp_path / "sets",
            "-",
            "together",
        ],
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as saved:
        assert str(saved["said"]).startswith(
            "a Python function waits in NEURON's queue for its time (cvode.event)"
        )


POSTED = """
n('strdef said')
n('proc tell() { said = "told" }')
posts = n.FInitializeHandler(lambda: n.CVode().event(4.5, 'tell()'))
n.finitialize(-65)
"""


def test_statements_of_hoc_go_on_where_the_script_posts_them_on_the_same_ranks(tmp_path):
    """They wait in a rank's queue, and what waits in a checkpoint is executed only where the script
    has posted it too.
    """
    posting = GOES_ON.replace("n.finitialize(-65)\n", POSTED) + "assert n.said == 'told'\n"
    (tmp_path / "posting.py").write_text(posting)
    (tmp_path / "silent.py").write_text(GOES_ON)

    def run(ranks, script, since):
        return mpirun(ranks, ["python", script, "out.npz", "sets", since, 170], cwd=tmp_path)

    done = run(2, "posting.py", "-")
    assert done.returncode == 0, done.stderr
    refused = run(3, "posting.py", "sets")
    assert refused.returncode != 0
    assert (
        "has statements of hoc that wait for their time (cvode.event) on rank 0" in refused.stderr
    )
    assert "restart on 2 ranks with the same cells on each" in refused.stderr
    refused = run(2, "silent.py", "sets")
    assert refused.returncode != 0
    assert "nothing of a checkpoint is executed: 'tell()'" in refused.stderr
    assert "n.FInitializeHandler(lambda: n.CVode().event(t, statement))" in refused.stderr
    done = run(2, "posting.py", "sets")
    assert done.returncode == 0, done.stderr


CHANGED_TISSUE = (
    TOLD
    + """
import sys
import numpy as np
from ecsmpi import rxd
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

ecs.alpha = fraction(0.2)
refused = told_by_restart(folder)
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
"""
)


@pytest.mark.parametrize("ranks", [None, 3])
def test_tissue_changed_in_a_run_must_be_that_of_the_restart(ranks, on_ranks, tmp_path):
    saved = on_ranks(ranks, CHANGED_TISSUE, tmp_path / "sets")
    assert "another model" in str(saved["refused"]) and "function" in str(saved["refused"]), saved[
        "refused"
    ]
    assert saved["went_on"] == 5.0
    assert np.array_equal(saved["found"], saved["expected"])


RESTARTS_ALONE = """
from ecsmpi import rxd
from neuron import n
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
if rxd.rank() == 0:
    rxd.restart("sets", must=False)
n.finitialize(-65)
n.fadvance()
"""


def test_restart_on_one_rank_alone_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(RESTARTS_ALONE)
    done = mpirun(2, ["python", script], timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert (
        "rank 0 has called rxd.restart, and rank 1 has not: call it on every rank (outside `if rank == 0`)"
        in done.stderr
    ), done.stderr
