"""Libraries of compiled loops: shared objects that ranks of a machine load, and share in memory.

`link.py` makes them. Beside its loops, a library has a text that lists them:

    {"loops": {"module:name": [symbol, ...]}, "functions": {name: symbol}}

A loop is a function that Python calls, see python_functions.py: it returns None, or NotImplemented
where an argument is of another kind than those that it was compiled for.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.kernels import workers

CONTENTS = "ecsmpi_contents"  # symbol of the text
NDARRAY = "ecsmpi_ndarray"  # symbol of a word: the address of NumPy's type of arrays
WORKERS = "ecsmpi_workers"  # symbol of a word: the address of workers.memory
FAST_CALL = 0x80  # METH_FASTCALL
SEAL = hashlib.sha256().digest_size  # bytes at the end of a library
LINKERS = ("cc", "gcc", "clang", "ld")  # of which one makes libraries


class _Method(ctypes.Structure):
    """PyMethodDef of Python's C interface."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


def linker() -> str | None:
    """The path of the program that makes libraries here; None where there is none."""
    return next(filter(None, map(shutil.which, LINKERS)), None)


# {"module:name": loops} of the libraries that were loaded
loops: dict[str, list[Callable[..., Any]]] = {}
functions: dict[str, int] = {}  # {name: address} of further C functions and words in them
_methods: list[_Method] = []  # Python keeps no copy of them


def seal(path: Path) -> None:
    """Add a hash to the end of a library, by which `is_whole` knows it. It may be loaded."""
    digest = hashlib.sha256(path.read_bytes()).digest()
    with open(path, "ab") as file:
        file.write(digest)


def is_whole(path: Path) -> bool:
    """Whether there is a library that ends as it was sealed. Local.

    A file that has been cut off must not be loaded: its code is not there when it is called.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-SEAL]).digest() == content[-SEAL:]


def load(path: Path) -> bool:
    """Load a whole library, so that calls find its loops; whether that could be done. Local.

    It can not where it lies where nothing may be executed.
    """
    try:
        library = ctypes.CDLL(str(path))
        text = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, CONTENTS)))
    except (OSError, ValueError):
        return False
    ctypes.c_void_p.in_dll(library, NDARRAY).value = id(np.ndarray)
    ctypes.c_void_p.in_dll(library, WORKERS).value = workers.memory
    contents = json.loads(text)
    for name, symbols in contents["loops"].items():
        for symbol in symbols:
            loop = _python_function(name, _address(library, symbol))
            loops.setdefault(name, []).append(loop)
    for name, symbol in contents["functions"].items():
        functions[name] = _address(library, symbol)
    return True


def _python_function(name: str, address: int) -> Callable[..., Any]:
    """A function of Python whose machine code is at an address."""
    method = _Method(name.encode(), address, FAST_CALL, None)
    _methods.append(method)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return make(ctypes.addressof(method), None, None)


def _address(library: ctypes.CDLL, symbol: str) -> int:
    return ctypes.cast(library[symbol], ctypes.c_void_p).value or 0
