"""A notebook: cells that run twice, the line of progress, interrupts, in a real kernel."""

import re

import pytest

from support.kernel import Kernel

MODEL = """
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)
"""

CELL = "cell = n.Section('cell'); cell.pt3dadd(0, -20, 0, 8); cell.pt3dadd(0, 20, 0, 8)"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        said = kernel.run(
            "from ecsmpi import rxd; from neuron import n; n.load_file('stdrun.hoc')"
        )
        assert said.error is None, said.error
        yield kernel


@pytest.fixture(autouse=True)
def begins_anew(kernel):
    assert kernel.run("rxd.reset(); n.dt = 0.025; n.steps_per_ms = 40").error is None


def works(kernel, *cells):
    """Run cells one by one, none of which fails; returns what came of the last one."""
    for code in cells:
        said = kernel.run(code)
        assert said.error is None, f"{code}\n{said.error}"
    return said


INITIAL = "n.finitialize(-65); float(k[ecs].states3d.mean())"


def test_species_of_a_cell_run_twice_replaces_the_first(kernel):
    works(kernel, MODEL, "n.finitialize(-65)", "k", "kept = k[ecs], k")
    again = 'k = rxd.Species(ecs, name="k", d=2, charge=1, initial=4)'
    said = works(kernel, again, again, "assert rxd.all_species() == [k]", INITIAL)
    assert said.result == "4.0"
    for old in ("kept[0].states3d", "kept[1][ecs]", "rxd.Rate(kept[1], 1)"):
        said = kernel.run(old)
        assert said.error.startswith("RxDException: species k has been replaced"), said.error
        assert "Run the cells that use it again" in said.error


def test_box_made_again_with_another_dx_replaces_the_first(kernel):
    works(kernel, MODEL, "n.finitialize(-65)", "k", "k[ecs]")
    said = works(
        kernel,
        "import warnings; warnings.simplefilter('error')",
        MODEL.replace("dx=10", "dx=20"),
        "n.finitialize(-65)",
        "k[ecs].states3d.shape, len(rxd.all_species())",
    )
    assert said.result == "((5, 5, 5), 1)"


def test_species_made_twice_in_one_cell_is_refused(kernel):
    works(kernel, MODEL)
    twice = 'a = rxd.Species(ecs, name="k", d=2, charge=1)\nb = rxd.Species(ecs, name="k", d=2)'
    assert 'species "k" is already defined' in kernel.run(twice).error
    works(kernel, 'na = rxd.Species(ecs, name="na", d=2, charge=1)')
    renamed = kernel.run('na.name = "k"')
    assert 'species "k" is already defined' in renamed.error


def test_species_that_is_refused_replaces_nothing(kernel):
    works(kernel, MODEL)
    for wrong in "d=-1", "initial=float('nan')":
        assert kernel.run(f'k = rxd.Species(ecs, name="k", {wrong})').error is not None
    assert works(kernel, INITIAL).result == "3.0"


def test_reaction_of_a_replaced_species_says_which_cell_to_run(kernel):
    reaction = """
decay = rxd.Rate(ca, -ca)
clearance = rxd.Rate(k, -1)
binding = rxd.Reaction(k > ca, 0.1)
"""
    calcium = 'ca = rxd.Species(ecs, name="ca", d=1, charge=2, initial=1)'
    potassium = 'k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)'
    works(kernel, MODEL, calcium, reaction, INITIAL, "n.fadvance()")
    works(kernel, potassium)
    said = kernel.run(INITIAL)
    assert said.error.startswith("RxDException: a Rate of k, a Reaction of k: "), said.error
    assert "Run the cell of each reaction again" in said.error
    works(kernel, reaction, INITIAL, "n.fadvance()")
    works(kernel, potassium, "del decay, clearance, binding", INITIAL, "n.fadvance()")


def test_reaction_across_the_membrane_of_a_replaced_species_is_refused(kernel):
    works(kernel, CELL)
    species = """
cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
membrane = rxd.Region([cell], name="membrane", geometry=rxd.membrane())
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species([cytosol, ecs], name="k", d=2, charge=1, initial=5)
"""
    pump = "pump = rxd.MultiCompartmentReaction(k[ecs] > k[cytosol], 1e3, membrane=membrane)"
    works(kernel, species, pump, INITIAL, "n.fadvance()", species)
    said = kernel.run(INITIAL)
    assert said.error.startswith("RxDException: a MultiCompartmentReaction of k: "), said.error
    works(kernel, pump, INITIAL, "n.fadvance()")
    works(kernel, "del pump, k, cytosol, membrane, ecs", "rxd.reset()", "del cell")


