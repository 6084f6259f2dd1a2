"""Functions that NEURON calls, in machine code: see native_code.py.

The code comes from a library, which a process without NEURON makes; where there is none, LLVM makes
it here. There is one function of each name in a process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from ecsmpi.kernels import library
from ecsmpi.neuron_api.interpreter import comm
from ecsmpi.neuron_api.native_slots import BEFORE_CURRENTS, FUNCTIONS, slot_name
from ecsmpi.ranks import compiling
from ecsmpi.ranks.meeting import one_per_node_first


def get_ready() -> None:
    """Load the library, and have it made where it is missing. Collective."""
    with one_per_node_first(comm), compiling.while_planning():
        compiling.ahead("callbacks")


def function(name: str, **slots: int) -> int:
    """The address of a function, whose slots are set. Local."""
    for slot, value in slots.items():
        ctypes.c_int64.from_address(_address(slot_name(name, slot))).value = value
    return _address(name)


def _address(symbol: str) -> int:
    found = library.functions.get(symbol)
    return _made_here()(symbol) if found is None else found


@cache
def _made_here() -> Callable[[str], int]:
    """Finds addresses of functions and slots in code that LLVM makes in this process."""
    from llvmlite import binding

    from ecsmpi.neuron_api.native_code import module

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module())), machine)
    engine.finalize_object()

    def address(symbol: str) -> int:
        if symbol in FUNCTIONS:
            return engine.get_function_address(symbol)
        return engine.get_global_value_address(symbol)

    return address


def address_of(function: Any) -> int:
    """Address of a C function of ctypes."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class CurrentFunction:
    """A mechanism's current function, which NEURON calls once for all its segments.

    It calls python(). In C it is::

        void current(const model_sorted_token &, NrnThread *, Memb_list *, int type)

    Attributes
    ----------
    address : of the machine code
    """

    _python_type = ctypes.CFUNCTYPE(None)

    def __init__(self, python: Callable[[], Any]):
        self._kept = self._python_type(python)
        self.address = function(BEFORE_CURRENTS, callback=address_of(self._kept))


class NonvintBlock:
    """A nonvint block: NEURON calls it for variables that NEURON does not integrate itself.

    NEURON's own rxd is such a block. ``method`` says what NEURON wants: that the structure may
    change, currents, a fixed step, the number of equations. In C the block is::

        int block(int method, int size, double *pd1, double *pd2, int thread)

    It calls python with these for the methods of `call_for`, for none at first, and returns 0 for
    the others. Where Python returns anything but DONE, as where an interrupt ends it before its
    first line, NEURON is told of an error.

    Parameters
    ----------
    name : str
        One of native_slots.NONVINT.
    python : callable
        What it calls.

    Attributes
    ----------
    address : of the machine code
    """

    _python_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
    )

    def __init__(self, name: str, python: Callable[..., int]):
        self._name = name
        self._python = self._python_type(python)  # to be kept
        self._methods: tuple[int, ...] = ()
        self.address = function(name, callback=address_of(self._python), methods=0)

    def call_for(self, *methods: int) -> None:
        """Have Python called for these methods alone, from now on. Local."""
        if methods != self._methods:
            self._methods = methods
            function(self._name, methods=sum(1 << number for number in methods))
