"""Generated modules, kept as files so that numba can keep what it compiles of them."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from ecsmpi import subnormals
from ecsmpi.ranks import code_folders
from ecsmpi.reactions import lane_blocks, lane_functions, lanes, rate_kernels
from ecsmpi.solver import registers


def load(source: str) -> ModuleType:
    """The module of this source, with a file in the cache folder. Local.

    The file is named after the source and the functions that the source calls, so a later run
    finds what numba has compiled. Python executes the source itself, and neither the file nor a
    .pyc beside it: the file is for numba, which looks at its time stamp, and for people who look up
    the lines of an error. Where ranks share the folder, one rank should load first.
    """
    name = f"ecsmpi_reactions_{_digest(source)}"
    if name not in sys.modules:
        path = _path_of(f"{name}.py", source)
        module = ModuleType(name)
        module.__file__ = str(path)
        exec(compile(source, str(path), "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name]


def _digest(source: str) -> str:
    """A hash of the source and of the modules that it imports from."""
    digest = hashlib.sha256(source.encode())
    for module in (lanes, lane_blocks, lane_functions, rate_kernels, registers, subnormals):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:20]


def _path_of(name: str, source: str) -> Path:
    """The path of a file with this source. A file that has it is left alone, time stamp and all."""
    for folder in code_folders.of_generated_code():
        path = folder / name
        try:
            code_folders.make_private(folder)
            if not (path.is_file() and path.read_text() == source):
                _write(path, source)
            return path
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue  # the folder cannot be made or written: a home that nodes only read
    path = Path(_folder_of_process().name) / name
    _write(path, source)
    return path


@cache
def _folder_of_process() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when this process ends: every run compiles anew."""
    return tempfile.TemporaryDirectory(prefix="ecsmpi-")


def _write(path: Path, source: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(source)
    os.replace(file.name, path)  # in one step, as other nodes may read it
