"""Segments, range variables and ions of one rank, each in a NEURON of its own (a script's status tells)."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, mpirun

from ecsmpi.cells.morphology import Paths
from ecsmpi.cells.nmodl import written_variables

SHARED_SWC = ROOT.parent / "shared" / "data" / "c91662.swc"

PRELUDE = """
import os
import sys
import time
import neuron
import numpy as np
from neuron import n
from ecsmpi.cells import membrane
from ecsmpi.cells.range_variable import RangeVariable
n.load_file("stdrun.hoc")

def segments():
    return [seg for sec in n.allsec() for seg in sec]

def pyramid(um_per_segment=5):
    n.xopen(os.path.join(os.path.dirname(neuron.__file__), ".data/share/nrn/demo/pyramid.nrn"))
    for sec in n.allsec():
        sec.nseg = 1 + 2 * int(sec.L / um_per_segment)

def message_of(error, call, *arguments):
    try:
        call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{call.__name__}{arguments} raised no {error.__name__}")

def equal_to_rxd():
    from neuron.rxd.geometry import _surface_areas1d
    from neuron.rxd.species import _xyz
    found = membrane.Segments()
    area = np.concatenate([_surface_areas1d(sec) for sec in n.allsec()])
    assert np.abs(found.area - area).max() <= 1e-14 * area.max(), (found.area, area)
    assert np.allclose(found.area, area, rtol=1e-14, atol=1e-14 * area.max())
    centre = np.array([_xyz(seg) for seg in segments()])
    assert np.array_equal(found.centre, centre)
    return found
"""


def in_neuron(tmp_path, body, *arguments, mechanisms=None):
    """Run `body` after PRELUDE in a NEURON of its own; its asserts are this test's asserts."""
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + textwrap.dedent(body))
    env = {"NRN_MODULE_LIBRARY": None, "NEURON_MODULE_OPTIONS": "-nogui"}
    done = mpirun(None, ["python", script, *arguments], cwd=mechanisms or tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---------------------------------------------------------------- geometry, without NEURON

def one_path(arc, diam, nseg, length):
    arc = np.array(arc, dtype=float)
    xyz = np.column_stack([arc, 0 * arc, 2 * arc])
    return Paths(np.array([nseg]), np.array([float(length)]), np.array([0, len(arc)]), arc,
                 np.array(diam, dtype=float), xyz)


def test_cylinder_is_pi_d_l():
    areas = one_path([0, 10, 30], [2, 2, 2], nseg=3, length=30).segment_areas()
    assert np.allclose(areas, np.pi * 2 * 10, rtol=1e-15)


def test_cone_cut_in_two_by_hand():
    areas = one_path([0, 8], [1, 13], nseg=2, length=8).segment_areas()
    assert np.allclose(areas, [np.pi * 4 * 5, np.pi * 10 * 5], rtol=1e-15)  # each half: slant sqrt(3^2 + 4^2)


def test_centre_lies_on_the_path():
    centres = one_path([0, 10, 30], [2, 2, 2], nseg=3, length=30).segment_centres()
    assert np.array_equal(centres, [[5, 0, 10], [15, 0, 30], [25, 0, 50]])


def test_cutting_finer_keeps_the_area():
    generator = np.random.default_rng(3)
    arc = np.concatenate([[0.0], np.cumsum(generator.uniform(0, 9, 40))])
    diam = generator.uniform(0.1, 20, 41)
    whole = one_path(arc, diam, 1, arc[-1]).segment_areas().sum()
    for nseg in (2, 3, 7, 100, 999):
        assert one_path(arc, diam, nseg, arc[-1]).segment_areas().sum() == pytest.approx(whole, rel=1e-13)


def test_sections_do_not_touch_each_other():
    a, b = one_path([0, 3, 7], [1, 5, 2], 3, 7), one_path([0, 0.5, 2], [9, 8, 30], 2, 2)
    both = Paths(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("nseg", "length")),
                 np.array([0, 3, 6]), *(np.concatenate([getattr(a, name), getattr(b, name)])
                                        for name in ("arc", "diam", "xyz")))
    assert np.array_equal(both.segment_areas(), np.concatenate([a.segment_areas(), b.segment_areas()]))
    assert np.array_equal(both.segment_centres(), np.concatenate([a.segment_centres(), b.segment_centres()]))


