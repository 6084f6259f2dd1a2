"""SONATA reports and spikes, as libsonata reads them, are what NEURON's own vectors record."""

import h5py
import libsonata
import numpy as np
import pytest

from support.long_form import long
from support.ranks import TESTS, mpirun

PROGRAMS = TESTS / "programs" / "files"
GIDS = [3, 13, 23, 33, 43]


def run(tmp_path, ranks, name, *arguments, env=None):
    return mpirun(ranks, ["python", PROGRAMS / name, *arguments], cwd=tmp_path, env=env)


def sonata(path, population="All"):
    """Return {(node, element): (times, segments)}, times and units, as libsonata reads a report."""
    found = libsonata.ElementReportReader(str(path))[population]
    frames = found.get()
    ids = np.array(frames.ids)
    sections = {
        tuple(one.tolist()): frames.data[:, (ids == one).all(axis=1)]
        for one in np.unique(ids, axis=0)
    }
    return sections, np.array(frames.times), found.data_units


@pytest.mark.parametrize("ranks, storage", [(None, "auto"), (3, "parts"), long(4, "auto")])
def test_reports_are_what_vectors_recorded(ranks, storage, tmp_path):
    done = run(
        tmp_path,
        ranks,
        "reports.py",
        tmp_path / "found.npz",
        env={"ECSMPI_STORAGE": storage},
    )
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
        sections_of_a_cell = 1 if name == "m_hh" else 2
        assert [node for node, _ in sections] == sorted(GIDS * sections_of_a_cell)
        for (node, element), data in sections.items():
            places = np.arange(data.shape[1]) / data.shape[1] + 0.5 / data.shape[1]
            for x, column in zip(places, data.T):
                expected = vectors[node, element, round(float(x), 6), what].astype(np.float32)
                assert np.array_equal(column[: len(expected)], expected), (
                    name,
                    node,
                    element,
                    x,
                )
                compared += len(expected)
    assert compared == 45 * 101
    somata, times, _ = sonata(tmp_path / "somata.h5", "cells")
    assert len(times) == 21 and list(somata) == [(gid, 0) for gid in GIDS]
    assert np.array_equal(somata[23, 0][:, 0], vectors[23, 0, 0.5, 0][::5].astype(np.float32))
    check_spikes(tmp_path / "spikes.h5", vectors)


def check_spikes(path, vectors):
    """Check that each spike is where the soma's voltage rises through the threshold of 10 mV."""
    found = libsonata.SpikeReader(str(path))["All"]
    spikes = found.get()
    assert found.sorting == "by_time" and [t for _, t in spikes] == sorted(t for _, t in spikes)
    for gid in GIDS:
        v = vectors[gid, 0, 0.5, 0]
        rises = 0.2 * (np.flatnonzero((v[:-1] < 10) & (v[1:] >= 10)) + 1)
        times = [t for node, t in spikes if node == gid]
        assert (
            len(times) == len(rises) > 0 and np.abs(np.array(times) - rises).max() <= 0.2 + 1e-9
        )


def test_reports_go_on_from_a_checkpoint_on_other_ranks(tmp_path):
    found = []
    for runs in ([(None, "whole")], [(2, "first"), (3, "again")]):
        for ranks, how in runs:
            done = run(tmp_path, ranks, "restarted_reports.py", how)
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


def test_what_is_wrong_is_said(tmp_path):
    done = run(tmp_path, None, "wrong_reports.py")
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
    done = run(tmp_path, 2, "wrong_reports.py")
    assert (
        done.returncode != 0 and "no segment has cao: there is nothing to report" in done.stderr
    )


def test_cells_without_gids_are_numbered_over_the_ranks(tmp_path):
    done = run(tmp_path, 2, "reports_without_gids.py")
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
    done = run(tmp_path, 2, "report_and_spikes.py")
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
