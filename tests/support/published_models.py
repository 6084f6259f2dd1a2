"""The models that `scripts/test-published` runs, and how they are made smaller."""

from dataclasses import dataclass
import json
from pathlib import Path
import re


@dataclass(frozen=True)
class Case:
    """One way to run one script of a published model, at a smaller size.

    script: its name in the folder. arguments: its own.
    smaller: (file, text, text instead) and config: (key, value) of `cfgs/small_sim.json` make it
    smaller.
    tolerance: of a difference from NEURON, relative to the largest value; `why` says what makes it
    larger than round-off. one_rank: why several ranks make another model of it. own_error:
    (exception, why), with which the script ends on several ranks in NEURON, too.
    """

    script: str
    arguments: tuple = ()
    smaller: tuple = ()
    config: tuple = ()
    tolerance: float = 1e-6
    why: str = "NEURON differences rates"
    serial: bool = False
    one_rank: str = ""
    own_error: tuple = ()

    @property
    def name(self) -> str:
        options = [
            word for word in self.arguments if word.startswith("--") and word != "--tstop"
        ]
        return " ".join([self.script, *options])

    @property
    def size(self) -> str:
        """What is smaller, in words."""
        edits = [new.strip() for _, _, new in self.smaller]
        settings = [f"{key}={value}" for key, value in self.config]
        return "; ".join([*edits, *settings, " ".join(self.arguments)]).strip("; ")

    def make_smaller(self, folder: Path) -> list:
        """Change the files in a copy of the model; return the arguments of the script.

        A text that is missing is a ValueError.
        """
        for name, old, new in self.smaller:
            path = folder / name
            text = path.read_text()
            if old not in text:
                raise ValueError(
                    f"{path.name} has no {old!r}, which makes the model smaller: "
                    "it is another version"
                )
            path.write_text(text.replace(old, new))
        if not self.config:
            return list(self.arguments)
        settings = json.loads((folder / "cfgs" / "small_sim.json").read_text())
        settings |= dict(self.config)
        (folder / "reduced.json").write_text(json.dumps(settings))
        return [*self.arguments, "reduced.json"]


@dataclass(frozen=True)
class Model:
    """A published model.

    `files` tell its folder; `imports` are changed by a rule, NetPyNE's by a first line.
    """

    title: str
    source: str
    files: tuple
    cases: tuple
    without: tuple = ()

    def is_in(self, folder: Path) -> bool:
        """Whether a folder has the model."""
        has = [(folder / name).is_file() for name in self.files]
        lacks = [not (folder / name).exists() for name in self.without]
        return all(has + lacks)


# --- the import lines
# -----------------------------------------------------------------------------------------

# What a script imports from NEURON's rxd it imports from ecsmpi, and before NEURON.
IMPORT_RULE = [
    (
        r"^(\s*)from neuron import (\w+), (c?rxd\b.*)$",
        r"\1from ecsmpi import \3\n\1from neuron import \2",
    ),
    (r"^(\s*)from neuron import (c?rxd\b.*)$", r"\1from ecsmpi import \2"),
    (r"^(\s*)from neuron\.(c?rxd\b.*)$", r"\1from ecsmpi.\2"),
]
NETPYNE_LINE = "import ecsmpi.netpyne\n"  # first in the script that starts NetPyNE


def changed_line(line: str) -> str:
    """A line as the rule changes it; several where it has names of NEURON and of its rxd."""
    for pattern, instead in IMPORT_RULE:
        line = re.sub(pattern, instead, line)
    return line


def change_imports(script: Path) -> list:
    """Change the import lines of a script by the rule; ["- old", "+ new", ...]."""
    changes, lines = [], []
    for line in script.read_text().splitlines():
        new = changed_line(line)
        if new != line:
            changes += [f"- {line}", *(f"+ {part}" for part in new.splitlines())]
        lines.append(new)
    text = "\n".join(lines) + "\n"
    if re.search(r"^from netpyne import", text, re.MULTILINE):
        text = NETPYNE_LINE + text
        changes.append(f"+ {NETPYNE_LINE.strip()}")
    script.write_text(text)
    return changes


# --- the models
# -----------------------------------------------------------------------------------------------


def _newton(script: str, *options: str, cells: str = "Nrec = 1000") -> Case:
    # In swollen tissue the voltages of the model grow without bound from 80 ms on, at its own step
    # of 10 ms.
    tstop = "50" if "--edema" in options else "110"
    buffered = "--buffer" in options
    return Case(
        script,
        ("--tstop", tstop, *options, "out"),
        (
            (script, "Lx, Ly, Lz = 1000, 1000, 1000 ", "Lx, Ly, Lz = 300, 300, 300 "),
            (script, cells, "Nrec = 12"),
        ),
        tolerance=1e-8 if buffered else 1e-9,
        why="NEURON differences the rates of the buffer"
        if buffered
        else "cells that fire enlarge round-off",
        own_error=(
            "IndexError",
            "plot_rec_neurons draws the cells of all ranks "
            "as soon as it has read the file of the first rank",
        ),
    )


def _kelley(script: str, recorded: int = 12, **more) -> Case:
    size = (
        ("tstop", 1.25),
        ("size", "mini"),
        ("Lz", 100.0),
        ("nthreads", 1),
        ("nrec", recorded),
        ("dir", "out"),
    )
    return Case(script, config=size, **more)


MODELS = (
    Model(
        "Newton et al. 2018",
        "ModelDB 238892",
        ("spreading_depression.py", "spreading_depression_demo.py", "trivial.py", "tnak.mod"),
        (
            Case(
                "trivial.py",
                smaller=(
                    ("trivial.py", "h.continuerun(100)", "h.continuerun(10)"),
                    ("trivial.py", "h.continuerun(200)", "h.continuerun(20)"),
                ),
                tolerance=1e-12,
                why="round-off",
                serial=True,
            ),
            _newton("spreading_depression.py"),
            _newton("spreading_depression.py", "--edema"),
            _newton("spreading_depression.py", "--buffer"),
            _newton("spreading_depression.py", "--edema", "--buffer"),
            _newton("spreading_depression_demo.py", cells="Nrec = 500"),
        ),
    ),
    Model(
        "Kelley et al. 2022",
        "ModelDB 267259",
        ("SpatialModel.py", "SpatialModelDynAlpha.py", "cfgs/small_sim.json"),
        (_kelley("SpatialModel.py"), _kelley("SpatialModelDynAlpha.py")),
        without=("makeSbatch.py",),
    ),
    Model(
        "Kelley et al. 2022, the lab's copy",
        "suny-downstate-medical-center/SDinSlice",
        ("SpatialModel.py", "SpatialModelDynAlpha.py", "cfgs/small_sim.json", "makeSbatch.py"),
        (
            _kelley("SpatialModel.py"),
            _kelley(
                "SpatialModelDynAlpha.py",
                recorded=40,
                one_rank="the script sets pcid = 0 and nhost = 20 by hand, "
                "so that all ranks make the same cells",
            ),
        ),
    ),
    Model(
        "SDinVivo",
        "adamjhn/SDinVivo",
        ("init.py", "cfg.py", "netParams.py", "Neuron.py", "genCapsNetpyne.py"),
        (
            Case(
                "init.py",
                smaller=(
                    ("cfg.py", "cfg.duration = 1e3 ", "cfg.duration = 1.25 "),
                    ("cfg.py", "cfg.nRec = 20", "cfg.nRec = 6"),
                    ("netParams.py", "'numCells': 100,", "'numCells': 6,"),
                ),
            ),
        ),
    ),
)
