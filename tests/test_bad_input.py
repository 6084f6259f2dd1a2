"""What a user gets wrong ends every rank within seconds; one message names the value and the cure."""

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import ROOT, mpirun

from ecsmpi.cli import main

SECONDS = 10  # from start to end of the failing job, starting Python and NEURON included, numba's compilation not

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


@pytest.fixture(scope="module", autouse=True)
def compiled_kernels(tmp_path_factory):
    """A machine that runs the model for the first time compiles for longer than a mistake may take."""
    done = run_script(tmp_path_factory.mktemp("compiled"), MODEL + RUN, seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr


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


# ---------------------------------------------------------------- arguments

ARGUMENTS = {
    "rxd.Extracellular(5, 0, 0, 5, 9, 9, 1)": "xhi must be greater than xlo, got xlo=5.0, xhi=5.0",
    "rxd.Extracellular(0, 0, 3, 9, 9, -2, 1)": "zhi must be greater than zlo, got zlo=3.0, zhi=-2.0",
    "rxd.Extracellular(0, float('nan'), 0, 9, 9, 9, 1)": "ylo must be finite, got nan",
    "rxd.Extracellular(0, 0, 0, float('inf'), 9, 9, 1)": "xhi must be finite, got inf",
    "rxd.Extracellular(0, 0, 0, '9 um', 9, 9, 1)": "xhi must be a number, got '9 um'",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 0)": "dx must be > 0 um along each axis, got 0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, (1, -2, 1))": "dx must be > 0 um along each axis, got (1, -2, 1)",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, float('nan'))": "dx must be finite, got nan",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, (1, 2))": "dx must be a number or (dx, dy, dz), got (1, 2)",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 'fine')": "dx must be a number or (dx, dy, dz), got 'fine'",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction=0)": "must be in (0, 1], got 0.0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction=1.2)": "volume_fraction must be in (0, 1], got",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction='much')": "volume_fraction must be a number, got",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, tortuosity=0)": "tortuosity must be > 0, got 0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, tortuosity=-1.6)": "tortuosity must be > 0, got -1.6",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, permeability=0)": "permeability must be > 0, got 0.0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, 1, 1.6, 0.4)": "give tortuosity or permeability, not both",
    "rxd.Species(ecs, name='na', d=-1)": "d of na must be >= 0 um2/ms, got -1",
    "rxd.Species(ecs, name='na', d=(1, 1, -2))": "d of na must be >= 0 um2/ms, got (1, 1, -2)",
    "rxd.Species(ecs, name='na', d='fast')": "d of na must be a number",
    "rxd.Species(ecs, name='na', d=None)": "d of na must be a number, got None",
    "rxd.Species(ecs, name='na', d=(1, 2))": "d of na must be a number or (dx, dy, dz), got (1, 2)",
    "rxd.Species(ecs, name='na', d=float('nan'))": "d of na must be finite, got nan",
    "rxd.Species(ecs, name='na', charge=0.5)": "charge of na must be a whole number, got 0.5",
    "rxd.Species(ecs, name='na', initial=float('nan'))": "initial must be finite, got nan",
    "rxd.Species(ecs, name='na', initial='high')": "initial must be a number in mM, got 'high'",
    "rxd.Species(ecs, name='na', ecs_boundary_conditions=1e999)": "ecs_boundary_conditions of na must be",
    "rxd.Species(ecs, name='k+')": "must be an identifier such as 'k', or None, got 'k+'",
    "rxd.Species(ecs, name='k', charge=1)": 'species "k" is already defined on Extracellular(',
    "rxd.Species(rxd.Extracellular(0, 0, 0, 9, 9, 9, 1), name='k', charge=2)": "charge 1 on another region",
    "rxd.Species(name='na')": "regions of a species must be rxd.Extracellular of ecsmpi, got None",
    "rxd.Species([], name='na')": "a species needs one or more different regions, got []",
    "rxd.Species([ecs, ecs], name='na')": "a species needs one or more different regions, got [",
    "rxd.Species(neuron_rxd.Extracellular(0, 0, 0, 9, 9, 9, 1))": "must be rxd.Extracellular of ecsmpi, got",
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """{expression: its exception's name and message}, all from one process, which then runs the model."""
    folder = tmp_path_factory.mktemp("arguments")
    source = MODEL + textwrap.dedent(f"""
        import json
        from neuron import rxd as neuron_rxd
        found = {{}}
        for expression in {list(ARGUMENTS)!r}:
            try:
                eval(expression)
                found[expression] = ["nothing", ""]
            except Exception as error:
                found[expression] = [type(error).__name__, str(error)]
        assert rxd.all_species() == [k]
        n.finitialize(-65)
        print(json.dumps(found))
    """)
    done = run_script(folder, source, ranks=None)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


