"""Generated modules, kept as files so that numba can keep what it compiles of them."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from ecsmpi.ranks import code_folders

# what generated code calls, and what these import
CALLED = (
    "reactions/lane_blocks.py",
    "reactions/lane_functions.py",
    "reactions/lanes.py",
    "reactions/rate_kernels.py",
    "solver/cache_lines.py",
    "solver/registers.py",
    "solver/sizes.py",
    "subnormals.py",
)


def load(source: str) -> ModuleType:
    """The module of this source, with a file in the cache folder. Local.

    The file is named after the source and the functions that the source calls, so a later run
    finds what numba has compiled. Python executes the source itself, and neither the file nor a
    .pyc beside it: the file is for numba, which looks at its time stamp, and for people who look up
    the lines of an error. Where ranks share the folder, one rank should load first.
    """
    name = f"ecsmpi_reactions_{digest(source)}"
    if name not in sys.modules:
        path = _path_of(f"{name}.py", source)
        module = ModuleType(name)
        module.__file__ = str(path)
        exec(compile(source, str(path), "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name]


def digest(source: str) -> str:
    """A hash of the source and of the modules that its compiled code comes from."""
    found = hashlib.sha256(source.encode())
    for name in CALLED:
        found.update((code_folders.PACKAGE / name).read_bytes())
    return found.hexdigest()[:20]


def _path_of(name: str, source: str) -> Path:
    """The path of a file with this source. A file that has it is left alone, time stamp and all."""
    for folder in code_folders.of_generated_code():
        path = folder / name
        try:
            code_folders.make_private(folder)
            if not (path.is_file() and path.read_text() == source):
                code_folders.write_whole(path, source)
            return path
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue  # the folder cannot be made or written: a home that nodes only read
    path = Path(_folder_of_process().name) / name
    code_folders.write_whole(path, source)
    return path


@cache
def _folder_of_process() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when this process ends: every run compiles anew."""
    return tempfile.TemporaryDirectory(prefix="ecsmpi-")