def test_recorded_voxels_are_those_of_the_species_made_again(kernel):
    potassium = 'k = rxd.Species(ecs, name="k", d=2, charge=1, initial=AT)'
    record = "trace = n.Vector().record(k[ecs].node_by_location(0, 0, 0)._ref_value)"
    run = "n.finitialize(-65); n.continuerun(1); trace[0], trace[trace.size() - 1]"
    works(kernel, MODEL, record, "n.finitialize(-65)", "n.fadvance()")
    for at in "45":
        again = potassium.replace("AT", at)
        assert works(kernel, again, run).result == f"({at}.0, {at}.0)"
        assert works(kernel, again, again, "k", run).result == f"({at}.0, {at}.0)"


def test_lost_fluxes_and_pointers_of_a_species_made_again_are_said(kernel):
    again = 'k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)'
    flux = "k[ecs].node_by_location(0, 0, 0).include_flux(1e3)"
    trace = "trace = n.Vector().record(k[ecs].node_by_location(0, 0, 0)._ref_value)"
    warned = "species k took the place of one that had "
    works(kernel, MODEL, flux, trace, INITIAL)
    said = works(kernel, again, again, INITIAL).streams["stderr"]
    assert said.count(warned) == 1 and "had fluxes (include_flux), and has none" in said, said
    assert works(kernel, INITIAL).streams["stderr"] == ""
    assert works(kernel, flux, again, flux, INITIAL).streams["stderr"] == ""
    said = works(kernel, MODEL.replace("dx=10", "dx=20"), flux, INITIAL).streams["stderr"]
    assert said.count(warned) == 1 and "had pointers (_ref_value" in said, said
    said = works(kernel, MODEL, flux, trace, INITIAL).streams["stderr"]
    assert said == ""


def test_species_inside_and_outside_cells_are_made_again(kernel):
    works(kernel, CELL)
    model = """
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
k = rxd.Species([cytosol, ecs], name="k", d=2, charge=1, initial=AT)
ca = rxd.Species([cytosol], name="ca", d=1, charge=2, initial=AT)
"""
    run = "n.finitialize(-65); n.fadvance(); cell.ki, cell.ko, cell.cai"
    for at in (5, 6, 7):
        works(kernel, model.replace("AT", str(at)), "k", "ca")
        said = works(kernel, run)
        assert said.result == f"({at}.0, {at}.0, {at}.0)"
        works(kernel, model.replace("AT", str(at)))
    works(kernel, "rxd.reset()", "del cell, k, ca, cytosol, ecs")


def test_output_of_a_cell_run_twice_warns_of_nothing(kernel):
    output = "output = rxd.Output('k.h5', every=1); numbers = rxd.Diagnostics(k, every=1)"
    works(kernel, MODEL, output, output)
    said = works(kernel, output, "n.finitialize(-65); n.continuerun(2)")
    assert said.streams["stderr"] == ""
    said = works(kernel, "import ecsmpi; ecsmpi.load('k.h5')['k'].shape")
    assert said.result == "(3, 10, 10, 10)"


def test_progress_is_one_line_of_each_cell(kernel):
    works(kernel, MODEL, "progress = rxd.Progress(100)", "n.finitialize(-65)")
    said = works(kernel, "n.continuerun(50)")
    (line,) = said.lines
    assert line.startswith("t = 50 of 100 ms, ") and re.search(r", took [\d.]+ s$", line), line
    said = works(kernel, "n.finitialize(-65)\nn.continuerun(100)")
    (line,) = said.lines
    assert line.startswith("t = 100 of 100 ms, ") and said.updates >= 1, line
    assert works(kernel, "1 + 1").lines == []
    assert said.streams == {"stdout": "", "stderr": ""}
    said = works(kernel, "n.finitialize(-65)\nprogress = rxd.Progress(2)\nn.continuerun(2)")
    (line,) = said.lines
    assert line.startswith("t = 2 of 2 ms, "), line
    works(kernel, "progress.close()")


def test_interrupt_stops_the_run_which_can_go_on(kernel):
    works(kernel, MODEL, "progress = rxd.Progress(1e6)", "n.finitialize(-65)")
    said = kernel.run(
        "n.continuerun(1e6)", interrupt_when=lambda cell: cell.updates or cell.lines
    )
    assert said.error == "KeyboardInterrupt: "
    assert "neuron_guard" not in said.traceback, "frames inside ecsmpi"
    (line,) = said.lines
    assert ", took " in line
    said = works(kernel, "at = n.t; n.continuerun(at + 1); 0 < at < 1e6, round(n.t - at, 6)")
    assert said.result == "(True, 1.0)"
