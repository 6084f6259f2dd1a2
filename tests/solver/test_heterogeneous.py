"""The distributed step in varying tissue and with face conditions.

It is judged by dense algebra and by solutions in closed form.
"""

import math

from ecsmpi.description.boundaries import Bath, Faces, Held
from ecsmpi.description.model import Tissue
from ecsmpi.description.profiles import ArrayProfile
import numpy as np
import pytest
from scipy.optimize import brentq
from test_diffusion import assert_close

from support.long_form import long
from support.programs import PROGRAMS
from support.steps import advanced, case

RANKS = (1, 3, *(long(ranks) for ranks in (2, 4)))
SHAPES = [
    (9, 7, 8),
    (14, 5, 6),
    (5, 9, 10),
    (4, 3, 17),
    (2, 33, 9),
    (1, 5, 7),
    (2, 5, 7),
    (7, 1, 9),
    (7, 2, 1),
    (1, 1, 1),
]
SPECIES = dict(d=((1.0, 0.7, 1.3), (0.8, 1.6, 0.5), (0.0, 0.0, 0.0)), walls=(None, 3.5, None))
OPEN = Faces(
    (Held(2.0), Bath(3.0, 0.4), None, Held(math.cos), Bath(math.exp, 0.1), Bath(0.5, 2.0))
)
MIXED = Faces((None, None, Bath(math.sin, 7.0), None, Held(1.0), None))


def tissue(shape, seed=0, face_average="neuron"):
    rng = np.random.default_rng(seed)
    return Tissue(
        ArrayProfile(rng.uniform(0.05, 1, shape)),
        ArrayProfile(rng.uniform(0.1, 1, shape)),
        face_average,
    )


def even(shape, alpha=0.2, permeability=0.4):
    return Tissue(
        ArrayProfile(np.full(shape, alpha)), ArrayProfile(np.full(shape, permeability))
    )


DENSE = (
    [
        case(
            f"{shape} {dt} ms, {rule}",
            shape,
            [dt] * 4,
            entries=40,
            spacing=(1.0, 1.25, 0.8),
            tissue=tissue(shape, 1, rule),
            **SPECIES,
        )
        for shape in SHAPES
        for dt, rule in ((0.02, "neuron"), (0.5, "symmetric"), (60.0, "neuron"))
    ]
    + [
        case(
            f"{shape}, face conditions, {dt} ms, {name}",
            shape,
            [dt] * 5,
            SPECIES["d"][:2],
            entries=40,
            spacing=(1.0, 1.25, 0.8),
            tissue=each,
            walls=(None, None),
            faces=(OPEN, MIXED),
        )
        for shape in SHAPES[:4]
        for dt in (0.05, 2.0)
        for name, each in (("varying", tissue(shape, 2)), ("even", Tissue(0.2, 0.4)))
    ]
    + [
        case(
            "dt and tissue change",
            (11, 6, 5),
            (0.1, 0.1, 9.0, 0.1, 0.1, 0.1),
            entries=40,
            tissue=Tissue(0.2, 0.4),
            changes=(
                (2, tissue((11, 6, 5), 3)),
                (4, tissue((11, 6, 5), 4)),
                (5, Tissue(0.3, 1.0)),
            ),
            **SPECIES,
        ),
    ]
)
CLOSED = [
    case(
        f"closed, {dt} ms",
        (21, 10, 9),
        [dt] * 30,
        ((1.0, 0.7, 1.3),),
        tissue=tissue((21, 10, 9), 5),
    )
    for dt in (0.01, 1.0, 8.0)
]
UNIFORM = [
    (case(f"{name} {shape} {dt}", shape, [dt] * 10, entries=50, tissue=each, **SPECIES))
    for shape in ((17, 9, 11), (5, 12, 8))
    for dt in (0.01, 3.0)
    for name, each in (("array", even(shape)), ("value", Tissue(0.2, 0.4)))
]
BLOCKS = [
    case(
        f"blocks {dt}",
        (41, 9, 10),
        [dt] * 10,
        ((1.0, 0.7, 1.3),) * 2,
        (None, None),
        faces=(OPEN, MIXED),
        grain=8,
        tissue=tissue((41, 9, 10), 6),
    )
    for dt in (0.004, 4.0)
]
RESULTS = {}


