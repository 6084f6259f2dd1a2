"""Arguments, mechanisms, files and options that are wrong end every rank within seconds.

One message names value and cure.
"""

import json
from pathlib import Path
import shutil
import subprocess
import sys

from ecsmpi.cli import main
import pytest

from support.long_form import in_every_run, long
from support.mistakes import (
    BEGIN,
    GO_ON,
    LOST,
    MODEL,
    RUN,
    SECONDS,
    assert_ends_with,
    run_script,
)
from support.programs import PROGRAMS
from support.ranks import ROOT, mpirun

pytestmark = pytest.mark.usefixtures("compiled_kernels")


# ---------------------------------------------------------------- arguments

ARGUMENTS = {
    "rxd.Extracellular(5, 0, 0, 5, 9, 9, 1)": "xhi must be greater than xlo, got xlo=5.0, xhi=5.0",
    "rxd.Extracellular(0, 0, 3, 9, 9, -2, 1)": (
        "zhi must be greater than zlo, got zlo=3.0, zhi=-2.0"
    ),
    "rxd.Extracellular(0, float('nan'), 0, 9, 9, 9, 1)": "ylo must be finite, got nan",
    "rxd.Extracellular(0, 0, 0, float('inf'), 9, 9, 1)": "xhi must be finite, got inf",
    "rxd.Extracellular(0, 0, 0, '9 um', 9, 9, 1)": "xhi must be a number, got '9 um'",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 0)": "dx must be > 0 um along each axis, got 0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, (1, -2, 1))": (
        "dx must be > 0 um along each axis, got (1, -2, 1)"
    ),
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, float('nan'))": "dx must be finite, got nan",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, (1, 2))": (
        "dx must be a number or (dx, dy, dz), got (1, 2)"
    ),
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 'fine')": (
        "dx must be a number or (dx, dy, dz), got 'fine'"
    ),
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction=0)": "must be in (0, 1], got 0.0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction=1.2)": (
        "volume_fraction must be in (0, 1], got"
    ),
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, volume_fraction='much')": (
        "volume_fraction must be a number, got"
    ),
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, tortuosity=0)": "tortuosity must be > 0, got 0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, tortuosity=-1.6)": "tortuosity must be > 0, got -1.6",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, permeability=0)": "permeability must be > 0, got 0.0",
    "rxd.Extracellular(0, 0, 0, 9, 9, 9, 1, 1, 1.6, 0.4)": (
        "give tortuosity or permeability, not both"
    ),
    "rxd.Species(ecs, name='na', d=-1)": "d of na must be >= 0 um2/ms, got -1",
    "rxd.Species(ecs, name='na', d=(1, 1, -2))": "d of na must be >= 0 um2/ms, got (1, 1, -2)",
    "rxd.Species(ecs, name='na', d='fast')": "d of na must be a number",
    "rxd.Species(ecs, name='na', d=None)": "d of na must be a number, got None",
    "rxd.Species(ecs, name='na', d=(1, 2))": "d of na must be a number or (dx, dy, dz), got (1, 2)",
    "rxd.Species(ecs, name='na', d=float('nan'))": "d of na must be finite, got nan",
    "rxd.Species(ecs, name='na', charge=0.5)": "charge of na must be a whole number, got 0.5",
    "rxd.Species(ecs, name='na', initial=float('nan'))": "initial must be finite, got nan",
    "rxd.Species(ecs, name='na', initial='high')": "initial must be a number in mM, got 'high'",
    "rxd.Species(ecs, name='na', ecs_boundary_conditions=1e999)": (
        "ecs_boundary_conditions of na must be"
    ),
    "rxd.Parameter(ecs, name='p', ecs_boundary_conditions={'x': rxd.Held(2)})": (
        "it can have no d and no ecs_boundary_conditions, got d=0, "
        "ecs_boundary_conditions={'x': Held(2.0)}"
    ),
    "rxd.Parameter(ecs, name='p', ecs_boundary_conditions=2)": "ecs_boundary_conditions=2",
    "rxd.Species(ecs, name='k+', charge=1)": (
        "must be an identifier such as 'k', or None, or without charge any words without /, got"
        " 'k+'"
    ),
    "rxd.Species(ecs, name='k', charge=1)": 'species "k" is already defined on Extracellular(',
    "rxd.Species(rxd.Extracellular(0, 0, 0, 9, 9, 9, 1), name='k', charge=2)": (
        "charge 1 on another region"
    ),
    "rxd.Species(3, name='na')": "regions of a species must be rxd.Extracellular of ecsmpi, got 3",
    "rxd.Species([ecs, ecs], name='na')": "a species needs different regions, got [",
    "rxd.Species(neuron_rxd.Extracellular(0, 0, 0, 9, 9, 9, 1))": (
        "): import rxd from ecsmpi, not from neuron, in all of the script"
    ),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """Return {expression: its exception's name and message}, all from one process.

    The process then runs the model.
    """
    folder = tmp_path_factory.mktemp("arguments")
    argv = ["python", PROGRAMS / "rxd" / "arguments.py", json.dumps(list(ARGUMENTS))]
    done = mpirun(None, argv, timeout=SECONDS, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


@pytest.mark.parametrize("expression", ARGUMENTS)
def test_bad_argument_is_named(expression, refusals):
    kind, message = refusals[expression]
    assert kind in ("InvalidValue", "RxDException") and ARGUMENTS[expression] in message, (
        f"{kind}: {message}"
    )


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
        long("sec.insert('buffer')" + RUN),
        BEGIN + "if rank == 1:\n    sec.insert('buffer')" + GO_ON,
    ],
    ids=["from the start", "on one rank during the run"],
)
def test_other_writer_of_the_concentration_is_refused(body, writer, tmp_path):
    done = run_script(tmp_path, MODEL + f"neuron.load_mechanisms({str(writer)!r})\n" + body)
    assert_ends_with(
        done,
        "writes ko, which the extracellular space sets: "
        "remove buffer, or give the species another name",
        "failed and ends the job",
    )


