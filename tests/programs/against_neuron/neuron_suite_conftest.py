"""The conftest.py under which NEURON's own tests of rxd run with ecsmpi's rxd.

tests/support/neuron_suite.py puts this file in the place of the suite's own conftest.py, in its
copy of the folder. The fixtures have the names of NEURON's. What NEURON's read from the private
parts of neuron.rxd, these read from ecsmpi as well. Each rank appends what comes of each test to
the file SUITE_RECORD.RANK, a JSON object a line.

On several ranks the box needs each cell once. In a test whose cells reach a box, rank 0 has the
test's cells, and the other ranks have sections far from the box.
"""

import json
import os
from types import SimpleNamespace

from ecsmpi import rxd  # starts MPI before NEURON is imported
import pytest

from neuron import h  # isort: skip
from neuron import rxd as neuron_rxd  # isort: skip

from testutils import collect_data  # isort: skip  (a file of the suite)

RANK = rxd.rank()
RANKS = int(h.ParallelContext().nhost())
FAR = 1e6  # um, where the sections of the ranks without cells are

# The files whose cells reach a box: by currents, reactions across the membrane, or a pointer as a
# flux.
PLACED = (
    "test_ecs_example.py",
    "test_ecs_include_flux.py",
    "test_ecs_multicompartment_alignment.py",
)


# --- what the tests are given
# ---------------------------------------------------------------------------------


class FarSection(type(h.Section())):
    """A section far from the box: NEURON's own, its 3-D points moved."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pt3dclear()
        self.pt3dadd(0, 0, 0, self.diam)
        self.pt3dadd(100, 0, 0, self.diam)

    def pt3dadd(self, x, y, z, diam):
        super().pt3dadd(x, y + FAR, z, diam)


class Instead:
    """An object with some of its names replaced."""

    def __init__(self, original, **names):
        object.__setattr__(self, "_original", original)
        self.__dict__.update(names)

    def __getattr__(self, name):
        return getattr(self._original, name)

    def __setattr__(self, name, value):
        setattr(self._original, name, value)


def region_without_sections(secs=None, *args, **kwargs):
    """rxd.Region of a rank that has no cells."""
    return rxd.Region([], *args, **kwargs)


def without_pointers(node_class) -> None:
    """Let `include_flux` of nodes leave out pointers.

    A pointer into a cell counts on the rank of the cell.
    """
    include_flux = node_class.include_flux

    def without_pointer(self, source, *args, **kwargs):
        if type(source).__name__ != "HocObject":
            include_flux(self, source, *args, **kwargs)

    node_class.include_flux = without_pointer


def placed(request) -> bool:
    """Whether this is a rank without cells in a test whose cells reach a box."""
    return RANK > 0 and request.path.name in PLACED


@pytest.fixture(scope="session")
def neuron_import():
    return h, rxd, None


@pytest.fixture
def neuron_nosave_instance(neuron_import, request):
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    h.CVode().active(False)
    h.CVode().atol(1e-3)
    h.dt = 0.025
    h.stoprun = False
    if placed(request):
        without_pointers(rxd.node.NodeExtracellular)
        yield Instead(h, Section=FarSection), Instead(rxd, Region=region_without_sections), None
    else:
        yield h, rxd, None


@pytest.fixture
def neuron_instance(neuron_nosave_instance, request):
    h_given, rxd_given, save_path = neuron_nosave_instance
    collected = {"record_count": 0, "data": []}
    compared = {} if placed(request) else collected
    callbacks = []

    def gather():
        collect_data(h, states(), collected, None)

    def set_callback():
        callbacks.clear()
        sections = list(h.allsec())
        if sections:
            callbacks.append(h.beforestep_callback(sections[0](0.5)))
            callbacks[0].set_callback(gather)

    handler = h.FInitializeHandler(3, set_callback)
    yield h_given, rxd_given, compared, save_path
    callbacks.clear()
    del handler


def states():
    """Return what the suite's `collect_data` reads: states inside cells and those of boxes."""
    inside = list(neuron_rxd.species._all_species)
    boxes = [lambda one=one: InBoxes(one) for one in rxd.all_species()]
    return SimpleNamespace(
        node=neuron_rxd.node, species=SimpleNamespace(_all_species=inside + boxes)
    )


class InBoxes:
    """The concentrations of a species in its boxes, by the names of NEURON's private attributes."""

    def __init__(self, species):
        parts = (
            species[region]
            for region in species.regions
            if isinstance(region, rxd.Extracellular)
        )
        self._extracellular_instances = {
            i: SimpleNamespace(states=part.states3d) for i, part in enumerate(parts)
        }


# --- what comes of the tests
# ----------------------------------------------------------------------------------


def record(**said) -> None:
    """Append a line to this rank's record."""
    with open(f"{os.environ['SUITE_RECORD']}.{RANK}", "a") as file:
        file.write(json.dumps(said) + "\n")


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        for item in session.items:
            record(collected=item.nodeid)


def pytest_collectreport(report):
    if report.failed:
        last_line = str(report.longrepr).strip().splitlines()[-1]
        record(file=report.nodeid, text=last_line.removeprefix("E").strip())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    failed = call.excinfo is not None and report.outcome == "failed"
    if (
        failed
        and RANK > 0
        and item.path.name in PLACED
        and call.excinfo.errisinstance(AssertionError)
    ):
        return  # numbers of cells that are on rank 0
    if failed:
        kinds = [kind.__name__ for kind in call.excinfo.type.__mro__]
        record(when=call.when, outcome="failed", kinds=kinds, text=str(call.excinfo.value))
        end_all_ranks()
    else:
        record(when=call.when, outcome=report.outcome)


def end_all_ranks() -> None:
    """The others would wait for this rank until their time-out."""
    if RANKS > 1:
        from mpi4py import MPI

        MPI.COMM_WORLD.Abort(1)