def test_section_without_points_is_refused():
    points = dict(arc=np.zeros(2), diam=np.ones(2), xyz=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="section 1 has no 3-D points: call n.define_shape"):
        Paths(nseg=np.array([1, 1]), length=np.array([1.0, 1.0]), first=np.array([0, 2, 2]), **points)
    with pytest.raises(ValueError, match="first counts 3 points in 1 sections, but there are 2 points"):
        Paths(nseg=np.array([1]), length=np.array([1.0]), first=np.array([0, 3]), **points)


# ---------------------------------------------------------------- geometry, against NEURON's

def test_pyramid_has_rxds_areas_and_centres(tmp_path):
    in_neuron(tmp_path, """
        pyramid()
        found = equal_to_rxd()
        assert found.count == len(segments()) > 2000
    """)


def test_swc_cell_has_rxds_areas_and_centres(tmp_path):
    swc = SHARED_SWC if SHARED_SWC.exists() else tmp_path / "cell.swc"
    if swc != SHARED_SWC:
        swc.write_text("1 1 0 0 0 8 -1\n2 3 9 0 0 2 1\n3 3 30 5 0 1.5 2\n4 3 60 -5 3 0.3 3")
    in_neuron(tmp_path, """
        n.load_file("import3d.hoc")
        reader = n.Import3d_SWC_read()
        reader.input(sys.argv[1])
        n.Import3d_GUI(reader, False).instantiate(None)
        for sec in n.allsec():
            sec.nseg = 1 + 2 * int(sec.L / 7)
        equal_to_rxd()
    """, swc)


def test_odd_sections_have_rxds_areas_and_centres(tmp_path):
    in_neuron(tmp_path, """
        def section(name, nseg, points):
            sec = n.Section(name=name)
            sec.nseg = nseg
            for point in points:
                sec.pt3dadd(*point)
            return sec

        kept = [
            section("repeated", 5, [(0, 0, 0, 2), (5, 0, 0, 3), (5, 0, 0, 3), (5, 0, 0, 3), (9, 1, 0, 1)]),
            section("step", 7, [(0, 0, 0, 1), (4, 0, 0, 1), (4, 0, 0, 6), (10, 0, 3, 6)]),
            section("step_on_a_segment_end", 2, [(0, 0, 0, 1), (5, 0, 0, 1), (5, 0, 0, 4), (10, 0, 0, 4)]),
            section("step_first_and_last", 3, [(0, 0, 0, 1), (0, 0, 0, 2), (6, 0, 0, 2), (6, 0, 0, 9)]),
            section("one_segment", 1, [(1, 2, 3, 4), (4, 6, 3, 1), (4, 6, 9, 7)]),
            section("one_point", 3, [(1, 1, 1, 5)]),
            section("many_per_segment", 3, [(i * 0.1, i % 3, i % 5, 1 + i % 4) for i in range(200)]),
            section("thirds", 3, [(0, 0, 0, 1), (0.1, 0, 0, 2), (0.7, 0, 0.3, 1)]),
        ]
        bare = ("bare", 100, 5, 7), ("short", 0.37, 3.3, 1), ("long", 12345.678, 0.1, 33)
        for name, L, diam, nseg in bare:
            sec = n.Section(name=name)
            sec.L, sec.diam, sec.nseg = L, diam, nseg
            kept.append(sec)
        child = n.Section(name="child")
        child.connect(kept[-1](0.3))
        found = equal_to_rxd()
        assert found.count == len(segments())
    """)


def test_names_are_neurons(tmp_path):
    in_neuron(tmp_path, """
        kept = [n.Section(name=name) for name in "abc"]
        for sec, nseg in zip(kept, (3, 1, 101)):
            sec.nseg = nseg
        found = membrane.Segments()
        assert [found.name(i) for i in range(found.count)] == [str(seg) for seg in segments()]
        for i in (-1, found.count):
            assert str(i) in message_of(IndexError, found.name, i)
    """)


