"""Segments of one rank: areas, centres and names beside NEURON's rxd."""

import sys

from ecsmpi.cells.ion_mechanism import use_ion
from ecsmpi.cells.segments import Segments
from ecsmpi.neuron_api.range_variable import RangeVariable
import numpy as np

from support.segments import equal_to_rxd, message_of, n, pyramid, run_case, segments


def of_pyramid():
    pyramid()
    found = equal_to_rxd()
    assert found.count == len(segments()) > 2000


def of_swc_cell(path):
    n.load_file("import3d.hoc")
    reader = n.Import3d_SWC_read()
    reader.input(path)
    n.Import3d_GUI(reader, False).instantiate(None)
    for sec in n.allsec():
        sec.nseg = 1 + 2 * int(sec.L / 7)
    equal_to_rxd()


def of_odd_sections():
    def section(name, nseg, points):
        sec = n.Section(name=name)
        sec.nseg = nseg
        for point in points:
            sec.pt3dadd(*point)
        return sec

    kept = [
        section(
            "repeated",
            5,
            [(0, 0, 0, 2), (5, 0, 0, 3), (5, 0, 0, 3), (5, 0, 0, 3), (9, 1, 0, 1)],
        ),
        section("step", 7, [(0, 0, 0, 1), (4, 0, 0, 1), (4, 0, 0, 6), (10, 0, 3, 6)]),
        section(
            "step_on_a_segment_end",
            2,
            [(0, 0, 0, 1), (5, 0, 0, 1), (5, 0, 0, 4), (10, 0, 0, 4)],
        ),
        section(
            "step_first_and_last", 3, [(0, 0, 0, 1), (0, 0, 0, 2), (6, 0, 0, 2), (6, 0, 0, 9)]
        ),
        section("one_segment", 1, [(1, 2, 3, 4), (4, 6, 3, 1), (4, 6, 9, 7)]),
        section("one_point", 3, [(1, 1, 1, 5)]),
        section(
            "many_per_segment", 3, [(i * 0.1, i % 3, i % 5, 1 + i % 4) for i in range(200)]
        ),
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


def names():
    kept = [n.Section(name=name) for name in "abc"]
    for sec, nseg in zip(kept, (3, 1, 101)):
        sec.nseg = nseg
    found = Segments()
    assert [found.name(i) for i in range(found.count)] == [str(seg) for seg in segments()]
    for i in (-1, found.count):
        assert str(i) in message_of(IndexError, found.name, i)


def equality():
    cell = n.Section(name="cell")
    cell.L, cell.diam, cell.nseg = 50, 2, 3
    before = Segments()
    assert before == Segments()
    cell.nseg = 5
    finer = Segments()
    assert finer != before
    assert before.changes_to(finer) == ["cell has nseg 5, which was 3"]
    cell.pt3dchange(1, 3)
    thicker = Segments()
    assert thicker != finer and thicker.count == finer.count
    assert finer.changes_to(thicker) == ["cell has another shape"]
    other = n.Section(name="other")
    assert Segments() != thicker
    assert thicker.changes_to(Segments()) == ["other has come"]
    assert Segments().changes_to(thicker) == ["other has gone"]
    both = Segments()
    del cell
    cell = n.Section(name="cell")
    assert both.changes_to(Segments()) == ["sections are in another order"]
    del cell, other
    assert thicker.changes_to(Segments()) == ["cell has gone"]


def round_off_of_branches():
    """NEURON moves branches to their parents again when a section has come and gone."""
    parts = [n.Section(name=name) for name in "abc"]
    for i, sec in enumerate(parts):
        for j in range(4):
            sec.pt3dadd(0.1 + 31.7 * i * j, 100.3 / (1 + j), 777.7 - 13.3 * i * j, 2)
        if i:
            sec.connect(parts[i - 1](0.5))
    before = Segments()
    passing = n.Section(name="passing")
    del passing
    after = Segments()
    assert 0 < np.abs(after.centre - before.centre).max() < 1e-3
    assert after == before
    parts[0].pt3dchange(0, 0.2, 100.3, 777.7, 2)
    assert Segments() != before


def keep_none_alive():
    cell = n.Section(name="cell")
    use_ion("k", 1)
    found = Segments()
    held = RangeVariable("ko")
    del cell
    assert list(n.allsec()) == []


def interpreted():
    """Make Segments; return how many there are, and the lines and calls of Python it takes."""
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


def cost_of_a_section():
    kept = cells(20, 1, 3)
    interpreted()  # what runs only once does not count
    segments_made, few = interpreted()
    kept = cells(20, 50, 90)
    more_segments, many = interpreted()
    assert (segments_made, more_segments) == (20, 1000)
    assert many - few < 200, (few, many)  # 980 more segments, 1740 more points
    kept = cells(60, 50, 90)
    _, of_more_sections = interpreted()
    assert (of_more_sections - many) / 40 < 30, (many, of_more_sections)  # for a section
    assert len(kept) == 60


if __name__ == "__main__":
    run_case(globals())
