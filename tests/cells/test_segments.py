"""Segments of one rank: their areas and centres are those worked out by hand and those of NEURON's
rxd.
"""

from ecsmpi.cells.morphology import Paths
import numpy as np
import pytest

from support.membrane_scripts import in_neuron
from support.ranks import ROOT

SHARED_SWC = ROOT.parent / "shared" / "data" / "c91662.swc"


# ---------------------------------------------------------------- geometry, without NEURON


def one_path(arc, diam, nseg, length):
    arc = np.array(arc, dtype=float)
    xyz = np.column_stack([arc, 0 * arc, 2 * arc])
    return Paths(
        np.array([nseg]),
        np.array([float(length)]),
        np.array([0, len(arc)]),
        arc,
        np.array(diam, dtype=float),
        xyz,
    )


def test_cylinder_is_pi_d_l():
    areas = one_path([0, 10, 30], [2, 2, 2], nseg=3, length=30).segment_areas()
    assert np.allclose(areas, np.pi * 2 * 10, rtol=1e-15)


def test_cone_cut_in_two_by_hand():
    areas = one_path([0, 8], [1, 13], nseg=2, length=8).segment_areas()
    assert np.allclose(
        areas, [np.pi * 4 * 5, np.pi * 10 * 5], rtol=1e-15
    )  # each half: slant sqrt(3^2 + 4^2)


def test_centre_lies_on_the_path():
    centres = one_path([0, 10, 30], [2, 2, 2], nseg=3, length=30).segment_centres()
    assert np.array_equal(centres, [[5, 0, 10], [15, 0, 30], [25, 0, 50]])


def test_cutting_finer_keeps_the_area():
    generator = np.random.default_rng(3)
    arc = np.concatenate([[0.0], np.cumsum(generator.uniform(0, 9, 40))])
    diam = generator.uniform(0.1, 20, 41)
    whole = one_path(arc, diam, 1, arc[-1]).segment_areas().sum()
    for nseg in (2, 3, 7, 100, 999):
        assert one_path(arc, diam, nseg, arc[-1]).segment_areas().sum() == pytest.approx(
            whole, rel=1e-13
        )


def test_sections_do_not_touch_each_other():
    a, b = one_path([0, 3, 7], [1, 5, 2], 3, 7), one_path([0, 0.5, 2], [9, 8, 30], 2, 2)
    both = Paths(
        *(np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("nseg", "length")),
        np.array([0, 3, 6]),
        *(np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("arc", "diam", "xyz")),
    )
    assert np.array_equal(
        both.segment_areas(), np.concatenate([a.segment_areas(), b.segment_areas()])
    )
    assert np.array_equal(
        both.segment_centres(), np.concatenate([a.segment_centres(), b.segment_centres()])
    )


def test_section_without_points_is_refused():
    points = dict(arc=np.zeros(2), diam=np.ones(2), xyz=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="section 1 has no 3-D points: call n.define_shape"):
        Paths(
            nseg=np.array([1, 1]), length=np.array([1.0, 1.0]), first=np.array([0, 2, 2]), **points
        )
    with pytest.raises(
        ValueError, match="first counts 3 points in 1 sections, but there are 2 points"
    ):
        Paths(nseg=np.array([1]), length=np.array([1.0]), first=np.array([0, 3]), **points)


# ---------------------------------------------------------------- geometry, against NEURON's


def test_pyramid_has_rxds_areas_and_centres(tmp_path):
    in_neuron(
        tmp_path,
        """
        pyramid()
        found = equal_to_rxd()
        assert found.count == len(segments()) > 2000
    """,
    )


def test_swc_cell_has_rxds_areas_and_centres(tmp_path):
    swc = SHARED_SWC if SHARED_SWC.exists() else tmp_path / "cell.swc"
    if swc != SHARED_SWC:
        swc.write_text("1 1 0 0 0 8 -1\n2 3 9 0 0 2 1\n3 3 30 5 0 1.5 2\n4 3 60 -5 3 0.3 3")
    in_neuron(
        tmp_path,
        """
        n.load_file("import3d.hoc")
        reader = n.Import3d_SWC_read()
        reader.input(sys.argv[1])
        n.Import3d_GUI(reader, False).instantiate(None)
        for sec in n.allsec():
            sec.nseg = 1 + 2 * int(sec.L / 7)
        equal_to_rxd()
    """,
        swc,
    )


def test_odd_sections_have_rxds_areas_and_centres(tmp_path):
    in_neuron(
        tmp_path,
        """
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
    """,
    )


def test_names_are_neurons(tmp_path):
    in_neuron(
        tmp_path,
        """
        kept = [n.Section(name=name) for name in "abc"]
        for sec, nseg in zip(kept, (3, 1, 101)):
            sec.nseg = nseg
        found = Segments()
        assert [found.name(i) for i in range(found.count)] == [str(seg) for seg in segments()]
        for i in (-1, found.count):
            assert str(i) in message_of(IndexError, found.name, i)
    """,
    )


def test_segments_are_equal_until_the_morphology_changes(tmp_path):
    in_neuron(
        tmp_path,
        """
        cell = n.Section(name="cell")
        cell.L, cell.diam, cell.nseg = 50, 2, 3
        before = Segments()
        assert before == Segments()
        cell.nseg = 5
        finer = Segments()
        assert finer != before
        cell.pt3dchange(1, 3)
        thicker = Segments()
        assert thicker != finer and thicker.count == finer.count
        other = n.Section(name="other")
        assert Segments() != thicker
        del other
        assert Segments() == thicker
    """,
    )


def test_segments_keep_no_section_alive(tmp_path):
    in_neuron(
        tmp_path,
        """
        cell = n.Section(name="cell")
        use_ion("k", 1)
        found = Segments()
        held = RangeVariable("ko")
        del cell
        assert list(n.allsec()) == []
    """,
    )


def test_a_section_costs_the_interpreter_the_same_however_many_segments_it_has(tmp_path):
    """Python code runs once for a section: points and segments are read and cut as arrays.

    Lines of Python that run, and calls from them, are the measure, since seconds are not the same
    twice. Thirty thousand segments in 3000 sections take 0.06 s on an idle core.
    """
    in_neuron(
        tmp_path,
        """
        def interpreted():
            count = 0

            def trace(frame, event, argument):
                nonlocal count
                count += event in ("line", "call")
                return trace

            def profile(frame, event, argument):
                nonlocal count
                count += event == "c_call"

            sys.settrace(trace)
            sys.setprofile(profile)
            found = Segments()
            sys.setprofile(None)
            sys.settrace(None)
            return found.count, count

        def cells(count, nseg, points):
            made = [n.Section(name=f"cell{i}") for i in range(count)]
            for i, cell in enumerate(made):
                for x in range(points):
                    cell.pt3dadd(x, i, 0, 1 + x % 3)
                cell.nseg = nseg
            return made

        kept = cells(20, 1, 3)
        interpreted()  # what runs only once does not count
        segments, few = interpreted()
        kept = cells(20, 50, 90)
        more_segments, many = interpreted()
        assert (segments, more_segments) == (20, 1000)
        assert many - few < 200, (few, many)  # 980 more segments, 1740 more points
        kept = cells(60, 50, 90)
        _, of_more_sections = interpreted()
        assert (of_more_sections - many) / 40 < 30, (many, of_more_sections)  # for a section
    """,
    )
