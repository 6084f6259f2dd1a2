"""Calls of compiled loops: of those that libraries have, and else of numba's.

    kernels_of("ecsmpi.solver.entry_kernels").pick(...)
        -> the loop of a library that was loaded
        -> otherwise numba's function of the module, which is imported and compiles

numba and LLVM take 80 MB and half a second of each process that imports them. So modules with
compiled functions are not imported by those that call them. They are named here, and a process
whose loops are all in libraries never imports them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from ecsmpi.kernels import library

# What is told of each call of numba's functions: (name, function, arguments). See link.py
listeners: list[Callable[[str, Any, tuple], None]] = []


@cache
def kernels_of(module: str) -> Kernels:
    """The compiled loops of a module, which is not imported before numba has to compile one."""
    return Kernels(module)


class Kernels:
    """The compiled loops of a module, as attributes."""

    def __init__(self, module: str):
        self._module = module

    def __getattr__(self, name: str) -> Kernel:
        kernel = Kernel(self._module, name)
        setattr(self, name, kernel)
        return kernel


class Kernel:
    """A compiled loop, by its name. Calling it runs the loop.

    Parameters
    ----------
    module, name : str
        Where numba's function is.
    """

    def __init__(self, module: str, name: str):
        self._module = module
        self._name = name
        self._loops = library.loops.setdefault(f"{module}:{name}", [])

    def __call__(self, *arguments: Any) -> Any:
        for loop in self._loops:
            result = loop(*arguments)
            if result is not NotImplemented:
                return result
        function = getattr(import_module(self._module), self._name)
        result = function(*arguments)
        for listener in listeners:
            listener(f"{self._module}:{self._name}", function, arguments)
        return result