@pytest.mark.parametrize("expression", ARGUMENTS)
def test_bad_argument_is_named(expression, refusals):
    kind, message = refusals[expression]
    assert kind in ("InvalidValue", "RxDException") and ARGUMENTS[expression] in message, f"{kind}: {message}"


# ---------------------------------------------------------------- on all ranks

DIFFER = "describe different extracellular spaces: make the same regions, species and reactions on every rank"
SPECIES_CHANGED = "species have changed since n.finitialize(): call it again before the run goes on"
CELLS_CHANGED = (
    "sections, nseg or 3-D points have changed since n.finitialize(): call it again before the run goes on"
)
THREADS = "NEURON uses 2 threads here: call pc.nthread(1) and use more ranks"
VARIABLE = "the variable time step is not supported: call n.cvode.active(False) and set n.dt"

SCRIPTS = {
    "argument of a region": (
        "rxd.Extracellular(0, 0, 0, 9, 9, 9, dx=0)",
        "dx must be > 0 um along each axis, got 0",
    ),
    "species defined twice": (
        "twice = rxd.Species(ecs, name='k', charge=1)",
        "give it another name, or put all regions",
    ),
    "charge unlike NEURON's": (
        "na = rxd.Species(ecs, name='na', charge=2)" + RUN,
        "charge of na is 1 in NEURON, got 2: give the same charge",
    ),
    "initial function of NaN": (
        "k.initial = lambda node: float('nan') if node.x3d > 40 else 3" + RUN,
        "concentration of k must be finite, got nan",
    ),
    "initial values of another shape": (
        "k.initial = [1, 2]" + RUN,
        "concentration of k must have the box's shape (10, 10, 10), got (2,)",
    ),
    "threads from the start": ("pc.nthread(2)" + RUN, THREADS),
    "variable steps from the start": ("n.cvode.active(True)" + RUN, VARIABLE),
    "variable steps during the run": (BEGIN + "n.cvode.active(True)" + GO_ON, VARIABLE),
    "output to a missing folder": (
        "rxd.Output('nowhere/k.h5', every=0.5)" + RUN,
        "cannot write nowhere/k.h5: there is no folder nowhere; create it first",
    ),
    "output to a folder": (
        "rxd.Output('.', every=0.5)" + RUN,
        "cannot write .: it is a folder; give the name of a file",
    ),
    "output of an unknown species": (
        "rxd.Output('k.h5', every=0.5, species='na')" + RUN,
        "no species na to write: the model has k",
    ),
    "species after finitialize": (
        BEGIN + "na = rxd.Species(ecs, name='na', charge=1)" + GO_ON,
        SPECIES_CHANGED,
    ),
    "species without finitialize": ("n.fadvance()", SPECIES_CHANGED),
    "nseg during the run": (BEGIN + "sec.nseg = 5" + GO_ON, CELLS_CHANGED),
    "d of one rank during the run": (
        BEGIN + "if rank == 1:\n    k.d = 3" + GO_ON,
        "rank 1 of 2 waited 1 s in the first step after a change of d, of a reaction or a rate, or a new flux for ranks that never",
    ),
    "flux of one rank during the run": (
        BEGIN + "if rank == 0:\n    k[ecs].node_by_ijk(1, 2, 3).include_flux(1)" + GO_ON,
        "rank 0 of 2 waited 1 s in the first step after a change of d, of a reaction or a rate, or a new flux for ranks that never",
    ),
    "flux from what is gone": (
        "clamp = n.IClamp(sec(0.5))\nk[ecs].nodes[7].include_flux(clamp, 'i')\n" + BEGIN + "del clamp" + GO_ON,
        "points into, or delete the species, and its fluxes with it",
    ),
    "states3d of one rank, the others at the end": (
        RUN + "if rank == 0:\n    k[ecs].states3d",
        "rank 0 of 2 waited 1 s in k[ecs].states3d for ranks that never",
    ),
    "value on one rank, the others going on": (
        "if rank == 1:\n    k[ecs].node_by_ijk(1, 2, 3).value" + RUN,
        "rank 1 of 2 waited 1 s in k[ecs].node.value for ranks that never",
    ),
}


