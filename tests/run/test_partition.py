"""Boxes are cut where the work is: thinner slabs where many segments are, alike for boxes that are
alike.
"""

import pytest

from support.rxd_scripts import as_neuron, holds

CROWD = """
    for i in range(80):  # in the first quarter of the box
        if i % ranks == rank:
            sec = n.Section(name=f"crowd{i}")
            x, y, z = np.random.default_rng(i).uniform((-50, -40, -40), (-30, 25, 40))
            sec.pt3dadd(x, y, z, 2)
            sec.pt3dadd(x, y + 15, z + 15, 2)
            sec.nseg = 5
            sec.insert("hh")
            kept.append(sec)
    ecs = box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
"""
THICKNESSES = """
    from ecsmpi.rxd.session import simulation
    def thicknesses(region):
        return simulation.space(region).slabs.thicknesses()
"""


def test_crowded_box_is_cut_unevenly_and_has_neurons_answer(on_ranks, request):
    body = (
        CROWD
        + """
    n.finitialize(-65)
    steps(50)
    if BACKEND == "ecsmpi":
        from ecsmpi.rxd.session import simulation
        thick = simulation.space(ecs).slabs.thicknesses()
        assert sum(thick) == 15 and (ranks == 1 or min(thick) == thick[0] < max(thick)), thick
    save(k=np.array(k[ecs].states3d))
    """
    )
    as_neuron(on_ranks, body, ranks=(2, 3, 4) if request.config.getoption("--long") else (3,))


@pytest.mark.parametrize(
    "first", ["states3d", pytest.param("reproducible", marks=pytest.mark.long)]
)
def test_box_that_the_script_looks_into_or_that_is_reproducible_is_cut_by_itself(first, on_ranks):
    """What does not depend on segments is known before they are; one rank that looks decides for
    all.
    """
    look = {"states3d": "if rank == 0: k[ecs].local", "reproducible": "pass"}[first]
    before = "rxd.options.reproducible = True" if first == "reproducible" else "pass"
    holds(
        on_ranks,
        3,
        before
        + CROWD.replace("\n    ", "\n")
        + look
        + THICKNESSES.replace("\n    ", "\n")
        + """
n.finitialize(-65)
assert thicknesses(ecs) == ([15] if ecsmpi_reproduces() else [5, 5, 5]), thicknesses(ecs)
""".replace("ecsmpi_reproduces()", "rxd.options.reproducible"),
    )


def test_boxes_that_are_alike_are_cut_alike(on_ranks):
    """A rate in one may read the other; a box elsewhere, without segments, is cut evenly."""
    holds(
        on_ranks,
        3,
        CROWD
        + THICKNESSES
        + """
    air, far = box(), box(at=1000)
    o2 = rxd.Species(air, d=3.3, name="o2", initial=0.1)
    other = rxd.Species(far, d=1, initial=1)
    uptake = rxd.Rate(o2, -1e-4 * k[ecs])
    n.finitialize(-65)
    assert thicknesses(ecs) == thicknesses(air) != [5, 5, 5], thicknesses(ecs)
    assert thicknesses(far) == [5, 5, 5]
    steps(3)
    """,
    )
