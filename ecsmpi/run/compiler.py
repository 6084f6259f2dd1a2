"""The process that compiles for a run that begins: see ranks/compiling.py.

It has neither MPI nor NEURON. It reads pickled tasks from the process that started it, and answers
each by a line of JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Do tasks until there are no more.

    A task is (path of the library to make or None, name, arguments).
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints is no answer
    modules: dict[str, Any] = sys.modules
    modules["mpi4py"] = None  # ranks.mpi then takes the MPI of one process
    from ecsmpi.kernels.link import Libraries, LinkerFailed, NotLinked

    libraries = Libraries()
    tasks: dict[str, Any] = {
        "kernels": _kernels,
        "exchange": _exchange,
        "crossings": _membrane_reactions,
        "answers": _answers,
        "callbacks": _callbacks,
        "step": _step,
        "values": _values,
        "source": _source,
        "workers": _workers,
    }
    while True:
        try:
            path, name, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        libraries.begin()
        answer = tasks[name](libraries, *arguments)
        if path is not None:
            try:
                libraries.write(Path(path))
            except NotLinked:
                pass  # the run finds no library, and notes that
            except (LinkerFailed, OSError):
                answer = None  # the next cold start tries again
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _kernels(libraries, heterogeneous: bool, short: bool) -> str:
    from ecsmpi.ranks.mpi import MPI
    from ecsmpi.solver.stepper import compile_kernels

    compile_kernels(MPI.COMM_SELF, heterogeneous, short)
    return "done"


def _exchange(libraries, exact: bool, blocked: bool) -> str:
    from ecsmpi.cells.compile_loops import compile_exchange

    compile_exchange(exact, blocked)
    return "done"


def _membrane_reactions(libraries) -> str:
    from ecsmpi.cells.compile_loops import compile_membrane_reactions

    compile_membrane_reactions()
    return "done"


def _source(libraries, group) -> str:
    from ecsmpi.reactions.rate_code import source

    return source(group)


def _answers(libraries) -> str:
    from ecsmpi.ranks.answering import compile_loop

    compile_loop()
    return "done"


def _workers(libraries) -> str:
    from ecsmpi.solver import worker_loops

    libraries.add_function("share", worker_loops.share.compiled)
    libraries.add_function("work", worker_loops.work.compiled)
    return "done"


def _callbacks(libraries) -> str:
    from ecsmpi.neuron_api import native_code

    libraries.add_module(native_code.module())
    return "done"


def _step(libraries, source: str) -> str:
    from ecsmpi.reactions import rate_calls
    from ecsmpi.reactions.compiled_rates import CompiledRates

    code = CompiledRates(source)
    rate_calls.compile_step(code)
    libraries.add_function(code.name_of("step"), code.numbas("step"))
    return "done"


def _values(libraries, source: str) -> str:
    from ecsmpi.reactions import rate_calls
    from ecsmpi.reactions.compiled_rates import CompiledRates

    code = CompiledRates(source)
    rate_calls.compile_values(code)
    libraries.add_function(code.name_of("values"), code.numbas("values"))
    return "done"
