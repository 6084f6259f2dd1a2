"""Range variables of one rank are columns of NEURON's memory."""

from ecsmpi.cells.ion_mechanism import use_ion
from ecsmpi.cells.segments import Segments
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.neuron_api.structure import structure_counts
import numpy as np

from support.segments import message_of, n, pyramid, run_case, segments


def reading():
    pyramid()
    v = RangeVariable("v")
    for i, seg in enumerate(segments()):
        seg.v = i
    assert np.array_equal(v.column[v.rows], np.arange(len(segments())))
    next(iter(n.allsec())).v = -70
    assert v.column[v.rows[0]] == -70


def writing():
    pyramid()
    use_ion("k", 1)
    n.finitialize(-65)
    ko = RangeVariable("ko")
    values = np.random.default_rng(1).uniform(1, 9, len(segments()))
    ko.column[ko.rows] = values
    assert [seg.ko for seg in segments()] == list(values)
    ko.fill(3.5)
    assert {seg.ko for seg in segments()} == {3.5}


def no_segments():
    use_ion("k", 1)
    found = Segments()
    assert found.count == 0
    assert found.area.shape == (0,)
    assert found.centre.shape == (0, 3)
    ko = RangeVariable("ko")
    assert ko.column.shape == ko.rows.shape == (0,)
    ko.fill(7)
    cell = n.Section(name="cell")
    use_ion("k", 1)
    RangeVariable("ko").fill(7)
    assert cell.ko == 7


def changes_of_structure():
    def stub(x):
        sec = n.Section(name=f"stub{x}")
        sec.insert("k_ion")
        return sec

    pyramid(50)
    cells, pc = [stub(i) for i in range(300)], n.ParallelContext()
    n.cvode_active(0)
    use_ion("k", 1)
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
        ko, counts = RangeVariable("ko"), structure_counts()
        change()
        n.fadvance()
        noticed[what] = structure_counts() != counts
        if not noticed[what]:
            now = RangeVariable("ko")
            assert np.array_equal(now.rows, ko.rows), what
            assert now.column.ctypes.data == ko.column.ctypes.data, what
        values = np.random.default_rng(1).uniform(1, 9, len(segments()))
        now = RangeVariable("ko")
        now.column[now.rows] = values
        assert [seg.ko for seg in segments()] == list(values), what
    assert not noticed["nothing"] and sum(noticed.values()) >= 10, noticed


def waiting_change():
    cell = n.Section(name="cell")
    use_ion("k", 1)
    found = Segments()
    n.finitialize(-65)
    before = structure_counts()
    cell.nseg = 9
    assert structure_counts() != before
    assert "1 segments have become 9" in message_of(RuntimeError, found.require)


def missing_variable():
    cell = n.Section(name="cell")
    said = message_of(ValueError, RangeVariable, "ina")
    assert said == "cell(0.5) has no ina: insert its mechanism in cell", said


if __name__ == "__main__":
    run_case(globals())