def test_segments_are_equal_until_the_morphology_changes(tmp_path):
    in_neuron(tmp_path, """
        cell = n.Section(name="cell")
        cell.L, cell.diam, cell.nseg = 50, 2, 3
        before = membrane.Segments()
        assert before == membrane.Segments()
        cell.nseg = 5
        finer = membrane.Segments()
        assert finer != before
        cell.pt3dchange(1, 3)
        thicker = membrane.Segments()
        assert thicker != finer and thicker.count == finer.count
        other = n.Section(name="other")
        assert membrane.Segments() != thicker
        del other
        assert membrane.Segments() == thicker
    """)


def test_segments_keep_no_section_alive(tmp_path):
    in_neuron(tmp_path, """
        cell = n.Section(name="cell")
        membrane.use_ion("k", 1)
        found = membrane.Segments()
        held = RangeVariable("ko")
        del cell
        assert list(n.allsec()) == []
    """)


# ---------------------------------------------------------------- range variables

def test_a_column_holds_what_segments_hold(tmp_path):
    in_neuron(tmp_path, """
        pyramid()
        v = RangeVariable("v")
        for i, seg in enumerate(segments()):
            seg.v = i
        assert np.array_equal(v.column[v.rows], np.arange(len(segments())))
        next(iter(n.allsec())).v = -70
        assert v.column[v.rows[0]] == -70
    """)


def test_writing_to_a_column_sets_every_segment(tmp_path):
    in_neuron(tmp_path, """
        pyramid()
        membrane.use_ion("k", 1)
        n.finitialize(-65)
        ko = RangeVariable("ko")
        values = np.random.default_rng(1).uniform(1, 9, len(segments()))
        ko.column[ko.rows] = values
        assert [seg.ko for seg in segments()] == list(values)
        ko.fill(3.5)
        assert {seg.ko for seg in segments()} == {3.5}
    """)


def test_rank_without_segments_has_an_empty_column(tmp_path):
    in_neuron(tmp_path, """
        membrane.use_ion("k", 1)
        found = membrane.Segments()
        assert found.count == 0 and found.area.shape == (0,) and found.centre.shape == (0, 3)
        ko = RangeVariable("ko")
        assert ko.column.shape == ko.rows.shape == (0,)
        ko.fill(7)
        cell = n.Section(name="cell")
        membrane.use_ion("k", 1)
        RangeVariable("ko").fill(7)
        assert cell.ko == 7
    """)


def test_no_change_of_the_structure_goes_unnoticed(tmp_path):
    """After whatever a script does, the counts have moved at NEURON's next step, or every value is where it was."""
    in_neuron(tmp_path, """
        def stub(x):
            sec = n.Section(name=f"stub{x}")
            sec.insert("k_ion")
            return sec

        pyramid(50)
        cells, pc = [stub(i) for i in range(300)], n.ParallelContext()
        n.cvode_active(0)
        membrane.use_ion("k", 1)
        soma = next(iter(n.allsec()))
        clamps = []
        changes = {
            "new section": lambda: cells.append(stub(300)),
            "deleted section": lambda: n.delete_section(sec=cells.pop(7)),
            "forgotten section": lambda: cells.pop(3),
            "nseg": lambda: setattr(soma, "nseg", soma.nseg + 4),
            "nseg and back": lambda: [setattr(cells[9], "nseg", count) for count in (5, 1)],
            "came and went": lambda: [stub(i) for i in range(500)],
            "went and came": lambda: [cells.pop(0), cells.append(stub(1000))],
            "mechanism": lambda: soma.insert("hh"),
            "mechanism uninserted": lambda: soma.uninsert("hh"),
            "point process": lambda: clamps.append(n.IClamp(soma(0.5))),
            "point process gone": lambda: clamps.clear(),
            "connected": lambda: cells[20].connect(soma(1)),
            "disconnected": lambda: n.disconnect(sec=cells[20]),
            "order of nodes": lambda: pc.optimize_node_order(1),
            "order of nodes again": lambda: pc.optimize_node_order(2),
            "order as it was": lambda: pc.optimize_node_order(0),
            "diameter": lambda: setattr(soma(0.5), "diam", 9),
            "nothing": lambda: None,
        }
        n.finitialize(-65)
        noticed = {}
        for what, change in changes.items():
            ko, counts = RangeVariable("ko"), membrane.structure_counts()
            change()
            n.fadvance()
            noticed[what] = membrane.structure_counts() != counts
            if not noticed[what]:
                now = RangeVariable("ko")
                assert np.array_equal(now.rows, ko.rows), what
                assert now.column.ctypes.data == ko.column.ctypes.data, what
            values = np.random.default_rng(1).uniform(1, 9, len(segments()))
            now = RangeVariable("ko")
            now.column[now.rows] = values
            assert [seg.ko for seg in segments()] == list(values), what
        assert not noticed["nothing"] and sum(noticed.values()) >= 10, noticed
    """)