@pytest.fixture
def solved(on_ranks, tmp_path):
    """`solved(ranks)`: all cases on so many ranks, run once for all tests."""

    def run(ranks):
        if ranks not in RESULTS:
            RESULTS[ranks] = advanced(
                on_ranks, ranks, DENSE + CLOSED + UNIFORM + BLOCKS, tmp_path
            )
        return RESULTS[ranks]

    return run


@pytest.mark.parametrize("ranks", RANKS)
def test_steps_solve_the_factored_system(solved, ranks):
    """There are sources, face conditions, changing tissue, axes of one and two voxels.

    Some slabs have one plane, and r is up to 80.
    """
    for each in DENSE:
        assert_close(solved(ranks)[each.name], each.dense, 1e-13, each.name)


@pytest.mark.parametrize("ranks", RANKS)
def test_closed_box_keeps_its_ions(solved, ranks):
    for each in CLOSED:
        alpha = each.tissue.volume_fraction.values
        before, after = (
            (alpha * u).sum() for u in (each.initial[0], solved(ranks)[each.name][0])
        )
        assert abs(after / before - 1) < 1e-14, each.name


@pytest.mark.parametrize("ranks", RANKS)
def test_even_tissue_is_what_a_number_is(solved, ranks):
    for profile, number in zip(UNIFORM[::2], UNIFORM[1::2]):
        assert_close(
            solved(ranks)[profile.name], solved(ranks)[number.name], 1e-14, profile.name
        )


@pytest.mark.parametrize("ranks", RANKS[1:])
def test_blocks_give_the_same_bits_on_any_number_of_ranks(solved, ranks):
    for each in BLOCKS:
        np.testing.assert_array_equal(
            solved(ranks)[each.name], solved(1)[each.name], err_msg=each.name
        )


@pytest.mark.parametrize("ranks", RANKS[1:])
def test_both_ways_of_joining_slabs_were_judged(solved, ranks):
    joined = " ".join(
        line for each in DENSE + BLOCKS for line in solved(ranks)[each.name + " joined"]
    )
    assert "neighbour pairs" in joined
    assert "reduced system" in joined


@pytest.mark.parametrize("ranks", [1, 2])
def test_species_share_factors_that_differ_only_in_the_values_at_faces(on_ranks, ranks):
    found = on_ranks(ranks, PROGRAMS / "solver" / "shared_factors.py")
    assert {name for name, is_same in found.items() if is_same} == {"first", "other values"}


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def along_x(n, length=12.0):
    return (np.arange(n) + 0.5) * length / n


def test_error_falls_with_the_square_of_the_spacing_where_volume_fraction_varies(
    on_ranks, tmp_path
):
    """alpha = e^(2 k x): a mode decays by D (q2 + k2).

    The mode e^(-k x) (cos q x + k/q sin q x) has no flux at 0 and at L = pi/q.
    """
    k, q, d, t = 0.08, math.pi / 12, 1.3, 4.0
    counts = (12, 24, 48)

    def mode(x):
        return np.exp(-k * x) * (np.cos(q * x) + k / q * np.sin(q * x))

    grids = [
        case(
            f"{n}",
            (n, 1, 1),
            [0.02] * 200,
            ((d, 0, 0),),
            spacing=(12 / n, 1.0, 1.0),
            tissue=Tissue(ArrayProfile(np.exp(2 * k * (along_x(n) - 12))[:, None, None])),
            initial=[2 + mode(along_x(n))[:, None, None]],
        )
        for n in counts
    ]
    found = advanced(on_ranks, 2, grids, tmp_path)
    left = math.exp(-d * (q * q + k * k) * t)
    errors = [
        np.abs(found[str(n)].reshape(-1) - 2 - left * mode(along_x(n))).max() for n in counts
    ]
    assert (np.abs(orders(errors) - 2) < 0.1).all(), errors


