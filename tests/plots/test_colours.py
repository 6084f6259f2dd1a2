"""Colour maps are perceptually uniform: equal steps of a value are equal steps to the eye."""

from ecsmpi.plots.colours import NOT_FINITE, NOT_POSITIVE
from ecsmpi.plots.options import DIVERGING, SEQUENTIAL
import matplotlib
import numpy as np
import pytest

TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
WHITE = [0.95047, 1.0, 1.08883]  # D65


def lab(rgb):
    """CIELAB of sRGB (n, 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.transpose(TO_XYZ) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def colours_of(name):
    return lab(matplotlib.colormaps[name](np.linspace(0, 1, 33))[:, :3])


def grows_evenly(name):
    """Whether lightness does; CIELAB itself makes the steps next to black smaller."""
    steps = np.diff(colours_of(name)[:, 0])
    return steps.min() > 0.3 * steps.mean() and steps.max() < 1.6 * steps.mean()


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_lightness_grows_evenly(name):
    assert grows_evenly(name)


@pytest.mark.parametrize("name", ["jet", "hot", "rainbow"])
def test_the_measure_finds_maps_that_are_uneven(name):
    assert not grows_evenly(name)


@pytest.mark.parametrize("name", DIVERGING)
def test_colours_of_a_change_are_even_and_as_dark_at_both_ends(name):
    found = colours_of(name)
    steps = np.linalg.norm(np.diff(found, axis=0), axis=1)
    assert steps.min() > 0.8 * steps.mean() and steps.max() < 1.15 * steps.mean()
    assert np.abs(found[:, 0] - found[::-1, 0]).max() < 1.5


@pytest.mark.parametrize("names, is_change", [(SEQUENTIAL, False), (DIVERGING, True)])
def test_what_has_no_place_on_a_scale_is_told_from_its_colours(names, is_change):
    special = [NOT_FINITE[is_change][1]]
    if not is_change:
        special.append(NOT_POSITIVE[1])
    for colour in special:
        rgb = np.array([matplotlib.colors.to_rgb(colour)])
        for name in names:
            assert np.linalg.norm(colours_of(name) - lab(rgb), axis=1).min() > 20
