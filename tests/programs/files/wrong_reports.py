"""Makes reports that cannot be, one after another, and prints what each raises."""

import sys

from ecsmpi.rxd.session import simulation

from support.reported_network import cells, n, ranks, rxd

dendrites = [cell.dendrite for cell in cells.values()]


def of_a_section_without_cell():
    """Keep a section that belongs to no cell, and report it."""
    return n.Section("loose"), rxd.SegmentReport("r.h5", "v")


WRONG = {
    "no segment has cao: there is nothing to report": lambda: rxd.SegmentReport("r.h5", "cao"),
    "has no m_hh to report: insert": lambda: rxd.SegmentReport(
        "r.h5", "m_hh", sections=dendrites
    ),
    "every = 0.25 ms must be a whole number of steps": lambda: rxd.SegmentReport(
        "r.h5", "v", every=0.25
    ),
    "there is no folder nowhere": lambda: rxd.SegmentReport("nowhere/r.h5", "v"),
    "must be different names": lambda: rxd.SegmentReport("r.h5", ["v", "v"]),
    "must be two n.Vector": lambda: rxd.Spikes("r.h5", recorded=[1]),
    "loose belongs to no cell object with a gid": of_a_section_without_cell,
}
for text, make in list(WRONG.items())[: 7 if ranks == 1 else 1]:
    try:
        made = make()
        n.finitialize(-65)
        n.continuerun(3)
    except Exception as error:
        print("raised", error)
    else:
        sys.exit(f"accepted, expected: {text}")
    simulation.observers.clear()
