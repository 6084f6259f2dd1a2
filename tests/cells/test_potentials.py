"""Reversal potentials are NEURON's to round-off, whenever a script looks, and NEURON's own where it
would compute none.
"""

from ecsmpi.cells.nernst import nernst
import numpy as np
import pytest

from support.rxd_scripts import as_neuron, holds

SEGMENTS = 1003  # so that the last few are in no whole register

CELL = """
        made, ecs = cells([0], on=0), box()
        sec = made.get(0)
        species = [rxd.Species(ecs, d=2, name=name, charge=charge, initial=uneven) for name, charge in (("k", 1), ("ca", 2), ("cl", -1))]
        n.finitialize(-65)

        def potentials(name):
            return np.array([getattr(seg, f"e{name}") for seg in sec])

        def neurons(name, charge):
            return np.array([n.nernst(getattr(seg, f"{name}i"), getattr(seg, f"{name}o"), charge) for seg in sec])

        def check():
            n.fcurrent()
            for name, charge in (("k", 1), ("ca", 2), ("cl", -1)) if sec else ():
                error = np.abs(potentials(name) - neurons(name, charge)).max()
                assert error < 1e-12, (name, error)
"""


# ---------------------------------------------------------------- the equation


@pytest.mark.parametrize("width", [300, 9, 1, 0.3, 1e-3, 1e-9])
def test_the_logarithm_of_a_ratio_is_right_to_its_last_bits(width):
    random = np.random.default_rng(3)
    inside = np.exp(random.uniform(-300, 300, SEGMENTS))
    outside = inside * np.exp(random.uniform(-width, width, SEGMENTS))
    found = np.empty(SEGMENTS)
    nernst(found, inside, outside, 1.0)
    ratio = outside.astype(np.longdouble) / inside
    true = (
        np.log(ratio) if width > 1 else np.log1p((outside.astype(np.longdouble) - inside) / inside)
    )
    spacing = np.spacing(np.maximum(np.abs(true.astype(float)), 1e-3 * width))
    assert (np.abs(found - true) / spacing).max() < 3


def test_no_concentration_on_a_side_is_what_neuron_makes_of_it():
    inside = np.array([0.0, -1.0, 2.0, 2.0, 0.0, np.nan, 2.0, 2.0, 5e-324, 2.0])
    outside = np.array([3.0, 3.0, 0.0, -1.0, 0.0, 3.0, np.inf, np.nan, 3.0, 3.0])
    found = np.empty(inside.size)
    nernst(found, inside, outside, 10.0)
    expected = [
        1e6,
        1e6,
        -1e6,
        -1e6,
        1e6,
        np.nan,
        np.inf,
        np.nan,
        10 * np.log(3 / 5e-324),
        10 * np.log(1.5),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_bits_do_not_depend_on_the_segments_beside():
    random = np.random.default_rng(4)
    inside, outside = random.uniform(1, 100, (2, SEGMENTS))
    whole, odd = np.empty((2, SEGMENTS))
    nernst(whole, inside, outside, 25.7)
    for i in range(0, SEGMENTS, 7):
        one = np.empty(1)
        nernst(one, inside[i : i + 1], outside[i : i + 1], 25.7)
        assert one[0] == whole[i]
    inside[5] = 0.0
    nernst(odd, inside, outside, 25.7)
    assert np.array_equal(np.delete(odd, 5), np.delete(whole, 5))


# ---------------------------------------------------------------- in NEURON


@pytest.mark.parametrize("ranks", [None, 2])
def test_potentials_follow_whatever_a_script_does(on_ranks, ranks):
    holds(
        on_ranks,
        ranks,
        CELL
        + """
        check()
        steps(5)
        check()
        if sec:
            sec(0.5).ki, sec(0.5).ko, sec(0.1).cai = 20, 9, 1e-5
        n.celsius = 31
        check()
        if sec:
            sec(0.5).ki, sec(0.1).cao = 0, 0
        check()
        if sec:
            assert (sec(0.5).ek, sec(0.1).eca) == (1e6, -1e6)
            sec(0.5).ki, sec(0.1).cao = 54, 2
        steps(5)
        check()
        n.finitialize(-65)
        check()
    """,
    )


def test_neuron_need_not_compute_them_again(on_ranks):
    holds(
        on_ranks,
        None,
        CELL
        + """
        assert n.ion_style("k_ion", sec=sec) == 55
        n.ion_style("k_ion", 3, 2, 1, 1, 1, sec=sec)
        check()
        for name in "k", "ca", "cl":
            n.ion_style(f"{name}_ion", 3, 2, 1, 0, 1, sec=sec)
        sec(0.5).ki = 20
        check()
        assert abs(potentials("k")[1] - potentials("k")[0]) > 1
    """,
    )


def test_sections_made_since_keep_the_constants_that_neuron_gives_them(on_ranks):
    holds(
        on_ranks,
        None,
        CELL
        + """
        steps(3)
        new = n.Section(name="new")
        new.insert("hh")
        new.ek = -71.5
        sec(0.5).ki = 20
        check()
        assert new.ek == -71.5 and n.ion_style("k_ion", sec=sec) == 119
        del new
        steps(1)
        assert n.ion_style("k_ion", sec=sec) == 55
        check()
    """,
    )


def test_ions_of_dropped_species_are_neurons_again(on_ranks):
    holds(
        on_ranks,
        None,
        CELL
        + """
        steps(3)
        species.clear()
        n.finitialize(-65)
        assert n.ion_style("k_ion", sec=sec) == 119
        check()
        sec(0.5).ko = 11
        check()
    """,
    )


def test_threads_are_refused_before_they_call_python(on_ranks):
    holds(
        on_ranks,
        None,
        CELL
        + """
        pc.nthread(2)
        for call in n.fcurrent, n.fadvance, n.fcurrent:
            message_of(RuntimeError, call)
        pc.nthread(1)
        n.finitialize(-65)
        steps(2)
        check()
    """,
    )


def test_a_neuron_that_knows_no_such_block_computes_them_itself(on_ranks):
    as_neuron(
        on_ranks,
        """
        if BACKEND != "neuron":
            from dataclasses import replace
            from ecsmpi.neuron_api import symbols
            known = symbols.REGISTER_BEFORE_BREAKPOINT
            symbols.REGISTER_BEFORE_BREAKPOINT = replace(known, name="none_of_this_name")
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        n.finitialize(-65)
        assert BACKEND == "neuron" or all(n.ion_style("k_ion", sec=sec) == 119 for sec in made.values())
        steps(50)
        save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
    """,
        ranks=(None, 2),
    )
