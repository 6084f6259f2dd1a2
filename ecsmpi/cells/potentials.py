"""The reversal potentials of ions, computed in NEURON's place, when it would and as it would.

Before each evaluation of the currents NEURON lets mechanisms with a BEFORE BREAKPOINT block do
something, and then computes the reversal potentials of ions whose concentrations change, through a
record of each segment. Registered as such a block, one vectorised pass over NEURON's columns gives
the same numbers, to round-off, sooner; the ions' style tells NEURON that it need not. Currents that
a script asks for (``n.fcurrent()``) see them as well.
"""

from __future__ import annotations

import ctypes

from ecsmpi.cells import membrane
from ecsmpi.cells.nernst import nernst
from ecsmpi.neuron_api.native_callbacks import MechanismBlock
from ecsmpi.neuron_api.range_variable import RangeVariable, neurons_function

CAPACITANCE, BEFORE_BREAKPOINT = (
    3,
    11,
)  # the mechanism of every segment; the kind of block, as compiled mod files say it
BLOCK = "PFvP4NodePN6neuron9container19generic_data_handleES4_P9NrnThreadP9Memb_listmRKNS1_18model_sorted_tokenEE"
REGISTER, TYPE_OF, COEFFICIENT = (
    f"_Z10hoc_reg_bai{BLOCK}i",
    "_Z16nrn_get_mechtypePKc",
    "_Z15nrn_nernst_coefi",
)


class ReversalPotentials:
    """Of all segments of this rank: NEURON's own until `take_over`, and again after `hand_back`."""

    def __init__(self):
        self._columns, self._taken, self._block = {}, ctypes.c_int64(0), None

    def register(self) -> None:
        """Let NEURON, whose structure may change, call the block from now on; if it knows none with
        these arguments, it computes as ever.
        """
        if self._block:
            return
        try:
            register = neurons_function(REGISTER, None, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
            self._type_of = neurons_function(TYPE_OF, ctypes.c_int, ctypes.c_char_p)
            self._coefficient = neurons_function(COEFFICIENT, ctypes.c_double, ctypes.c_int)
        except AttributeError:
            return
        self._block = MechanismBlock(self.compute, self._taken)
        register(CAPACITANCE, self._block.address, BEFORE_BREAKPOINT)
        membrane.change_structure()

    def take_over(self, outside: dict[str, RangeVariable]) -> None:
        """Compute those of ions, {name: outside concentrations of all segments}, from now on."""
        self.hand_back()
        if self._block is None:
            return
        for name, values in outside.items():
            if values.is_all_of_column() and membrane.choose_potential(name, computed=False):
                kind = self._type_of(f"{name}_ion".encode())
                self._columns[name] = (
                    kind,
                    values.beside(f"e{name}"),
                    values.beside(f"{name}i"),
                    values.column,
                )
        self._taken.value = bool(self._columns)

    def hand_back(self) -> None:
        """Let NEURON compute them, which may move its columns then."""
        self._taken.value = 0
        for name in self._columns:
            membrane.choose_potential(name, computed=True)
        self._columns.clear()

    def compute(self) -> None:
        """What NEURON calls before each evaluation of the currents."""
        for kind, *columns in self._columns.values():
            nernst(*columns, self._coefficient(kind))  # R T / z F in mV, at the celsius of now
