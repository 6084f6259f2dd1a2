"""Ions of one rank are in every section, as NEURON has them.

What else writes them, or bypasses the box, is refused.
"""

from pathlib import Path
import shutil
import subprocess
import sys

from ecsmpi.neuron_api.nmodl import written_variables
import pytest

from support.programs import PROGRAMS, in_neuron

PROGRAM = PROGRAMS / "cells" / "membrane.py"

# ---------------------------------------------------------------- ions


def test_use_ion_reaches_every_section_and_new_ones(tmp_path):
    in_neuron(tmp_path, PROGRAM, "every_section")


def test_initialisation_resets_concentrations_and_the_potential_follows(tmp_path):
    """As with NEURON's own rxd: INITIAL blocks see the ion's defaults."""
    in_neuron(tmp_path, PROGRAM, "initialisation")


def test_wrong_ion_is_refused(tmp_path):
    in_neuron(tmp_path, PROGRAM, "wrong_ion")


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
    assert written_variables(
        "NEURON{SUFFIX a\nUSEION k WRITE\n ko\nUSEION k2 WRITE k2o}", "k"
    ) == {"ko"}
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
    in_neuron(tmp_path, PROGRAM, "other_writers", mechanisms=ko_writers)


# ---------------------------------------------------------------- modes


def test_modes_that_bypass_the_box_are_refused(tmp_path):
    in_neuron(tmp_path, PROGRAM, "modes")
