"""What tests of mistakes run: a small model to make them in, and how a job ends that has one."""

from support.ranks import mpirun

# from start to end of the failing job: what never ends is the mistake, not a machine that others
# use too
SECONDS = 60

MODEL = """
import sys
from ecsmpi import rxd
import neuron
from neuron import n
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank = int(pc.id())
n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 1
sec = n.Section(name=f"cell{rank}")
sec.pt3dadd(10 * rank, 0, 0, 5)
sec.pt3dadd(10 * rank, 0, 20, 5)
sec.insert("hh")
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, 10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
"""
RUN = "\nn.finitialize(-65)\nn.continuerun(1)\n"
BEGIN = "\nn.finitialize(-65)\nn.continuerun(0.5)\n"
GO_ON = "\nn.continuerun(1)\n"

LOST = "if rank == 1:\n    raise KeyError('lost cell')\n"


def run_script(tmp_path, source, ranks=2, env=None, seconds=SECONDS):
    path = tmp_path / "model.py"
    path.write_text(source)
    return mpirun(ranks, ["python", path], timeout=seconds, env=env, cwd=tmp_path)


def assert_ends_with(done, *words):
    """A failure, and each of the words said once by the whole job, tracebacks' source apart."""
    lines = (done.stdout + done.stderr).splitlines()
    said = "\n".join(line for line in lines if not line.startswith("    "))
    assert done.returncode != 0, f"status 0\n{said}"
    for one in words:
        assert said.count(one) == 1, f"{one!r} is said {said.count(one)} times\n{said}"
