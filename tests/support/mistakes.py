"""What tests of mistakes run: a small model to make them in, and how a job ends that has one."""

from support.programs import PROGRAMS
from support.ranks import mpirun

# From start to end of the failing job. A job that never ends is the mistake; a machine that others
# use too is none.
SECONDS = 60

MODEL = (PROGRAMS / "rxd" / "model_of_mistakes.py").read_text()
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