def test_missing_morphology_ends_all_ranks(tmp_path):
    script = ROOT / "scripts" / "ca1_potassium.py"
    done = mpirun(
        2, ["python", script, "--morphology", "nowhere.swc"], timeout=SECONDS, cwd=tmp_path
    )
    assert_ends_with(done, "no morphology at nowhere.swc: give an .swc file by --morphology")


def test_missing_mechanism_ends_all_ranks(tmp_path):
    (tmp_path / "scripts").mkdir()
    # No compiled mod folder beside it.
    script = shutil.copy(ROOT / "scripts" / "ca1_potassium.py", tmp_path / "scripts")
    done = mpirun(2, ["python", script], timeout=SECONDS, cwd=tmp_path)
    assert_ends_with(done, "the mechanism steady_k is not compiled: run nrnivmodl in ")


# ---------------------------------------------------------------- ecsmpi run

COMMANDS = {
    "missing script": (["nowhere.py"], "no script at nowhere.py"),
    "wrong number": (
        ["model.py", "--dt", "zero"],
        "argument --dt: invalid positive number value: 'zero'",
    ),
    "frames without a file": (["model.py", "--every", "1"], "need --output FILE.h5"),
    "no species": (
        ["empty.py"],
        "empty.py makes no rxd.Species at its top level: there is nothing to run",
    ),
    "no end": (["endless.py"], "the script sets no n.tstop: give --tstop MS"),
    "no threads": (["model.py", "--threads", "0"], "nthread must be 1 or more, got 0"),
    "script that fails on one rank": (["failing.py"], "KeyError: 'lost cell'"),
}


@pytest.mark.parametrize(
    "words, message",
    [
        (["--tstop=-5"], "argument --tstop: invalid positive number value: '-5'"),
        (["--tstop", "inf"], "argument --tstop: invalid positive number value: 'inf'"),
        (
            ["--every", "0", "--output", "k.h5"],
            "argument --every: invalid positive number value: '0'",
        ),
        (["--threads", "two"], "argument --threads: invalid int value: 'two'"),
        (["--v-init", "low"], "argument --v-init: invalid float value: 'low'"),
        (["--speed", "1"], "unrecognized arguments: --speed 1"),
        (["--species", "k"], "need --output FILE.h5"),
        (["--output", "nowhere/k.h5"], "there is no folder nowhere; create it first"),
        (["--output", "."], "cannot write .: it is a folder; give the name of a file"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_bad_option_of_ecsmpi_run_is_named(words, message, tmp_path, capsys):
    (tmp_path / "model.py").touch()
    with pytest.raises(SystemExit) as ended:
        main(["run", str(tmp_path / "model.py"), *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "mistake",
    in_every_run(COMMANDS, ["no species", "no threads", "script that fails on one rank"]),
)
def test_mistake_of_ecsmpi_run_ends_all_ranks(mistake, tmp_path):
    arguments, words = COMMANDS[mistake]
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "empty.py").write_text("from ecsmpi import rxd\n")
    (tmp_path / "endless.py").write_text(MODEL + "n.tstop = 0\n")
    (tmp_path / "failing.py").write_text(MODEL + LOST)
    done = mpirun(2, ["ecsmpi", "run", *arguments], timeout=SECONDS, cwd=tmp_path)
    assert_ends_with(done, words)