@pytest.mark.parametrize("mistake", SCRIPTS)
def test_mistake_ends_all_ranks_with_one_message(mistake, tmp_path):
    body, words = SCRIPTS[mistake]
    done = run_script(tmp_path, MODEL + body, env={"ECSMPI_TIMEOUT": 1})
    assert_ends_with(done, words, "failed and ends the job")


# ---------------------------------------------------------------- on one rank

LOST = "if rank == 1:\n    raise KeyError('lost cell')\n"

ONE_RANK = {
    "top level": ("n.finitialize(-65)\n" + LOST + GO_ON, "KeyError: 'lost cell'"),
    "initial function": (
        "def initial(node):\n" + textwrap.indent(LOST, "    ") + "    return 3\nk.initial = initial" + RUN,
        "KeyError: 'lost cell'",
    ),
    "observer": (
        "class Observer:\n    def started(self, *_): pass\n    def ended(self): pass\n"
        "    def stepped(self, simulation, t):\n"
        + textwrap.indent(LOST, "        ")
        + "rxd.add_observer(Observer())"
        + RUN,
        "KeyError: 'lost cell'",
    ),
    "another d": ("na = rxd.Species(ecs, d=1 + rank, name='na', charge=1)" + RUN, DIFFER),
    "no species": ("if rank == 1:\n    del k" + RUN, DIFFER),
    "a species more during the run": (
        BEGIN + "if rank == 1:\n    na = rxd.Species(ecs, name='na', charge=1)" + GO_ON,
        SPECIES_CHANGED,
    ),
    "another d during the run": (BEGIN + "k.d = 1 + rank" + GO_ON, DIFFER),
    "no species during the run": (BEGIN + "if rank == 1:\n    del k" + GO_ON, SPECIES_CHANGED),
    "nseg during the run": (BEGIN + "if rank == 1:\n    sec.nseg = 5" + GO_ON, CELLS_CHANGED),
}


@pytest.mark.parametrize("mistake", ONE_RANK)
def test_mistake_of_one_rank_ends_all(mistake, tmp_path):
    body, words = ONE_RANK[mistake]
    done = run_script(tmp_path, MODEL + body)
    assert_ends_with(done, words, "failed and ends the job")


IN_CALLBACKS = {
    "FInitializeHandler": "def handler():\n"
    + textwrap.indent(LOST, "    ")
    + "kept = n.FInitializeHandler(handler)"
    + RUN,
    "event": "def event():\n"
    + textwrap.indent(LOST, "    ")
    + "n.finitialize(-65)\nn.cvode.event(0.35, event)"
    + GO_ON,
}


@pytest.mark.parametrize("callback", IN_CALLBACKS)
def test_failure_of_one_rank_inside_neurons_callback_ends_all(callback, tmp_path):
    done = run_script(tmp_path, MODEL + IN_CALLBACKS[callback])
    assert_ends_with(done, "KeyError: 'lost cell'")


def test_threads_during_the_run_end_all_ranks(tmp_path):
    """NEURON's workers step threads that nobody has initialised: at times they crash before anybody is asked."""
    done = run_script(tmp_path, MODEL + BEGIN + "pc.nthread(2)" + GO_ON)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said.count(THREADS) == 1 or "Segmentation fault" in said, said


def test_session_on_one_rank_outlives_its_mistakes(tmp_path):
    done = run_script(
        tmp_path,
        MODEL
        + """
def fails(action):
    try:
        action()
    except RuntimeError:
        return
    raise AssertionError("a mistake has passed")

def works():
    n.finitialize(-65)
    n.continuerun(0.5)
    assert abs(n.t - 0.5) < 1e-9 and sec(0.5).ko > 3

class Observer:
    def started(self, *_): pass
    def stepped(self, *_): raise KeyError("lost")
    def ended(self): pass

fails(n.fadvance)
works()
sec.nseg = 5
fails(n.fadvance)
works()
na = rxd.Species(ecs, name="na", charge=1)
fails(n.fadvance)
works()
del na
fails(n.fadvance)
works()
fails(lambda: n.cvode.active(True))
n.cvode.active(False)
works()
more = n.Section(name="more")
fails(n.fadvance)
works()
n.delete_section(sec=more)
fails(n.fadvance)
works()
sec.pt3dadd(0, 0, 40, 5)
fails(n.fadvance)
works()
k.initial = float("nan")
fails(lambda: n.finitialize(-65))
k.initial = 3
works()
rxd.add_observer(Observer())
fails(n.fadvance)
""",
        ranks=None,
    )
    assert done.returncode == 0, done.stderr
    for words in (
        SPECIES_CHANGED,
        CELLS_CHANGED,
        VARIABLE,
        "concentration of k must be finite, got nan",
        "KeyError: 'lost'",
    ):
        assert words in done.stderr


