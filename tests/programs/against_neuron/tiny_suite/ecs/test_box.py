"""A suite in the layout of NEURON's test/rxd, whose tests pass, are refused, and differ."""

import pytest
from testutils import tol


@pytest.fixture
def box(neuron_nosave_instance):
    h, rxd, save_path = neuron_nosave_instance
    section = h.Section(name="dend")
    ecs = rxd.Extracellular(
        -30, -30, -30, 30, 30, 30, dx=20, volume_fraction=0.2, tortuosity=1.6
    )
    k = rxd.Species(ecs, name="k", d=1, charge=1, initial=lambda node: 1 + (node.x3d < -10))
    yield h, section, ecs, k


def test_keeps_ions(box):
    h, section, ecs, k = box
    h.finitialize(-65)
    h.continuerun(0.1)
    assert abs(k[ecs].nodes.value.mean() - 4 / 3) < tol


def test_variable_step(box):
    h, section, ecs, k = box
    h.CVode().active(True)
    h.finitialize(-65)
    h.continuerun(0.1)


def test_wrong_number(box):
    h, section, ecs, k = box
    h.finitialize(-65)
    assert abs(k[ecs].nodes.value[0] - 7.25) < tol
