"""A model drawn at random has NEURON's answer, live, on any number of ranks, or a clear error.

It never hangs and never has a wrong number. `ECSMPI_MODELS=200` draws so many instead of 12. They
are always the same, but for `scripts/test-fresh`, which draws others for each seed.
"""

import json
import os
import selectors
import subprocess
import sys
import tempfile

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from support.neuron_reference import disagreements
from support.processes import end_session
from support.ranks import TESTS, _environment, _launcher

MODELS = int(os.environ.get("ECSMPI_MODELS", 12))
RANKS = (1, 3) if MODELS <= 20 else (1, 2, 3, 4, 7)
# Relative to the largest value; round-off grows tenfold and more in the upstroke of a spike.
TOLERANCE = 1e-10
PATIENCE = 120.0  # s; what takes longer hangs
WORKER = TESTS / "support" / "drawn_worker.py"


class Worker:
    """A process, or several ranks, that works through models, begun anew where one has ended it."""

    def __init__(self, folder, backend, ranks):
        self._folder, self._process = folder, None
        self._argv = [sys.executable, "-X", "faulthandler", str(WORKER), backend]
        if ranks:
            self._argv = [_launcher(), "-n", str(ranks), *self._argv]

    def answer(self, model):
        """Return ("saved", arrays), ("refused", message of all ranks) or ("failed", output)."""
        if self._process is None:
            self._start()
        path = self._folder / "saved.npz"
        line = json.dumps({"path": str(path), "model": model}) + "\n"
        with open(self._folder / "models.txt", "a") as asked:
            asked.write(line)
        self._process.stdin.write(line)
        self._process.stdin.flush()
        said = self._line()
        if said.startswith("saved"):
            with np.load(path) as saved:
                return "saved", dict(saved)
        if said.startswith("refused"):
            return "refused", said
        self.end()
        self._said.seek(0)
        return "failed", said + self._said.read().decode(errors="replace")

    def _start(self):
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the process
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=_environment({}),
            cwd=self._folder,
            start_new_session=True,
        )
        while (said := self._line()) and not said.startswith("ready"):
            pass

    def _line(self):
        """Return the next line of an answer, "" where the process has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                pytest.fail(f"no answer after {PATIENCE:g} s: {self._argv}", pytrace=False)
        said = self._process.stdout.readline()
        return said if not said.startswith("numprocs") else self._line()

    def end(self):
        if self._process is not None:
            self._process.stdin.close()
            end_session(self._process)
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Return {ranks: worker}, with NEURON's under None."""
    found = {}
    for ranks in RANKS:
        found[ranks] = Worker(tmp_path_factory.mktemp(f"on{ranks}"), "ecsmpi", ranks)
    found[None] = Worker(tmp_path_factory.mktemp("neuron"), "neuron", None)
    yield found
    for worker in found.values():
        worker.end()


def between(low, high):
    return st.integers(0, 1000).map(lambda i: low + (high - low) * i / 1000)


IONS = [("k", 1, 3), ("na", 1, 140), ("ca", 2, 1.8), ("cl", -1, 110), ("x", 0, 1), (None, 0, 2)]


@st.composite
def species(draw, ion):
    name, charge, mean = ion
    slopes = [mean * draw(between(-0.0005, 0.0005)) for _ in range(3)]
    d = draw(
        st.one_of(between(0, 5), st.just(0), st.lists(between(0, 30), min_size=3, max_size=3))
    )
    # NEURON lets go of walls without diffusion.
    wall = draw(st.sampled_from([None, None, mean])) if np.any(d) else None
    return {"name": name, "charge": charge, "d": d, "initial": [mean, *slopes], "wall": wall}


@st.composite
def cell(draw, gid, lo, size):
    """Draw a cell anywhere in the box, in one of its voxels, or partly outside."""
    kind = draw(st.sampled_from(["inside", "one voxel", "partly outside"]))
    low, high = (-0.4, 1.4) if kind == "partly outside" else (0.02, 0.98)
    start = [a + width * draw(between(low, high)) for a, width in zip(lo, size)]
    way = [1e-3] * 3
    if kind != "one voxel":
        way = [width * draw(between(-0.3, 0.3)) + 1e-3 for width in size]
    if kind == "inside":
        for axis, (a, width, x) in enumerate(zip(lo, size, start)):
            way[axis] = max(a - x, min(way[axis], a + width - x)) * 0.99
    return {
        "gid": gid,
        "points": [start, [x + step for x, step in zip(start, way)]],
        "nseg": draw(st.integers(1, 7)),
        "diam": draw(between(0.5, 6)),
        "amp": draw(between(-0.1, 0.3)),
        "rank": draw(st.integers(0, 6)),
    }


