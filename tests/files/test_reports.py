"""SONATA reports and spikes: read back by libsonata, they are what NEURON's own vectors have
recorded.
"""

import textwrap

import h5py
import libsonata
import numpy as np
import pytest

from support.ranks import mpirun

NETWORK = '''
import os
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n.dt, n.steps_per_ms = 0.1, 10

class Cell:
    """A soma, and a dendrite of three segments, that spikes."""

    def __init__(self, number):
        self.soma, self.dendrite = n.Section("soma", self), n.Section("dendrite", self)
        self.soma.pt3dadd(20 * number, 0, 0, 8); self.soma.pt3dadd(20 * number + 8, 0, 0, 8)
        self.dendrite.pt3dadd(20 * number + 8, 0, 0, 2); self.dendrite.pt3dadd(20 * number + 8, 30, 10, 2)
        self.dendrite.connect(self.soma(1))
        self.dendrite.nseg = 3
        self.soma.insert("hh")
        self.dendrite.insert("pas").insert("k_ion")
        self.clamp = n.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 3 * number, 1000, 0.05

home = lambda i: i % ranks if ranks < 4 else 1 + i % (ranks - 1)  # the first of many ranks has none
cells = {10 * i + 3: Cell(i) for i in (4, 0, 2, 3, 1) if home(i) == rank}
for gid, cell in cells.items():
    pc.set_gid2node(gid, rank)
    pc.cell(gid, n.NetCon(cell.soma(0.5)._ref_v, None, sec=cell.soma))
ecs = rxd.Extracellular(-20, -20, -20, 120, 60, 40, dx=(14, 16, 12), volume_fraction=0.2)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
pc.set_maxstep(10)
'''

RECORDED = (
    NETWORK
    + """
vectors = {}
for gid, cell in cells.items():
    for e, sec in enumerate((cell.soma, cell.dendrite)):
        for seg in sec:
            vectors[gid, e, seg.x, "v"] = n.Vector().record(seg._ref_v, 0.2)
            vectors[gid, e, seg.x, "ko"] = n.Vector().record(seg._ref_ko, 0.2)
    vectors[gid, 0, 0.5, "m_hh"] = n.Vector().record(cell.soma(0.5)._ref_m_hh, 0.2)
report = rxd.SegmentReport("report.h5", ["v", "ko", "m_hh"], every=0.2)
somata = rxd.SegmentReport("somata.h5", "v", every=1, sections=[cell.soma for cell in cells.values()], population="cells")
spikes = rxd.Spikes("spikes.h5", every=7)
n.finitialize(-65)
n.continuerun(5)
n.finitialize(-65)  # begins the files again
n.continuerun(10)
pc.psolve(20)
report.flush()
everyone = pc.py_gather({key: np.array(vector) for key, vector in vectors.items()}, 0)
if rank == 0:
    found = {key: values for some in everyone for key, values in some.items()}
    np.savez(sys.argv[1], keys=np.array([[*key[:3], "v ko m_hh".split().index(key[3])] for key in found]), values=np.array(list(found.values())))
"""
)


def run(tmp_path, ranks, source, *arguments, env=None):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(source))
    return mpirun(ranks, ["python", path, *arguments], cwd=tmp_path, env=env)


def sonata(path, population="All"):
    """A report: {(node, element): (times, segments)}, times, units, as libsonata reads it."""
    found = libsonata.ElementReportReader(str(path))[population]
    frames = found.get()
    ids = np.array(frames.ids)
    sections = {
        tuple(one.tolist()): frames.data[:, (ids == one).all(axis=1)]
        for one in np.unique(ids, axis=0)
    }
    return sections, np.array(frames.times), found.data_units


