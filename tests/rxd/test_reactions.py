"""Rates and reactions of a script: what NEURON means by them, changes, and what is refused."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, holds, script
from support.ranks import mpirun

PROGRAM = Together(
    PROGRAMS / "rxd" / "reactions.py",
    {
        3: "masked_rates boxes_on_one_grid changes_in_mid_run",
        2: "evaluated_where parameters_and_states",
    },
)


def test_changes_in_mid_run_hold_from_the_next_step(on_ranks):
    """Rates are set anew, parameters given values, reactions made and dropped.

    All is linear, so that a step is (1 - dt J) c' = c.
    """
    for ranks in (None, 3):
        holds(on_ranks, ranks, PROGRAM, "changes_in_mid_run")


@pytest.mark.long  # in every run: the amounts of scripts/tutorial/buffering.py, on ranks
def test_bound_and_free_potassium_is_what_there_was_at_any_number_of_ranks(on_ranks, request):
    """The tutorial's buffer in a closed box keeps k + AK, and A + AK in each voxel.

    The same on 1 to 4 ranks.
    """
    alone = on_ranks(None, PROGRAM.path, "ecsmpi", "bound_and_free_potassium")
    for ranks in (None, 2, 3, 4) if request.config.getoption("--long") else (None, 3):
        found = (
            on_ranks(ranks, PROGRAM.path, "ecsmpi", "bound_and_free_potassium")
            if ranks
            else alone
        )
        assert abs((found["k"] + found["AK"]).sum() / found["before"] - 1) < 1e-12
        assert np.max(np.abs(found["A"] + found["AK"] - 10)) < 1e-13
        assert np.ptp(found["AK"]) > 1
        assert np.max(np.abs(found["k"] - alone["k"])) < 1e-13 * alone["k"].max()


def test_neuron_is_wrong_where_the_readme_says_so(on_ranks):
    """A scheme of species in a region reacts once; gamma is gamma.

    Rows of a system change places with their right-hand sides.
    """
    found, neurons = (
        on_ranks(None, PROGRAM.path, backend, "where_neuron_is_wrong")
        for backend in ("ecsmpi", "neuron")
    )
    j = np.array([[0.99, -30.0], [70.0, 0.5]])
    delta = np.linalg.solve(np.eye(2) - j, j @ [1.0, 2.0])
    digamma_5 = 1.506117668431800  # and gamma(5) = 24
    right = {
        "AK": 0.4 / 1.05,
        "u": 1 + delta[0],
        "v": 2 + delta[1],
        "g": 24 / (1 - 24 * digamma_5),
    }
    for name, expected in right.items():
        assert np.allclose(found[name], expected, rtol=1e-13, atol=0), name
        assert not np.allclose(neurons[name], expected, rtol=1e-3), (
            f"NEURON is right about {name} by now"
        )


def test_a_rate_acts_where_it_is_told_to(on_ranks):
    """A mask is a parameter in the rate, as in NEURON's scripts, or where=.

    where= takes a parameter, an array or a function.
    """
    holds(on_ranks, 3, PROGRAM, "masked_rates")


def test_evaluating_where_sets_no_concentration(on_ranks):
    """Voxels where a rate acts are evaluated in n.finitialize, and when one comes in mid-run."""
    holds(on_ranks, 2, PROGRAM, "evaluated_where")


def test_parameters_and_states_are_species(on_ranks):
    holds(on_ranks, 2, PROGRAM, "parameters_and_states")


REFUSED = {
    "rxd.Rate(k, w)": "cannot hold Species(",
    "rxd.Rate(both, far_only)": "is not in Extracellular(",
    "rxd.Rate(k, k[ecs] * far_only[far])": "is not in Extracellular(",
    "rxd.Rate(k, 1, regions=far)": "k is not in Extracellular(",
    "rxd.Rate(k, 1, regions=3)": "must be rxd.Extracellular",
    "rxd.Reaction(k, far_only, 1)": "have no region in common",
    "rxd.Reaction(k[ecs] + both, far_only[far], 1)": "have no region in common",
    "rxd.Rate(k, 'k')": "cannot hold 'k'",
    "rxd.Rate(k, k > w)": "arithmetic on a reaction",
    "rxd.Rate(3, k)": "extracellular species",
    "rxd.Rate(k, -0.1 * rxd.v)": "the voltage",
    "rxd.Rate(k, rxd.rxdmath.frexp(k))": "frexp not supported",
    "rxd.Rate(k, 1, membrane_flux=True)": "membrane_flux",
    "k + 1 > k": "not valid in a reaction",
    "2.5 * k > k": "not valid in a reaction",
    "k > 1": "not valid in a reaction",
    "rxd.Reaction(k, 1)": "",
    "rxd.Reaction(k > k2, 1, 2)": "needs one rate",
    "rxd.Reaction(k != k2, 1)": "needs two rates",
    "rxd.Reaction(k, k2, 1, custom_dynamics=True, mass_action=True)": "not both",
    "setattr(rxd.Reaction(k > k2, 1), 'b_rate', 2)": "has no backward reaction",
    "setattr(rxd.Reaction(k > k2, 1), 'f_rate', far_only)": "is not in Extracellular(",
    "rxd.Reaction(k, k2, 1, region=ecs)": "Reaction has no argument region",
    "rxd.Rate(k, float('nan') * k)": "numbers in a rate must be finite, got nan",
    "kept.append(rxd.Rate(k, k / (2 - 2 * k**0))); n.finitialize(-65)": "it divides by 0",
    "np.exp(k)": "",
}


def test_what_cannot_react_is_refused_by_name(on_ranks):
    holds(
        on_ranks,
        None,
        f"""
        ecs, far = box(), box(at=400)
        k, k2 = (rxd.Species(ecs, name=name, charge=1, initial=3) for name in ("k", "k2"))
        far_only, both = rxd.Species(far, name="far_only"), rxd.Species([ecs, far], name="both")
        soma = n.Section(name="soma")
        inside = rxd.Region([soma])
        w = rxd.Species(inside, name="w")
        for statement, message in {REFUSED!r}.items():
            kept.clear()
            said = message_of(Exception, lambda: exec(statement, dict(globals())))
            assert message in said, (statement, said)
        """,
    )


def run_failing(ranks, body, tmp_path):
    path = tmp_path / "failing.py"
    path.write_text(script(body))
    done = mpirun(ranks, ["python", path, "-", "ecsmpi"], cwd=tmp_path)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_a_rate_of_nan_ends_all_ranks_and_names_the_voxel(ranks, tmp_path):
    said = run_failing(
        ranks,
        """
        ecs = box()
        one = lambda node: abs(node.x3d - 30.5) < 1 and node.z3d > 59
        k = rxd.Species(ecs, name="x", initial=lambda node: -1 if one(node) else 1)
        k[ecs].node_by_location(30, 0, 60)
        rate = rxd.Rate(k, 0.1 * rxd.rxdmath.sqrt(k))
        n.finitialize(-65)
        steps(3)
        """,
        tmp_path,
    )
    assert "Rate(x, " in said
    assert (
        "its rate is nan in voxel (11, 0, 11) at (30.5, -36, 63.5) um, where x = -1 mM" in said
    )
    assert "in the step to t = 0.1 ms" in said


def test_ranks_with_different_reactions_are_told_so(tmp_path):
    said = run_failing(
        2,
        """
        ecs = box()
        k = rxd.Species(ecs, initial=1)
        rate = rxd.Rate(k, 0.1 * (1 + rank) * k)
        n.finitialize(-65)
        """,
        tmp_path,
    )
    assert "ranks 0 and 1 describe different extracellular spaces" in said
    assert "c0" in said


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_boxes_on_one_grid_read_each_other_before_any_diffuses(on_ranks, ranks):
    """The box whose reaction was made last comes first, as in NEURON.

    The other sees what it has come to.
    """
    holds(on_ranks, ranks, PROGRAM, "boxes_on_one_grid")
