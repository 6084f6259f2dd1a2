"""Tissue and ions hold what was said, in the field's units; what cannot be is refused by name."""

import dataclasses
import math
from types import MappingProxyType

from ecsmpi.description.boundaries import Bath
from ecsmpi.description.model import SpeciesSpec, Tissue, diffusion_coefficients
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest


@settings(deadline=None)  # the cores may be shared
@given(st.floats(1e-3, 1e3))
def test_permeability_is_tortuosity_to_the_power_of_minus_two(tortuosity):
    tissue = Tissue.from_rxd(0.2, tortuosity)
    assert math.isclose(tissue.permeability, 1 / tortuosity**2, rel_tol=1e-15)
    assert math.isclose(tissue.tortuosity, tortuosity, rel_tol=1e-15)
    assert Tissue.from_rxd(0.2, permeability=tissue.permeability) == tissue


def test_free_solution_is_the_default():
    assert Tissue.from_rxd() == Tissue() == Tissue(1.0, 1.0)


def test_descriptions_cannot_change():
    for described, name in (
        (Tissue(0.2, 0.4), "permeability"),
        (SpeciesSpec("k", (1.0, 1.0, 1.0)), "d"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(described, name, 1.0)


@pytest.mark.parametrize("volume_fraction", [0, -0.2, 1.0000001, 20, math.nan, math.inf])
def test_bad_volume_fraction_is_named(volume_fraction):
    with pytest.raises(ValueError, match=f"volume_fraction must be .*got {volume_fraction}"):
        Tissue.from_rxd(volume_fraction)
    with pytest.raises(
        ValueError, match=f"volume_fraction must be .*got {float(volume_fraction)}"
    ):
        Tissue(float(volume_fraction))


@pytest.mark.parametrize("tortuosity", [0, -1.6, math.nan, math.inf])
def test_bad_tortuosity_is_named(tortuosity):
    with pytest.raises(ValueError, match=f"tortuosity must be .*got {tortuosity}"):
        Tissue.from_rxd(0.2, tortuosity)


@pytest.mark.parametrize("permeability", [0, -0.4, math.nan, math.inf])
def test_bad_permeability_is_named(permeability):
    with pytest.raises(ValueError, match=f"permeability must be .*got {permeability}"):
        Tissue.from_rxd(0.2, permeability=permeability)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (dict(volume_fraction="much"), "volume_fraction must be a number, got 'much'"),
        (dict(tortuosity=["a"]), r"tortuosity must be made of numbers, got \['a'\]"),
        (dict(permeability="none"), "permeability must be a number, got 'none'"),
    ],
)
def test_what_is_no_number_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        Tissue.from_rxd(**arguments)


def test_tortuosity_and_permeability_exclude_each_other():
    with pytest.raises(ValueError, match="tortuosity=1.6 and permeability=0.4"):
        Tissue.from_rxd(0.2, tortuosity=1.6, permeability=0.4)


def test_one_diffusion_coefficient_serves_all_axes():
    assert diffusion_coefficients(2.62, "k") == (2.62, 2.62, 2.62)
    assert diffusion_coefficients([2.62, 0, 1], "k") == (2.62, 0.0, 1.0)


@pytest.mark.parametrize(
    "d, named",
    [
        (-1, "d of k must be >= 0 um2/ms, got -1"),
        ((1, -0.5, 1), r"d of k must be >= 0 um2/ms, got \(1, -0.5, 1\)"),
        (math.nan, "d of k must be finite, got nan"),
        ((1, 1, math.inf), "d of k must be finite, got inf"),
        ((1, 2), r"d of k must be a number or \(dx, dy, dz\), got \(1, 2\)"),
        ((1, 2, 3, 4), r"got \(1, 2, 3, 4\)"),
        ("fast", "d of k must be a number.*'fast'"),
        (None, "d of k must be a number, got None"),
    ],
)
def test_bad_diffusion_coefficient_is_named(d, named):
    with pytest.raises(ValueError, match=named):
        SpeciesSpec.from_rxd("k", d, 1, None)