@pytest.mark.parametrize("ranks, storage", [(None, "auto"), (3, "parts"), (4, "auto")])
def test_reports_are_what_vectors_recorded(ranks, storage, tmp_path):
    done = run(tmp_path, ranks, RECORDED, tmp_path / "found.npz", env={"ECSMPI_STORAGE": storage})
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load(tmp_path / "found.npz") as found:
        vectors = {
            (int(gid), int(e), round(x, 6), int(what)): values
            for (gid, e, x, what), values in zip(found["keys"], found["values"])
        }
    assert len(vectors) == 5 * (4 + 4 + 1)
    compared = 0
    for what, (name, unit) in enumerate((("v", "mV"), ("ko", "mM"), ("m_hh", ""))):
        sections, times, units = sonata(tmp_path / f"report.{name}.h5")
        assert units == unit and np.allclose(times, np.arange(101) * 0.2)
        assert [node for node, _ in sections] == sorted(
            [3, 13, 23, 33, 43] * (1 if name == "m_hh" else 2)
        )
        for (node, element), data in sections.items():
            places = np.arange(data.shape[1]) / data.shape[1] + 0.5 / data.shape[1]
            for x, column in zip(places, data.T):
                expected = vectors[node, element, round(float(x), 6), what].astype(np.float32)
                assert np.array_equal(column[: len(expected)], expected), (name, node, element, x)
                compared += len(expected)
    assert compared == 45 * 101
    somata, times, _ = sonata(tmp_path / "somata.h5", "cells")
    assert len(times) == 21 and list(somata) == [(gid, 0) for gid in (3, 13, 23, 33, 43)]
    assert np.array_equal(somata[23, 0][:, 0], vectors[23, 0, 0.5, 0][::5].astype(np.float32))
    check_spikes(tmp_path / "spikes.h5", vectors)


def check_spikes(path, vectors):
    """Each spike is where the soma's voltage rises through NetCon's threshold of 10 mV."""
    found = libsonata.SpikeReader(str(path))["All"]
    spikes = found.get()
    assert found.sorting == "by_time" and [t for _, t in spikes] == sorted(t for _, t in spikes)
    for gid in (3, 13, 23, 33, 43):
        v = vectors[gid, 0, 0.5, 0]
        rises = 0.2 * (np.flatnonzero((v[:-1] < 10) & (v[1:] >= 10)) + 1)
        times = [t for node, t in spikes if node == gid]
        assert len(times) == len(rises) > 0 and np.abs(np.array(times) - rises).max() <= 0.2 + 1e-9


RESTARTED = (
    NETWORK
    + """
report = rxd.SegmentReport("report.h5", ["v", "m_hh"], every=0.2)
spikes = rxd.Spikes("spikes.h5", every=3)
n.tstop = 20
if sys.argv[1] == "whole":
    pass
else:
    rxd.Checkpoint("checkpoints", every="77 steps")
    if sys.argv[1] == "again":
        rxd.restart("checkpoints")
n.finitialize(-65)
start = n.t
pc.psolve(20 if sys.argv[1] != "first" else 13)
if sys.argv[1] == "again":
    assert abs(start - 7.7) < 1e-9, start
"""
)


def test_reports_go_on_from_a_checkpoint_on_other_ranks(tmp_path):
    found = []
    for runs in ([(None, "whole")], [(2, "first"), (3, "again")]):
        for ranks, how in runs:
            done = run(tmp_path, ranks, RESTARTED, how)
            assert done.returncode == 0, done.stdout + done.stderr
        reports = [sonata(tmp_path / f"report.{name}.h5") for name in ("v", "m_hh")]
        found.append((reports, libsonata.SpikeReader(str(tmp_path / "spikes.h5"))["All"].get()))
    (whole, whole_spikes), (continued, continued_spikes) = found
    assert len(whole_spikes) == 5 and continued_spikes == whole_spikes
    for (expected, times, _), (sections, again, _) in zip(whole, continued):
        assert (
            len(times) == 101
            and np.array_equal(times, again)
            and sections.keys() == expected.keys()
        )
        assert all(
            np.allclose(sections[key], expected[key], rtol=1e-6, atol=1e-9) for key in expected
        )


