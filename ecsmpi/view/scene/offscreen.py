"""OpenGL without a display: which of VTK's windows works here, and what to install where none does.

VTK ends the process where it finds no OpenGL, so a process of its own tries.
"""

from __future__ import annotations

import os
import subprocess
import sys

CHOICE = "VTK_DEFAULT_OPENGL_WINDOW"  # VTK reads it when it makes its first window
WINDOWS = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow", "vtkXOpenGLRenderWindow")
SECONDS = 60

DRAW = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
renderer = vtkRenderer()
renderer.SetBackground(0, 1, 0)
window.AddRenderer(renderer)
window.SetSize(8, 8)
window.Render()
pixels = vtkUnsignedCharArray()
window.GetPixelData(0, 0, 7, 7, 1, pixels, 0)
assert [pixels.GetValue(i) for i in range(3)] == [0, 255, 0]
print("drawn by", window.GetClassName())
"""


class NoOpenGLError(OSError):
    """Nothing here draws without a display."""


def choose_window() -> str:
    """Choose the window that VTK makes in this process, and return its name.

    Call it before VTK makes its first window.

    Raises
    ------
    NoOpenGLError
        None draws here; the message says what to install.
    """
    given = os.environ.get(CHOICE)
    for name in (given,) if given else WINDOWS:
        if _draws(name):
            os.environ[CHOICE] = name
            return name
    chosen = f" ({CHOICE}={given})" if given else ""
    raise NoOpenGLError(
        f"no OpenGL here draws without a display{chosen}: install Mesa's EGL, by "
        "`apt-get install libegl1 libgl1-mesa-dri` (Debian, Ubuntu), `dnf install mesa-libEGL "
        "mesa-dri-drivers` (Fedora, RHEL) or `conda install -c conda-forge mesalib`; ecsmpi plot "
        "and animate need none of it"
    )


def _draws(name: str) -> bool:
    """Whether a process with this window draws what it is told."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", DRAW],
            env={**os.environ, CHOICE: name},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and f"drawn by {name}" in done.stdout
