"""The compiled code of a group of laws: from a library, or from numba."""

from __future__ import annotations

import re
from functools import cached_property
from types import ModuleType
from typing import Any

from ecsmpi.kernels import library
from ecsmpi.reactions import code_cache


class CompiledRates:
    """The code of some laws, compiled where its address is first used and no library has it.

    Parameters
    ----------
    source : str
        Of the laws' module: see rate_code.py.
    """

    def __init__(self, source: str):
        self._source = source

    @property
    def step(self) -> int:
        """The address of step(start, stop, dt, scratch, fields)."""
        return self._address("step")

    @property
    def values(self) -> int:
        """The address of values(start, stop, scratch, outs, fields)."""
        return self._address("values")

    @cached_property
    def rows(self) -> int:
        """Rows of scratch memory that the code needs."""
        found = re.search(r"^ROWS = (\d+)$", self._source, re.MULTILINE)
        assert found, "generated code says how many rows it needs"
        return int(found[1])

    def name_of(self, function: str) -> str:
        """What a library calls "step" or "values"."""
        return f"{function} of {self._digest}"

    def numbas(self, function: str) -> Any:
        """numba's C function of "step" or "values", which is compiled."""
        from ecsmpi.reactions.rate_loops import compiled

        made = vars(self.module).setdefault("made", {})
        if function not in made:
            made[function] = compiled(getattr(self.module, function), function)
        return made[function]

    def _address(self, function: str) -> int:
        found = library.functions.get(self.name_of(function))
        return found if found is not None else self.numbas(function).address

    @cached_property
    def _digest(self) -> str:
        return code_cache.digest(self._source)

    @cached_property
    def module(self) -> ModuleType:
        """The generated module, for numba."""
        return code_cache.load(self._source)