def test_a_change_that_waits_is_seen_before_neuron_takes_it_in(tmp_path):
    in_neuron(tmp_path, """
        cell = n.Section(name="cell")
        membrane.use_ion("k", 1)
        found = membrane.Segments()
        n.finitialize(-65)
        before = membrane.structure_counts()
        cell.nseg = 9
        assert membrane.structure_counts() != before
        assert "1 segments have become 9" in message_of(RuntimeError, found.require)
    """)


def test_missing_variable_names_segment_and_cure(tmp_path):
    in_neuron(tmp_path, """
        cell = n.Section(name="cell")
        said = message_of(ValueError, RangeVariable, "ina")
        assert said == "cell(0.5) has no ina: insert its mechanism in cell", said
    """)


def test_thirty_thousand_segments_take_a_moment(tmp_path):
    in_neuron(tmp_path, """
        cells = [n.Section(name=f"cell{i}") for i in range(3000)]
        for i, cell in enumerate(cells):
            for x in range(12):
                cell.pt3dadd(x, i, 0, 1 + x % 3)
            cell.nseg = 10
        n.define_shape()
        start = time.perf_counter()
        found = membrane.Segments()
        seconds = time.perf_counter() - start
        assert found.count == 30000
        assert seconds < 1.0, seconds  # 0.06 s on an idle core
    """)


# ---------------------------------------------------------------- ions

def test_use_ion_reaches_every_section_and_new_ones(tmp_path):
    in_neuron(tmp_path, """
        a, b = n.Section(name="a"), n.Section(name="b")
        a.insert("hh")
        for _ in range(2):
            membrane.use_ion("k", 1)
            assert all(sec.has_membrane("k_ion") for sec in n.allsec())
            c = n.Section(name="c")
        membrane.use_ion("k", 1)
        assert c.has_membrane("k_ion")
    """)


def test_concentrations_survive_initialisation_and_the_potential_follows(tmp_path):
    in_neuron(tmp_path, """
        cell = n.Section(name="cell")
        cell.insert("hh")
        membrane.use_ion("k", 1)
        cell(0.5).ki, cell(0.5).ko = 140, 7
        n.finitialize(-65)
        assert (cell(0.5).ki, cell(0.5).ko) == (140, 7)
        nernst = n.nernst(140, 7, 1)
        assert abs(cell(0.5).ek - nernst) < 1e-9, (cell(0.5).ek, nernst)
        cell(0.5).ko = 14
        n.fadvance()
        assert abs(cell(0.5).ek - n.nernst(140, 14, 1)) < 1e-9
    """)


def test_defaults_are_neurons_globals(tmp_path):
    in_neuron(tmp_path, """
        assert membrane.default_concentrations("k") == (n.ki0_k_ion, n.ko0_k_ion) == (54.4, 2.5)
        n.ko0_k_ion = 3.5
        assert membrane.default_concentrations("k") == (54.4, 3.5)
        membrane.use_ion("tracer", 0)
        assert membrane.default_concentrations("tracer") == (1.0, 1.0)
    """)


def test_wrong_ion_is_refused(tmp_path):
    in_neuron(tmp_path, """
        assert message_of(ValueError, membrane.use_ion, "k", 2) == (
            "charge of k is 1 in NEURON, got 2: give the same charge")
        membrane.use_ion("cl", -1)
        membrane.use_ion("cl", -1)
        assert "charge of cl is -1" in message_of(ValueError, membrane.use_ion, "cl", 1)
        assert "'k+'" in message_of(ValueError, membrane.use_ion, "k+", 1)
        n("fooi = 1")
        assert "fooi" in message_of(ValueError, membrane.use_ion, "foo", 1)
    """)


