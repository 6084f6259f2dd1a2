"""The colour scale: its ends, its logarithm, and which colours it takes."""

from ecsmpi.plots.options import SEQUENTIAL
from ecsmpi.view.scene.colour_scale import ColourScale
import numpy as np
import pytest


def test_ends_must_be_finite_and_in_order():
    for lo, hi in ((3.0, 3.0), (4.0, 3.0), (np.nan, 3.0), (0.0, np.inf)):
        with pytest.raises(ValueError, match="give lo < hi"):
            ColourScale(lo, hi)


def test_logarithm_begins_above_zero():
    with pytest.raises(ValueError, match="begins above 0, got 0 mM"):
        ColourScale(0.0, 3.0, logarithmic=True)


@pytest.mark.parametrize(
    "logarithmic, middle",
    [(False, 50.5), (True, 10.0)],
)
def test_fractions_go_from_0_to_1(logarithmic, middle):
    scale = ColourScale(
        1.0,
        100.0,
        logarithmic=logarithmic,
    )
    assert scale.fractions([1.0, middle, 100.0]) == pytest.approx([0, 0.5, 1])
    assert scale.at(0.5) == pytest.approx(middle)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_lightness_rises_along_the_scale(name):
    """A perceptually uniform map does not go back in luminance."""
    table = ColourScale(0.0, 1.0, name).table()
    rgb = np.array([table.map_value(value)[:3] for value in np.linspace(0, 1, 64)])
    linear = np.where(
        rgb <= 0.04045,
        rgb / 12.92,
        ((rgb + 0.055) / 1.055) ** 2.4,
    )
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -0.002).all()


def test_ticks_are_round():
    assert ColourScale(3.0, 14.19).ticks() == [4, 6, 8, 10, 12, 14]
    assert ColourScale(0.5, 60.0, logarithmic=True).ticks() == pytest.approx(
        [0.5, 1, 2, 5, 10, 20, 50]
    )


@pytest.mark.parametrize(
    "end",
    ["high", "low"],
)
def test_opacity_rises_to_its_end(end):
    scale = ColourScale(
        1.0,
        5.0,
        opaque_end=end,
        opacity=0.4,
    )
    opacities = [scale.volume_opacities().GetValue(v) for v in np.linspace(1, 5, 9)]
    if end == "low":
        opacities.reverse()
    assert opacities[0] == 0
    assert opacities[-1] == pytest.approx(0.4)
    assert (np.diff(opacities) > 0).all()
