"""Modules made at run time: written once, so that numba keeps what it compiles of them."""

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
from ecsmpi.reactions import rate_kernels


def load(source: str) -> ModuleType:
    """The module of this source, from a file in the cache folder. Local; where ranks share the
    folder, one should be first.

    The file is named after what it holds and after the functions it calls, so a later run finds
    what numba has compiled. What is executed is the source itself, and neither the file nor what
    lies beside it (such as a .pyc): the file is for numba, which asks for its time, and for people
    who look for the lines of an error.
    """
    callees = b"".join(Path(module.__file__).read_bytes() for module in (rate_kernels, subnormals))
    name = f"ecsmpi_reactions_{hashlib.sha256(source.encode() + callees).hexdigest()[:20]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = str(_written(f"{name}.py", source))
        exec(compile(source, module.__file__, "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name]


def _written(name: str, source: str) -> Path:
    """The path of a file with this source; left as it is where it is there, for numba goes by its
    time.
    """
    for folder in code_folders.of_generated_code():
        path = folder / name
        try:
            code_folders.private(folder)
            if not (path.is_file() and path.read_text() == source):
                _write(path, source)
            return path
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue  # no such folder can be made here: a home that nodes cannot write
    path = Path(_own_folder().name) / name
    _write(path, source)
    return path


@cache
def _own_folder() -> tempfile.TemporaryDirectory:
    """A folder of this process alone, gone at its end: every run compiles anew."""
    return tempfile.TemporaryDirectory(prefix="ecsmpi-")


def _write(path: Path, source: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(source)
    os.replace(file.name, path)  # at once, for other nodes may read it
