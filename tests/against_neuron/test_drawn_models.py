"""Whole models drawn at random have NEURON's answer, live, at any number of ranks, or a clear
error: never a hang, never a wrong number.

`ECSMPI_MODELS=200` draws so many; without it few, always the same.
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
from support.ranks import TESTS, _end_session, _environment, _launcher

MODELS = int(os.environ.get("ECSMPI_MODELS", 20))
RANKS = (1, 3) if MODELS <= 20 else (1, 2, 3, 4, 7)
# relative to the largest value; round-off grows tenfold and more in the upstroke of a spike
TOLERANCE = 1e-10
PATIENCE = 120.0  # s; what takes longer hangs
WORKER = TESTS / "support" / "drawn_worker.py"


class Worker:
    """A process, or several ranks, that works through models; begun at the first one, and anew
    where one has ended it.
    """

    def __init__(self, folder, backend, ranks):
        self._folder, self._process = folder, None
        self._argv = [
            *([_launcher(), "-n", str(ranks)] if ranks else []),
            sys.executable,
            "-X",
            "faulthandler",
            str(WORKER),
            backend,
        ]

    def answer(self, model):
        """(word, arrays or message): saved, refused on all ranks, or failed with what it said."""
        if self._process is None:
            self._start()
        path = self._folder / "saved.npz"
        with open(self._folder / "models.txt", "a") as asked:
            asked.write(json.dumps({"path": str(path), "model": model}) + "\n")
        self._process.stdin.write(json.dumps({"path": str(path), "model": model}) + "\n")
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
        self._said = tempfile.TemporaryFile()
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
        """The next line of an answer; "" where the process has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                pytest.fail(f"no answer after {PATIENCE:g} s: {self._argv}", pytrace=False)
        said = self._process.stdout.readline()
        return said if not said.startswith("numprocs") else self._line()

    def end(self):
        if self._process is not None:
            self._process.stdin.close()
            _end_session(self._process)
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """By number of ranks; None for NEURON."""
    found = {
        ranks: Worker(tmp_path_factory.mktemp(f"on{ranks}"), "ecsmpi", ranks) for ranks in RANKS
    }
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
    d = draw(st.one_of(between(0, 5), st.just(0), st.lists(between(0, 30), min_size=3, max_size=3)))
    wall = (
        draw(st.sampled_from([None, None, mean])) if np.any(d) else None
    )  # NEURON lets go of walls without diffusion
    return {"name": name, "charge": charge, "d": d, "initial": [mean, *slopes], "wall": wall}


@st.composite
def cell(draw, gid, lo, size):
    """Anywhere in the box, in one of its voxels, or partly outside."""
    kind = draw(st.sampled_from(["inside", "one voxel", "partly outside"]))
    low, high = (-0.4, 1.4) if kind == "partly outside" else (0.02, 0.98)
    start = [a + width * draw(between(low, high)) for a, width in zip(lo, size)]
    way = (
        [1e-3] * 3
        if kind == "one voxel"
        else [width * draw(between(-0.3, 0.3)) + 1e-3 for width in size]
    )
    if kind == "inside":
        way = [
            max(a - x, min(step, a + width - x)) * 0.99
            for a, width, x, step in zip(lo, size, start, way)
        ]
    return {
        "gid": gid,
        "points": [start, [x + step for x, step in zip(start, way)]],
        "nseg": draw(st.integers(1, 7)),
        "diam": draw(between(0.5, 6)),
        "amp": draw(between(-0.1, 0.3)),
        "rank": draw(st.integers(0, 6)),
    }


def actions(gids, count):
    steps = st.tuples(st.sampled_from(["steps", "psolve"]), st.integers(1, 15))
    return st.lists(
        st.one_of(
            steps,
            steps,
            st.tuples(st.just("dt"), st.sampled_from([0.01, 0.025, 0.05])),
            st.tuples(st.just("finitialize")),
            st.tuples(st.just("set"), st.integers(0, count - 1), between(1, 5)),
            *(
                [
                    st.tuples(
                        st.just("nseg"), st.sampled_from(gids), st.integers(1, 7), st.booleans()
                    )
                ]
                if gids
                else []
            ),
        ),
        max_size=6,
    ).map(lambda found: [*found, ("steps", 3)])


@st.composite
def models(draw):
    shape, dx = ([draw(of) for _ in range(3)] for of in (st.integers(1, 14), between(2, 30)))
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


FLAWS = {  # what is wrong: (a change of the model, what the error says)
    "alpha": [0, -0.2, 1.5, float("nan")],
    "lambda": [0, -1, float("nan")],
    "dx": [0, -3, [1, 2], float("inf")],
    "hi": [[-1e6] * 3, [float("nan")] * 3],
}


def stale(model):
    """Whether the model goes on after a change of nseg without a new finitialize: undefined in
    NEURON, refused here.
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
        assert (
            kind in ("failed", "refused")
            and "have changed since n.finitialize(): call it again" in found
        ), (kind, found)
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


@settings(max_examples=MODELS // 3, **SETTINGS)
@given(
    models(),
    st.sampled_from(RANKS),
    st.sampled_from([(name, value) for name, values in FLAWS.items() for value in values]),
)
def test_a_flaw_in_a_drawn_model_is_named_on_all_ranks(workers, model, ranks, flaw):
    name, value = flaw
    kind, said = workers[ranks].answer(model | {name: value})
    word = {"alpha": "volume_fraction", "lambda": "tortuosity", "dx": "dx", "hi": "hi must be"}[
        name
    ]
    assert kind == "refused" and word in said, (kind, said)
