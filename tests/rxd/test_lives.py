"""The life of a model in one process.

Models are dropped, collected, made again and begun anew; errors and interrupts come in between.
"""

from pathlib import Path
import shutil
import subprocess
import sys

from ecsmpi.run.couplings import Coupled, Couplings
import pytest

from support.long_form import long
from support.neuron_reference import disagreements
from support.programs import PROGRAMS
from support.ranks import mpirun

RXD = PROGRAMS / "rxd"


def runs(ranks, program, *arguments, cwd, timeout=120):
    """A program whose asserts are the test's."""
    done = mpirun(
        ranks, ["python", RXD / f"{program}.py", *arguments], cwd=cwd, timeout=timeout
    )
    assert done.returncode == 0, f"{program} on {ranks} ranks\n{done.stdout}\n{done.stderr}"
    return done


# ---------------------------------------------------------------- Python's collector


@pytest.mark.parametrize("ranks", [long(None), 2, long(3)])
def test_what_only_a_cycle_holds_goes_on_until_the_next_finitialize(ranks, tmp_path):
    runs(ranks, "collected", cwd=tmp_path)


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_no_step_collects(ranks, tmp_path):
    runs(ranks, "collected_inside", cwd=tmp_path)


@pytest.mark.long  # in every run: test_reset_begins_anew
def test_models_rebuilt_in_a_loop_are_each_as_one_alone_in_neuron(on_ranks):
    """Sums are 3000.00240694 of the first and 26999.98347243 of the last.

    NEURON in one loop keeps cells of dropped models.
    """
    program = RXD / "rebuilt.py"
    alone = on_ranks(None, program, "neuron", 27, 1)
    assert abs(alone["27"].sum() - 26999.983472427666) < 1e-7
    for ranks, first, count in ((None, 3, 25), (2, 24, 4), (3, 26, 2)):
        found = on_ranks(ranks, program, "ecsmpi", first, count)
        assert len(found) == count
        assert not disagreements({"27": found["27"]}, alone)
        if first == 3:
            assert abs(found["3"].sum() - 3000.002406937886) < 1e-7


# ---------------------------------------------------------------- species that go


def test_species_that_go_come_back_and_move_leave_segments_as_in_neuron(on_ranks):
    program = RXD / "species_that_go.py"
    expected = on_ranks(None, program, "neuron")
    for ranks in (None, 3):
        said = disagreements(on_ranks(ranks, program, "ecsmpi"), expected)
        assert not said, "\n".join([f"on {ranks} ranks:", *said])


def test_the_last_species_inside_goes_with_its_cell_or_without(tmp_path):
    """The values are NEURON's for the cell that stays.

    In the second model of the first case NEURON fails where no box is left.
    """
    runs(None, "last_inside", cwd=tmp_path)


@pytest.mark.parametrize("ranks", [None, 2])
def test_the_last_cell_with_the_mechanism_extracellular_goes_and_one_comes(ranks, tmp_path):
    """NEURON alone crashes in its second step without a section."""
    runs(ranks, "extracellular_goes", cwd=tmp_path)


def test_initial_blocks_see_the_ions_defaults_as_in_neuron(on_ranks, tmp_path):
    """Inside and outside: of a species on both sides, and of one on each side alone."""
    program = RXD / "initial_sees.py"
    shutil.copy(RXD / "sees.mod", tmp_path)
    subprocess.run(
        [Path(sys.executable).parent / "nrnivmodl"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    expected = on_ranks(None, program, "neuron", tmp_path)
    assert abs(expected["both"][0, 0] - 5e-5 / (5e-5 + 1e-4)) < 1e-12
    said = disagreements(on_ranks(None, program, "ecsmpi", tmp_path), expected)
    assert not said, said


# ---------------------------------------------------------------- made again


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_what_is_made_again_takes_the_place_of_a_leftover(ranks, tmp_path):
    runs(ranks, "made_again", cwd=tmp_path)


@pytest.mark.parametrize("ranks", [None, long(2), 3])
def test_reset_begins_anew(ranks, tmp_path):
    runs(ranks, "begins_anew", cwd=tmp_path)


def test_a_change_of_species_is_said_in_words():
    k, na = Coupled(1, "k", 1, (5,)), Coupled(2, "na", 1, (5, 6))
    before = Couplings((k, na), False)
    before.refuse(Couplings((k, na), False))
    for now, words in {
        (k,): "na has gone",
        (k, na, Coupled(3, None, 0, (5,))): "an unnamed one has come",
        (k._replace(name="cl", charge=-1), na): "k is called cl; cl has charge -1, which was 1",
        (k, na._replace(regions=(5,))): "na has other regions",
        (na, k): "they are in another order",
    }.items():
        with pytest.raises(RuntimeError) as said:
            before.refuse(Couplings(now, False))
        assert str(said.value) == (
            f"species have changed since n.finitialize(): {words}: "
            "call it again before the run goes on"
        )
    with_reactions = Couplings((k, na), True)
    for one, other, words in (
        (before, with_reactions, "first one has come"),
        (with_reactions, before, "last one has gone"),
    ):
        with pytest.raises(
            RuntimeError,
            match=f"^reactions at segments have changed since .*: the script's {words}: call it",
        ):
            one.refuse(other)


# ---------------------------------------------------------------- many species


def test_many_species_take_no_longer_each_than_a_few(tmp_path):
    runs(None, "many_species", cwd=tmp_path)


# ---------------------------------------------------------------- errors and interrupts


def test_errors_reach_the_script_as_themselves(tmp_path):
    runs(None, "errors", "caught", cwd=tmp_path)


def test_an_error_that_ends_the_script_is_said_once_and_last(tmp_path):
    done = mpirun(None, ["python", RXD / "errors.py", "last"], cwd=tmp_path)
    lines = done.stderr.rstrip().splitlines()
    assert done.returncode == 1 and lines[-1] == "LookupError: lost", done.stderr
    assert sum("LookupError" in line for line in lines if not line.startswith("    ")) == 1
    assert lines[0] == "Traceback (most recent call last):" and "hoc" not in done.stderr, (
        done.stderr
    )


def test_pytest_sees_the_error(tmp_path):
    test = tmp_path / "test_of_a_user.py"
    test.write_text(
        "import pytest\nfrom ecsmpi import rxd\nfrom neuron import n\n\n"
        "def test_it():\n"
        "    ecs = rxd.Extracellular(0, 0, 0, 30, 30, 30, dx=10)\n"
        "    k = rxd.Species(ecs, name='k', charge=1, initial=lambda node: 1 / 0)\n"
        "    with pytest.raises(ZeroDivisionError):\n"
        "        n.finitialize(-65)\n"
    )
    done = mpirun(
        None, ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", test], cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("call", ["continuerun", long("psolve"), long("fadvance")])
def test_every_interrupt_stops_the_run_which_goes_on_to_the_same_bits(call, tmp_path):
    runs(None, "interrupted", call, cwd=tmp_path)


def test_interrupt_in_neurons_own_python_code_waits_for_the_end_of_the_step(tmp_path):
    done = mpirun(None, ["python", RXD / "interrupted_inside_neurons.py"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "interrupted at 0.1" in done.stdout
    assert "went on to 1" in done.stdout