# ---------------------------------------------------------------- mechanisms and morphologies

WRITER = """
NEURON {
    SUFFIX buffer
    USEION k READ ik WRITE ko
}
ASSIGNED { ik (milliamp/cm2) }
STATE { ko (milli/liter) }
INITIAL { ko = 3 }
BREAKPOINT { ko = ko }
"""


@pytest.fixture(scope="session")
def writer(tmp_path_factory):
    """A folder with a compiled mechanism that sets ko."""
    folder = tmp_path_factory.mktemp("writer")
    (folder / "buffer.mod").write_text(WRITER)
    compiler = shutil.which("nrnivmodl", path=str(Path(sys.executable).parent)) or "nrnivmodl"
    made = subprocess.run([compiler], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.mark.parametrize(
    "body",
    [
        "sec.insert('buffer')" + RUN,
        BEGIN + "if rank == 1:\n    sec.insert('buffer')" + GO_ON,
    ],
    ids=["from the start", "on one rank during the run"],
)
def test_other_writer_of_the_concentration_is_refused(body, writer, tmp_path):
    done = run_script(tmp_path, MODEL + f"neuron.load_mechanisms({str(writer)!r})\n" + body)
    assert_ends_with(
        done,
        "writes ko, which the extracellular space sets: remove buffer, or give the species another name",
        "failed and ends the job",
    )


def test_missing_morphology_ends_all_ranks(tmp_path):
    script = ROOT / "scripts" / "ca1_potassium.py"
    done = mpirun(2, ["python", script, "--morphology", "nowhere.swc"], timeout=SECONDS, cwd=tmp_path)
    assert_ends_with(done, "no morphology at nowhere.swc: give an .swc file by --morphology")


def test_missing_mechanism_ends_all_ranks(tmp_path):
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(
        ROOT / "scripts" / "ca1_potassium.py", tmp_path / "scripts"
    )  # no compiled mod folder beside it
    done = mpirun(2, ["python", script], timeout=SECONDS, cwd=tmp_path)
    assert_ends_with(done, "the mechanism steady_k is not compiled: run scripts/setup, or nrnivmodl in ")


# ---------------------------------------------------------------- ecsmpi run

COMMANDS = {
    "missing script": (["nowhere.py"], "no script at nowhere.py"),
    "wrong number": (["model.py", "--dt", "zero"], "argument --dt: invalid positive number value: 'zero'"),
    "frames without a file": (["model.py", "--every", "1"], "need --output FILE.h5"),
    "no species": (["empty.py"], "empty.py makes no rxd.Species at its top level: there is nothing to run"),
    "no end": (["endless.py"], "the script sets no n.tstop: give --tstop MS"),
    "too many threads": (
        ["model.py", "--threads", "99"],
        "nthread must be from 1 to 1, the cores of this rank, got 99",
    ),
    "script that fails on one rank": (["failing.py"], "KeyError: 'lost cell'"),
}


@pytest.mark.parametrize(
    "words, message",
    [
        (["--tstop=-5"], "argument --tstop: invalid positive number value: '-5'"),
        (["--tstop", "inf"], "argument --tstop: invalid positive number value: 'inf'"),
        (["--every", "0", "--output", "k.h5"], "argument --every: invalid positive number value: '0'"),
        (["--threads", "two"], "argument --threads: invalid int value: 'two'"),
        (["--v-init", "low"], "argument --v-init: invalid float value: 'low'"),
        (["--speed", "1"], "unrecognized arguments: --speed 1"),
        (["--species", "k"], "need --output FILE.h5"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_bad_option_of_ecsmpi_run_is_named(words, message, tmp_path, capsys):
    (tmp_path / "model.py").touch()
    with pytest.raises(SystemExit) as ended:
        main(["run", str(tmp_path / "model.py"), *words])
    assert ended.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize("mistake", COMMANDS)
def test_mistake_of_ecsmpi_run_ends_all_ranks(mistake, tmp_path):
    arguments, words = COMMANDS[mistake]
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "empty.py").write_text("from ecsmpi import rxd\n")
    (tmp_path / "endless.py").write_text(MODEL + "n.tstop = 0\n")
    (tmp_path / "failing.py").write_text(MODEL + LOST)
    done = mpirun(2, ["ecsmpi", "run", *arguments], timeout=SECONDS, cwd=tmp_path)
    assert_ends_with(done, words)
