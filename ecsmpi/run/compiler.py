"""The process that compiles for a run that begins: see ranks/compiling.py.

It has neither MPI nor NEURON. It reads pickled tasks from the process that started it, and answers
each by a line of JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any


def main() -> None:
    """Do tasks until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints is no answer
    modules: dict[str, Any] = sys.modules
    modules["mpi4py"] = None  # ranks.mpi then takes the MPI of one process
    tasks: dict[str, Any] = {
        "kernels": _kernels,
        "exchange": _exchange,
        "crossings": _membrane_reactions,
        "step": _step,
        "values": _values,
        "source": _source,
    }
    while True:
        try:
            name, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answers.write(json.dumps(tasks[name](*arguments)) + "\n")
        answers.flush()


def _kernels(heterogeneous: bool, short: bool, threaded: bool) -> str:
    from ecsmpi.ranks.mpi import MPI
    from ecsmpi.solver.stepper import compile_kernels

    compile_kernels(MPI.COMM_SELF, heterogeneous, short, threaded)
    return "done"


def _exchange(exact: bool, blocked: bool, threaded: bool) -> str:
    from ecsmpi.cells.compile_loops import compile_exchange

    compile_exchange(exact, blocked, threaded)
    return "done"


def _membrane_reactions() -> str:
    from ecsmpi.cells.compile_loops import compile_membrane_reactions

    compile_membrane_reactions()
    return "done"


def _source(group) -> str:
    from ecsmpi.reactions.rate_code import source

    return source(group)


def _step(source: str, threaded: bool) -> str:
    from ecsmpi.reactions import code_cache, rate_calls
    from ecsmpi.solver import threads

    threads.use(2 if threaded else 1)
    rate_calls.compile_step(code_cache.load(source))
    return "done"


def _values(source: str, threaded: bool) -> str:
    from ecsmpi.reactions import code_cache, rate_calls

    rate_calls.compile_values(code_cache.load(source))
    return "done"
