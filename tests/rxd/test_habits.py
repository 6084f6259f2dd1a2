"""What scripts do with rxd beyond its documented names.

They import its modules, ask for classes of nodes and read private names.
"""

import textwrap

from ecsmpi.files.recording import load
import pytest

from support.long_form import in_every_run
from support.programs import PROGRAMS, as_neuron, holds
from support.ranks import mpirun

PROGRAM = PROGRAMS / "rxd" / "habits.py"
NAMES = PROGRAMS / "rxd" / "names_of_species.py"


IMPORTS = {
    "ecsmpi's": """
        from ecsmpi import rxd
        from ecsmpi.rxd import v
        from ecsmpi.rxd.rxdmath import exp, log
        """,
    "by the whole path": """
        import ecsmpi.rxd as rxd
        import ecsmpi.rxd.rxdmath as math
        exp, log, v = math.exp, math.log, rxd.v
        """,
    "by the old name": """
        from ecsmpi import crxd as rxd
        from ecsmpi.crxd import v
        from ecsmpi.crxd.rxdmath import exp, log
        import ecsmpi.rxd
        assert rxd is ecsmpi.rxd
        """,
    "rxdmath by the old name": """
        from ecsmpi.crxd import rxdmath, v
        exp, log = rxdmath.exp, rxdmath.log
        """,
    "NEURON's": """
        from ecsmpi import rxd
        from neuron.rxd import v
        from neuron.rxd.rxdmath import exp, log
        """,
}
ARE_NEURONS = """
        from neuron import rxd as original
        assert (exp, log, v) == (original.rxdmath.exp, original.rxdmath.log, original.v)
"""


@pytest.mark.parametrize("imports", in_every_run(IMPORTS, ["by the old name", "NEURON's"]))
def test_modules_of_neurons_are_imported_through_either(imports, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(IMPORTS[imports] + ARE_NEURONS))
    done = mpirun(None, ["python", script])
    assert done.returncode == 0, done.stderr


def test_classes_of_nodes_tell_inside_from_outside(on_ranks):
    as_neuron(on_ranks, PROGRAM, "classes_of_nodes")


def test_box_has_neurons_names_for_its_corners(on_ranks):
    as_neuron(
        on_ranks,
        """
ecs = box()
corners = [getattr(ecs, f"_{axis}{end}") for end in ("lo", "hi") for axis in "xyz"]
save(corners=corners, dx=ecs._dx, shape=[ecs._nx, ecs._ny, ecs._nz])
""",
    )


def test_nodes_of_both_sides_are_saved_and_set_together(on_ranks):
    for ranks in (None, 3):
        holds(on_ranks, ranks, PROGRAM, "nodes_of_both_sides")


def test_neurons_list_of_all_species_has_each_once_as_the_script_has_it(on_ranks):
    holds(on_ranks, None, PROGRAM, "list_of_all_species")


def test_more_threads_than_cores_are_the_cores(on_ranks):
    holds(
        on_ranks,
        None,
        """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    most = rxd.nthread(99)
assert 1 <= most == rxd.nthread() < 99
assert f"nthread(99) uses {most} threads, as this rank has {most} cores" in str(said[0].message)
""",
    )


def test_uncharged_species_have_names_that_no_variable_could_have(on_ranks, tmp_path):
    """NEURON differences the rate, which is not linear: 1e-7."""
    as_neuron(on_ranks, NAMES, "react", tolerance=1e-7)
    holds(on_ranks, 2, NAMES, "are_written", tmp_path / "peptide.h5")
    with load(tmp_path / "peptide.h5") as recording:
        assert recording.names == ["dynorphin A(1-8)"]
        assert recording["dynorphin A(1-8)"].shape == (3, 15, 11, 12)
        assert list(recording.diagnostics) == ["dynorphin A(1-8)"]