@pytest.mark.parametrize("charge, whole", [(1, 1), (-1, -1), (2.0, 2), (0, 0)])
def test_charge_is_a_whole_number(charge, whole):
    kept = SpeciesSpec.from_rxd("ca", 1, charge, None).charge
    assert kept == whole and isinstance(kept, int)


@pytest.mark.parametrize(
    "charge, named",
    [
        (0.5, "whole number, got 0.5"),
        (math.nan, "finite, got nan"),
        ("+", "a number, got '[+]'"),
        (None, "a number, got None"),
    ],
)
def test_bad_charge_is_named(charge, named):
    with pytest.raises(ValueError, match=f"charge of k must be .*{named}"):
        SpeciesSpec.from_rxd("k", 1, charge, None)


@pytest.mark.parametrize("name", ["", "k+", "2k", 7])
def test_bad_name_is_named(name):
    with pytest.raises(
        ValueError, match=f"must be an identifier.*got {name!r}".replace("+", "[+]")
    ):
        SpeciesSpec.from_rxd(name, 1, 1, None)


@pytest.mark.parametrize("name", ["dynorphin A(1-8)", "sensor-sst", "2k"])
def test_what_has_no_charge_may_have_any_words_for_a_name(name):
    assert SpeciesSpec.from_rxd(name, 1, 0, None).name == name


@pytest.mark.parametrize("name", ["", " a", "a/b", "a\n"])
def test_words_that_files_cannot_have_are_no_name(name):
    with pytest.raises(ValueError, match="must be an identifier"):
        SpeciesSpec.from_rxd(name, 1, 0, None)


def test_an_ion_without_a_name_is_told_by_words():
    assert SpeciesSpec.from_rxd(None, 1, 0, None).name is None
    with pytest.raises(ValueError, match="d of an unnamed species"):
        SpeciesSpec.from_rxd(None, -1, 0, None)


@pytest.mark.parametrize("wall, held", [(None, None), (0, 0.0), (3.5, 3.5)])
def test_walls_are_without_flux_or_held_at_a_value(wall, held):
    assert SpeciesSpec.from_rxd("k", 1, 1, wall).wall == held


@pytest.mark.parametrize("wall", [3, np.float64(3), np.int64(3)])
def test_a_wall_reads_alike_whatever_kind_of_number_it_is(wall):
    """Checkpoints compare descriptions by their text."""
    assert repr(SpeciesSpec.from_rxd("k", 1, 1, wall)) == repr(
        SpeciesSpec.from_rxd("k", 1, 1, 3.0)
    )


def test_face_conditions_are_any_mapping():
    conditions = {"x": 3, "zlo": Bath(1, 2)}
    expected = SpeciesSpec.from_rxd("k", 1, 1, conditions)
    assert SpeciesSpec.from_rxd("k", 1, 1, MappingProxyType(conditions)) == expected
    assert expected.faces.has_conditions()


@pytest.mark.parametrize("wall", [math.nan, math.inf, "open"])
def test_bad_wall_is_named(wall):
    with pytest.raises(
        ValueError, match=f"ecs_boundary_conditions of k must be .*got {wall!r}"
    ):
        SpeciesSpec.from_rxd("k", 1, 1, wall)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SpeciesSpec("k", (-1, 1, 1)),
        lambda: SpeciesSpec("k", (1, 1, 1), 0.5),
        lambda: SpeciesSpec("k", (1, 1, 1), 1, math.nan),
        lambda: SpeciesSpec("k+", (1, 1, 1), 1),
        lambda: Tissue("x"),
        lambda: Tissue.from_rxd(0.2, 1e-200),
    ],
)
def test_nothing_is_described_by_nonsense(make):
    with pytest.raises(ValueError):
        make()