def test_symmetric_faces_keep_second_order_where_permeability_varies(on_ranks, tmp_path):
    """Between baths, with permeability e^(-2 k x), c is linear in e^(2 k x) in the steady state.

    So is the flux's resistance.
    """
    k, d, alpha, leak = 0.1, 1.0, 0.3, 0.05
    counts, faces = (
        (12, 24, 48),
        Faces((Bath(5.0, leak), Bath(1.0, leak), None, None, None, None)),
    )
    grids = [
        case(
            f"{n}",
            (n, 1, 1),
            [4.0] * 1500,
            ((d, 0, 0),),
            spacing=(12 / n, 1.0, 1.0),
            faces=(faces,),
            tissue=Tissue(
                alpha, ArrayProfile(np.exp(-2 * k * along_x(n))[:, None, None]), "symmetric"
            ),
            initial=[np.full((n, 1, 1), 3.0)],
        )
        for n in counts
    ]
    found = advanced(on_ranks, 2, grids, tmp_path)

    def resistance(x):
        return np.expm1(2 * k * x) / (2 * k * alpha * d)

    flux = (5 - 1) / (2 / leak + resistance(12.0))
    errors = [
        np.abs(
            found[str(n)].reshape(-1) - (5 - flux * (1 / leak + resistance(along_x(n))))
        ).max()
        for n in counts
    ]
    assert (np.abs(orders(errors) - 2) < 0.1).all(), errors


def test_box_beside_a_bath_follows_robins_condition(on_ranks, tmp_path):
    """c - bath = cos(q (L - x)) e^(-D q2 t) with q tan(q L) = P / (alpha D); along each axis."""
    alpha, permeability, leak, length, t = 0.25, 0.4, 0.03, 12.0, 10.0
    d = 1.5 * permeability
    q = brentq(
        lambda q: q * math.tan(q * length) - leak / (alpha * d),
        1e-6,
        math.pi / 2 / length - 1e-9,
    )
    for axis in range(3):
        counts, grids = (24, 48, 96), []
        faces = Faces(tuple(Bath(3.0, leak) if face == 2 * axis else None for face in range(6)))
        for n in counts:
            shape, spacing = np.roll((n, 1, 1), axis), np.roll((length / n, 1.0, 1.0), axis)
            start = np.cos(q * (length - along_x(n))).reshape(shape)
            grids.append(
                case(
                    f"{n}",
                    tuple(map(int, shape)),
                    [0.02] * 500,
                    ((1.5, 1.5, 1.5),),
                    spacing=tuple(spacing),
                    tissue=Tissue(alpha, permeability),
                    faces=(faces,),
                    initial=[3 + start],
                )
            )
        found = advanced(on_ranks, 2, grids, tmp_path)
        left = math.exp(-d * q * q * t)
        errors = [
            np.abs(
                found[str(g.shape[axis])].reshape(-1)
                - 3
                - left * (g.initial[0].reshape(-1) - 3)
            ).max()
            for g in grids
        ]
        assert errors[-1] < 1e-4 and (np.abs(orders(errors) - 2) < 0.1).all(), (axis, errors)


@pytest.mark.parametrize("condition", [Held(math.sin), Bath(math.sin, 0.2)])
def test_error_falls_with_the_square_of_the_step_where_faces_change_in_time(
    on_ranks, tmp_path, condition
):
    """Against steps 32 times shorter, from a start that agrees with the face."""
    shape, steps = (8, 5, 4), (20, 40, 80, 640)
    faces = Faces((condition, None, None, condition, None, None))
    runs = [
        case(
            f"{n}",
            shape,
            [4.0 / n] * n,
            ((1.0, 0.8, 0.6),),
            faces=(faces,),
            tissue=tissue(shape, 7),
            initial=[np.zeros(shape)],
        )
        for n in steps
    ]
    found = advanced(on_ranks, 2, runs, tmp_path)
    *coarse, fine = (found[f"{n}"][0] for n in steps)
    errors = [np.abs(each - fine).max() for each in coarse]
    assert np.abs(fine).max() > 0.1 and (orders(errors) > 1.8).all(), errors
