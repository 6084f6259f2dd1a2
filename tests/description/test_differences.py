"""What differs between two descriptions of a model."""

from ecsmpi.description.differences import changed, first_difference
import pytest

POTASSIUM = "k: [(SpeciesSpec(name='k', d=(1.0, 1.0, 1.0), charge=1), Box(lo=(0, 0, 0)))]"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            POTASSIUM,
            POTASSIUM.replace("1.0)", "2.5)"),
            ("k: d=(1.0, 1.0, 1.0)", "d=(1.0, 1.0, 2.5)"),
        ),
        (
            POTASSIUM,
            POTASSIUM.replace("charge=1", "charge=2").replace("lo=(0", "lo=(-5"),
            ("k: charge=1, lo=(0, 0, 0)", "charge=2, lo=(-5, 0, 0)"),
        ),
        ("tissue (0123456789)", "tissue (0123456780)", ("(0123456789)", "(0123456780)")),
        ("grid_steps=1", "grid_steps=2", ("grid_steps=1", "grid_steps=2")),
        ("k -> c0", "k -> c0 + c1", ("k -> c0", "k -> c0 + c1")),
    ],
)
def test_arguments_alone_are_shown_where_nothing_else_differs(one, other, expected):
    assert changed(one, other) == expected


def test_the_first_line_that_differs_is_shown():
    assert first_difference(["a=1", "b=2"], ["a=1", "b=3"]) == ("b=2", "b=3")
    assert first_difference(["a=1", "k: all"], ["a=1"]) == ("k: all", "nothing")
    with pytest.raises(ValueError, match="alike"):
        first_difference(["a=1"], ["a=1"])
