"""Tubes along the cells: where they are and how thick."""

from ecsmpi.files.cells_group import Cells
from ecsmpi.view.scene.tubes import section_lines, tubes, volume_of
import numpy as np
import pytest

from support.viewed import cell


def test_tubes_are_as_thick_as_the_sections():
    lines = section_lines(cell())
    assert lines.n_lines == 2
    assert lines.point_data["radius"] == pytest.approx([6, 6, 2, 1.5, 1])
    mesh = tubes(lines, 12, 1.0)
    axis = np.array([1.0, 0, 0])
    soma = np.asarray(mesh.points)[:24]
    away = soma - np.array([-6.0, 0, 36])
    across = away - np.outer(away @ axis, axis)
    assert np.linalg.norm(across, axis=1) == pytest.approx(np.full(24, 6.0), rel=1e-5)
    end = np.asarray(mesh.points)
    nearest = np.sort(np.linalg.norm(end - np.array([50.0, 30, 60]), axis=1))[:12]
    assert nearest == pytest.approx(np.full(12, 1.0), rel=1e-4)


def test_volume_of_cells_is_that_of_frusta():
    soma = np.pi * 36 * 12
    expected = soma
    points = cell().points
    for j, (a, b) in ((3, (2.0, 1.5)), (4, (1.5, 1.0))):
        length = np.linalg.norm(points[j] - points[j - 1])
        expected += np.pi / 3 * length * (a * a + a * b + b * b)
    assert volume_of(cell()) == pytest.approx(expected)


def test_section_of_one_place_is_a_stub_and_an_empty_one_is_nothing():
    points = np.array([[1.0, 2, 3], [1, 2, 3], [9, 9, 9]])
    cells = Cells(
        points, np.array([4.0, 4, 0]), np.array([0, 2, 2, 3]), np.full(3, -1), ("a", "b", "c")
    )
    lines = section_lines(cells)
    assert lines.n_lines == 2
    assert np.asarray(lines.points)[:2] == pytest.approx(np.array([[-1.0, 2, 3], [3, 2, 3]]))
    assert np.isfinite(tubes(lines, 6, 1.0).points).all()