def actions(gids, count):
    """Draw what a script does: steps, changes of dt, nseg and concentrations, new beginnings."""
    steps = st.tuples(st.sampled_from(["steps", "psolve"]), st.integers(1, 15))
    kinds = [
        steps,
        steps,
        st.tuples(st.just("dt"), st.sampled_from([0.01, 0.025, 0.05])),
        st.tuples(st.just("finitialize")),
        st.tuples(st.just("set"), st.integers(0, count - 1), between(1, 5)),
    ]
    if gids:
        of_cells = st.sampled_from(gids)
        kinds.append(st.tuples(st.just("nseg"), of_cells, st.integers(1, 7), st.booleans()))
    drawn = st.lists(st.one_of(*kinds), max_size=6)
    return drawn.map(lambda found: [*found, ("steps", 3)])


@st.composite
def models(draw):
    shape = [draw(st.integers(1, 14)) for _ in range(3)]
    dx = [draw(between(2, 30)) for _ in range(3)]
    lo = [draw(between(-500, 500)) for _ in range(3)]
    size = [count * h for count, h in zip(shape, dx)]
    hi = [a + width - h * draw(between(0.05, 0.9)) for a, width, h in zip(lo, size, dx)]
    ions = draw(st.lists(st.sampled_from(IONS), min_size=1, max_size=3, unique=True))
    gids = draw(st.lists(st.integers(0, 9_999_999), max_size=4, unique=True))
    return {
        "lo": lo,
        "hi": hi,
        "dx": dx,
        "alpha": draw(between(0.1, 1)),
        "lambda": draw(between(1, 2)),
        "dt": draw(st.sampled_from([0.01, 0.025, 0.1])),
        "species": [draw(species(ion)) for ion in ions],
        "cells": [draw(cell(gid, lo, size)) for gid in gids],
        "actions": draw(actions(gids, len(ions))),
    }


# What is wrong in a model: the values that its entry takes.
FLAWS = {
    "alpha": [0, -0.2, 1.5, float("nan")],
    "lambda": [0, -1, float("nan")],
    "dx": [0, -3, [1, 2], float("inf")],
    "hi": [[-1e6] * 3, [float("nan")] * 3],
}


def stale(model):
    """Tell whether the model goes on after a change of nseg without a new finitialize.

    That is undefined in NEURON and refused here.
    """
    nseg, waits = {one["gid"]: one["nseg"] for one in model["cells"]}, False
    known = dict(nseg)
    for action, *arguments in model["actions"]:
        if action == "nseg":
            nseg[arguments[0]] = arguments[1]
        if action == "finitialize" or (action == "nseg" and arguments[2]):
            known = dict(nseg)
        waits |= action in ("steps", "psolve") and nseg != known
    return waits


def check(model, ranks, workers):
    kind, found = workers[ranks].answer(model)
    if stale(model):
        assert kind in ("failed", "refused"), (kind, found)
        assert "sections have changed since n.finitialize(): cell" in found, (kind, found)
        workers[ranks].end()
        return
    assert kind == "saved", found
    reference, expected = workers[None].answer(model)
    assert reference == "saved", expected
    said = disagreements(found, expected, TOLERANCE)
    assert not said, "\n".join([f"on {ranks} ranks:", *said])


SETTINGS = dict(
    suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False
)


@settings(max_examples=MODELS, **SETTINGS)
@given(models(), st.sampled_from(RANKS))
def test_a_drawn_model_has_neurons_answer_or_a_clear_error(workers, model, ranks):
    check(model, ranks, workers)


FLAWED_ENTRIES = [(name, value) for name, values in FLAWS.items() for value in values]


@settings(max_examples=MODELS // 3, **SETTINGS)
@given(models(), st.sampled_from(RANKS), st.sampled_from(FLAWED_ENTRIES))
def test_a_flaw_in_a_drawn_model_is_named_on_all_ranks(workers, model, ranks, flaw):
    name, value = flaw
    kind, said = workers[ranks].answer(model | {name: value})
    words = {"alpha": "volume_fraction", "lambda": "tortuosity", "dx": "dx", "hi": "hi must be"}
    assert kind == "refused" and words[name] in said, (kind, said)
