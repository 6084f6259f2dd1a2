"""Ions of one rank are in every section, as NEURON has them; what else writes them, or bypasses the
box, is refused.
"""

from pathlib import Path
import shutil
import subprocess
import sys

from ecsmpi.neuron_api.nmodl import written_variables
import pytest

from support.membrane_scripts import in_neuron

# ---------------------------------------------------------------- ions


def test_use_ion_reaches_every_section_and_new_ones(tmp_path):
    in_neuron(
        tmp_path,
        """
        a, b = n.Section(name="a"), n.Section(name="b")
        a.insert("hh")
        for _ in range(2):
            use_ion("k", 1)
            assert all(sec.has_membrane("k_ion") for sec in n.allsec())
            c = n.Section(name="c")
        use_ion("k", 1)
        assert c.has_membrane("k_ion")
    """,
    )


def test_initialisation_resets_concentrations_and_the_potential_follows(tmp_path):
    """As with NEURON's own rxd: INITIAL blocks see the ion's defaults."""
    in_neuron(
        tmp_path,
        """
        cell = n.Section(name="cell")
        cell.insert("hh")
        use_ion("k", 1)
        cell(0.5).ki, cell(0.5).ko = 140, 7
        n.finitialize(-65)
        assert (cell(0.5).ki, cell(0.5).ko) == (n.ki0_k_ion, n.ko0_k_ion) == (54.4, 2.5)
        nernst = n.nernst(54.4, 2.5, 1)
        assert abs(cell(0.5).ek - nernst) < 1e-9, (cell(0.5).ek, nernst)
        cell(0.5).ko = 14
        n.fadvance()
        assert abs(cell(0.5).ek - n.nernst(54.4, 14, 1)) < 1e-9
    """,
    )


def test_wrong_ion_is_refused(tmp_path):
    in_neuron(
        tmp_path,
        """
        assert message_of(ValueError, use_ion, "k", 2) == (
            "charge of k is 1 in NEURON, got 2: give the same charge")
        use_ion("cl", -1)
        use_ion("cl", -1)
        assert "charge of cl is -1" in message_of(ValueError, use_ion, "cl", 1)
        assert "'k+'" in message_of(ValueError, use_ion, "k+", 1)
        n("fooi = 1")
        assert "fooi" in message_of(ValueError, use_ion, "foo", 1)
    """,
    )


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
    assert written_variables("NEURON{SUFFIX a\nUSEION k WRITE\n ko\nUSEION k2 WRITE k2o}", "k") == {
        "ko"
    }
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
    in_neuron(
        tmp_path,
        """
        a, b = n.Section(name="a"), n.Section(name="b")
        a.insert("hh")
        refuse_other_writers("k")
        b.insert("clears_k")
        said = message_of(ValueError, refuse_other_writers, "k")
        assert "clears_k in b writes ko" in said and "remove clears_k" in said, said
        refuse_other_writers("na")
        b.uninsert("clears_k")
        refuse_other_writers("k")
        clamp = n.clamps_k(a(0.5))
        assert "clamps_k in a writes ko" in message_of(ValueError, refuse_other_writers, "k")
        del clamp
        refuse_other_writers("k")
    """,
        mechanisms=ko_writers,
    )


# ---------------------------------------------------------------- modes


def test_modes_that_bypass_the_box_are_refused(tmp_path):
    in_neuron(
        tmp_path,
        """
        from neuron import coreneuron
        cell = n.Section(name="cell")
        pc = n.ParallelContext()
        refuse_unsupported_modes()
        pc.nthread(2)
        assert "pc.nthread(1)" in message_of(RuntimeError, refuse_unsupported_modes)
        pc.nthread(1)
        n.CVode().active(True)
        assert "n.cvode.active(False)" in message_of(RuntimeError, refuse_unsupported_modes)
        n.CVode().active(False)
        coreneuron.enable = True
        assert "coreneuron.enable = False" in message_of(RuntimeError, refuse_unsupported_modes)
        coreneuron.enable = False
        refuse_unsupported_modes()
    """,
    )