# ---------------------------------------------------------------- other writers

def test_written_variables_are_read_over_comments_and_lines():
    text = """
TITLE USEION k WRITE ko
COMMENT
NEURON { USEION k WRITE ko }
ENDCOMMENT
NEURON {
    SUFFIX pump
    USEION na READ nai,
        nao WRITE ina   : USEION k WRITE ko
    ? USEION k WRITE ko
    : COMMENT opens no block here
    USEION k READ ko, ek WRITE ik ,
        ki VALENCE 1
    RANGE ko
    USEION ca READ cao VALENCE 2
}
VERBATIM
/* USEION ca WRITE cao */
ENDVERBATIM
"""
    assert written_variables(text, "k") == {"ik", "ki"}
    assert written_variables(text, "na") == {"ina"}
    assert written_variables(text, "ca") == set()
    assert written_variables("NEURON { SUFFIX a USEION k WRITE ik, ko }", "k") == {"ik", "ko"}
    assert written_variables("NEURON{SUFFIX a\nUSEION k WRITE\n ko\nUSEION k2 WRITE k2o}", "k") == {"ko"}
    assert written_variables("", "k") == set()


DENSITY_WRITER = """
NEURON { SUFFIX clears_k USEION k READ ik WRITE
    ko VALENCE 1 }
ASSIGNED { ik (mA/cm2) }
STATE { ko (mM) }
BREAKPOINT { SOLVE decay METHOD cnexp }
DERIVATIVE decay { ko' = (2.5 - ko) / 100 }
"""
POINT_WRITER = """
NEURON { POINT_PROCESS clamps_k USEION k WRITE ko VALENCE 1 }
STATE { ko (mM) }
BREAKPOINT { SOLVE decay METHOD cnexp }
DERIVATIVE decay { ko' = (2.5 - ko) / 100 }
"""


@pytest.fixture(scope="module")
def ko_writers(tmp_path_factory):
    """A folder with two compiled mechanisms that write ko."""
    folder = tmp_path_factory.mktemp("ko_writers")
    (folder / "clears_k.mod").write_text(DENSITY_WRITER)
    (folder / "clamps_k.mod").write_text(POINT_WRITER)
    compiler = shutil.which("nrnivmodl", path=str(Path(sys.executable).parent)) or "nrnivmodl"
    made = subprocess.run([compiler], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def test_other_writers_of_ko_are_refused_where_they_are_used(tmp_path, ko_writers):
    in_neuron(tmp_path, """
        a, b = n.Section(name="a"), n.Section(name="b")
        a.insert("hh")
        membrane.refuse_other_writers("k")
        b.insert("clears_k")
        said = message_of(ValueError, membrane.refuse_other_writers, "k")
        assert "clears_k in b writes ko" in said and "remove clears_k" in said, said
        membrane.refuse_other_writers("na")
        b.uninsert("clears_k")
        membrane.refuse_other_writers("k")
        clamp = n.clamps_k(a(0.5))
        assert "clamps_k in a writes ko" in message_of(ValueError, membrane.refuse_other_writers, "k")
        del clamp
        membrane.refuse_other_writers("k")
    """, mechanisms=ko_writers)


# ---------------------------------------------------------------- modes

def test_modes_that_bypass_the_box_are_refused(tmp_path):
    in_neuron(tmp_path, """
        from neuron import coreneuron
        cell = n.Section(name="cell")
        pc = n.ParallelContext()
        membrane.refuse_unsupported_modes()
        pc.nthread(2)
        assert "pc.nthread(1)" in message_of(RuntimeError, membrane.refuse_unsupported_modes)
        pc.nthread(1)
        n.CVode().active(True)
        assert "n.cvode.active(False)" in message_of(RuntimeError, membrane.refuse_unsupported_modes)
        n.CVode().active(False)
        coreneuron.enable = True
        assert "coreneuron.enable = False" in message_of(RuntimeError, membrane.refuse_unsupported_modes)
        coreneuron.enable = False
        membrane.refuse_unsupported_modes()
    """)