WRONG = (
    NETWORK
    + """
dendrites = [cell.dendrite for cell in cells.values()]
wrong = {
    "no segment has cao: there is nothing to report": lambda: rxd.SegmentReport("r.h5", "cao"),
    "has no m_hh to report: insert": lambda: rxd.SegmentReport("r.h5", "m_hh", sections=dendrites),
    "every = 0.25 ms must be a whole number of steps": lambda: rxd.SegmentReport("r.h5", "v", every=0.25),
    "there is no folder nowhere": lambda: rxd.SegmentReport("nowhere/r.h5", "v"),
    "must be different names": lambda: rxd.SegmentReport("r.h5", ["v", "v"]),
    "must be two n.Vector": lambda: rxd.Spikes("r.h5", recorded=[1]),
    "loose belongs to no cell object with a gid": lambda: [n.Section("loose"), rxd.SegmentReport("r.h5", "v")],
}
from ecsmpi.rxd.session import simulation
for text, make in list(wrong.items())[: 7 if ranks == 1 else 1]:
    try:
        made = make()
        n.finitialize(-65)
        n.continuerun(3)
    except Exception as error:
        print("raised", error)
    else:
        sys.exit(f"accepted, expected: {text}")
    simulation.observers.clear()
"""
)


def test_what_is_wrong_is_said(tmp_path):
    done = run(tmp_path, None, WRONG)
    assert done.returncode == 0, done.stderr
    for text in (
        "no segment has cao",
        "no m_hh to report: insert",
        "every = 0.25 ms must be a whole",
        "no folder nowhere",
        "must be different names",
        "must be two n.Vector",
        "loose belongs to no cell object with a gid",
    ):
        assert text in done.stderr + done.stdout, text


def test_what_is_wrong_ends_all_ranks(tmp_path):
    done = run(tmp_path, 2, WRONG)
    assert done.returncode != 0 and "no segment has cao: there is nothing to report" in done.stderr


def test_cells_without_gids_are_numbered_over_the_ranks(tmp_path):
    source = """
        from ecsmpi import rxd
        from neuron import n
        rank = int(n.ParallelContext().id())
        secs = [n.Section(f"a{i}") for i in range(2 + rank)]
        for i, sec in enumerate(secs):
            sec.insert("pas").e_pas = -60 - i - 10 * rank
            sec.nseg = 1 + i
        secs[1].connect(secs[0](1))  # one cell of two sections
        ecs = rxd.Extracellular(-200, -200, -200, 400, 200, 200, dx=100)
        k = rxd.Species(ecs, name="k", charge=1, initial=3)
        report = rxd.SegmentReport("r.h5", "e_pas", every=0.1)
        n.dt = 0.1
        n.finitialize(-65)
        n.fadvance()
        del sec, secs  # before the last frame is taken
    """
    done = run(tmp_path, 2, source)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("lacks its last frame, of t = 0.1 ms") == 1
    sections, times, _ = sonata(tmp_path / "r.h5")
    assert {key: data[0].tolist() for key, data in sections.items()} == {
        (0, 0): [-60],
        (0, 1): [-61, -61],
        (1, 0): [-70],
        (1, 1): [-71, -71],
        (2, 0): [-72, -72, -72],
    }
    assert times.tolist() == [0]


def test_info_and_verify_know_reports_and_spikes(tmp_path):
    done = run(
        tmp_path,
        2,
        NETWORK
        + """
report, spikes = rxd.SegmentReport("r.h5", "v", every=1), rxd.Spikes("s.h5")
n.finitialize(-65)
n.continuerun(9)
""",
    )
    assert done.returncode == 0, done.stderr
    said = mpirun(None, ["ecsmpi", "info", "r.h5"], cwd=tmp_path).stdout
    assert "v (mV) of 5 cells, 20 segments" in said and "10, from 0 to 9 ms" in said
    said = mpirun(None, ["ecsmpi", "info", "s.h5"], cwd=tmp_path).stdout
    assert "3 spikes of 3 cells" in said
    verified = mpirun(None, ["ecsmpi", "verify", "."], cwd=tmp_path)
    assert verified.returncode == 0 and verified.stdout.count("whole") == 2, verified.stdout
    with h5py.File(tmp_path / "r.h5", "r+") as file:
        file["report/All/data"][3, 7] = np.nan
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        file["spikes/All/timestamps"][0] = 8.9
    verified = mpirun(None, ["ecsmpi", "verify", "r.h5", "s.h5"], cwd=tmp_path)
    assert verified.returncode == 1
    assert (
        "values that are not finite at t = 3 ms" in verified.stdout
        and "spikes are not in the order of time" in verified.stdout
    )
