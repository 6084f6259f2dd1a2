"""Areas and centres of segments are those worked out by hand, and NEURON's rxd's."""

from ecsmpi.cells.morphology import Paths
import numpy as np
import pytest

from support.programs import PROGRAMS, in_neuron
from support.ranks import ROOT

PROGRAM = PROGRAMS / "cells" / "segments.py"

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
    # Each half: slant sqrt(3^2 + 4^2).
    assert np.allclose(areas, [np.pi * 4 * 5, np.pi * 10 * 5], rtol=1e-15)


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
        *(
            np.concatenate([getattr(a, name), getattr(b, name)])
            for name in ("arc", "diam", "xyz")
        ),
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
            nseg=np.array([1, 1]),
            length=np.array([1.0, 1.0]),
            first=np.array([0, 2, 2]),
            **points,
        )
    with pytest.raises(
        ValueError, match="first counts 3 points in 1 sections, but there are 2 points"
    ):
        Paths(nseg=np.array([1]), length=np.array([1.0]), first=np.array([0, 3]), **points)


# ---------------------------------------------------------------- geometry, against NEURON's


def test_pyramid_has_rxds_areas_and_centres(tmp_path):
    in_neuron(tmp_path, PROGRAM, "of_pyramid")


def test_swc_cell_has_rxds_areas_and_centres(tmp_path):
    swc = SHARED_SWC if SHARED_SWC.exists() else tmp_path / "cell.swc"
    if swc != SHARED_SWC:
        swc.write_text("1 1 0 0 0 8 -1\n2 3 9 0 0 2 1\n3 3 30 5 0 1.5 2\n4 3 60 -5 3 0.3 3")
    in_neuron(tmp_path, PROGRAM, "of_swc_cell", swc)


def test_odd_sections_have_rxds_areas_and_centres(tmp_path):
    in_neuron(tmp_path, PROGRAM, "of_odd_sections")


def test_names_are_neurons(tmp_path):
    in_neuron(tmp_path, PROGRAM, "names")


def test_segments_are_equal_until_the_morphology_changes(tmp_path):
    in_neuron(tmp_path, PROGRAM, "equality")


def test_round_off_in_the_places_of_branches_is_no_change(tmp_path):
    in_neuron(tmp_path, PROGRAM, "round_off_of_branches")


def test_segments_keep_no_section_alive(tmp_path):
    in_neuron(tmp_path, PROGRAM, "keep_none_alive")


def test_a_section_costs_the_interpreter_the_same_however_many_segments_it_has(tmp_path):
    """Python code runs once for a section: points and segments are read and cut as arrays.

    Lines of Python that run, and calls from them, are the measure, since seconds are not the same
    twice. Thirty thousand segments in 3000 sections take 0.06 s on an idle core.
    """
    in_neuron(tmp_path, PROGRAM, "cost_of_a_section")
