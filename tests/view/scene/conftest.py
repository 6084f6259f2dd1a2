"""A scene, which all tests of a file share."""

from ecsmpi.view.scene.offscreen import choose_window
from ecsmpi.view.scene.scene import Scene
import pytest


@pytest.fixture(scope="module")
def scene():
    choose_window()
    return Scene((320, 240))
