"""Names and numbers that machine code for NEURON (native_code.py) and its users have in common."""

NONVINT = ("ecsmpi_nonvint_first", "ecsmpi_nonvint_last")
BEFORE_CURRENTS = "ecsmpi_before_currents"
CALL_NEURON = "ecsmpi_call_neuron"
WATCH = "ecsmpi_watch"
FUNCTIONS = (*NONVINT, BEFORE_CURRENTS, CALL_NEURON, WATCH)

DONE = 1  # a Python function returns it when it has done its work
FAILED = -1  # NEURON takes it for an error
MOST_ADVANCING = 8  # calls of NEURON that advance time, which a watch knows
NAPS = 60  # looks of a watch until a rank says that it waits
STANDARD_ERROR = 2


def slot_name(function: str, slot: str) -> str:
    """The symbol of a function's slot."""
    return f"{function}_{slot}"
