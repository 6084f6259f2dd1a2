"""Pictures of the gallery: each example script runs when the site is built, in its own process.

A picture is made anew where the script, or anything of ecsmpi, is newer. A script that fails ends
the build. Pictures lie in build/gallery, beside the site, under the scripts' names.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "gallery"
LONGEST = 300  # seconds that one script may take, on a busy machine
TUTORIAL = "scripts/tutorial"

SCRIPTS = (
    "scripts/ca1_potassium.py",
    f"{TUTORIAL}/recording.py",
    f"{TUTORIAL}/kymograph.py",
    f"{TUTORIAL}/walls.py",
    f"{TUTORIAL}/anisotropy.py",
    f"{TUTORIAL}/tissue.py",
    f"{TUTORIAL}/buffering.py",
    f"{TUTORIAL}/sphere.py",
    f"{TUTORIAL}/point_source.py",
)


def newest_source(script):
    """Return the time (s) at which the script, its neighbours or the package last changed."""
    sources = [*script.parent.glob("*.py"), *(ROOT / "ecsmpi").rglob("*.py")]
    return max(source.stat().st_mtime for source in sources)


def make_picture(script):
    """Run a script unless its picture is newer; raise ExtensionError where it fails."""
    picture = PICTURES / f"{script.stem}.png"
    if picture.exists() and picture.stat().st_mtime > newest_source(script):
        return
    unfinished = picture.with_name(f"unfinished-{picture.name}")
    begun = time.monotonic()
    command = [sys.executable, str(script), "--picture", str(unfinished)]
    try:
        done = subprocess.run(
            command,
            cwd=PICTURES,
            env=os.environ | {"NUMBA_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise ExtensionError(f"{script} did not end within {LONGEST} s") from None
    if done.returncode or not unfinished.exists():
        raise ExtensionError(f"{script} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    unfinished.replace(picture)
    logger.info("gallery: %s took %.0f s", script.name, time.monotonic() - begun)


def _make_all(app):
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        make_picture(ROOT / name)


def setup(app):
    """Make the pictures before the pages are read."""
    app.connect("builder-inited", _make_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
