"""Python processes that may fail: what they printed, or why there is nothing."""

from __future__ import annotations

import json
import signal
import subprocess

from ecsmpi.benchmarks.comparisons.launches import environment_with

# One thread each, whatever a library uses to share its work.
ONE_THREAD = {
    "OMP_NUM_THREADS": 1,
    "OPENBLAS_NUM_THREADS": 1,
    "MKL_NUM_THREADS": 1,
    "NUMEXPR_NUM_THREADS": 1,
    "NUMBA_NUM_THREADS": 1,
}


def run(interpreter: str, words: list[str], seconds: float, environment: dict) -> dict:
    """Run a Python process on one thread and return the JSON object that it printed.

    Parameters
    ----------
    interpreter
        The Python interpreter.
    words
        Its arguments.
    seconds
        How long it may take.
    environment
        Further environment variables.

    Returns
    -------
    dict
        The object; where there is none, {"failed": the reason in a few words}.
    """
    try:
        done = subprocess.run(
            [interpreter, *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            env=environment_with(ONE_THREAD | environment),
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"longer than {seconds:g} s"}
    except OSError as error:
        return {"failed": f"{interpreter}: {error.strerror}"}
    if done.returncode != 0:
        return {"failed": _reason(done.returncode, done.stderr)}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    return {"failed": "printed no result"}


def _reason(status: int, errors: str) -> str:
    """Why a process ended with a status other than 0."""
    if status == -signal.SIGKILL or "MemoryError" in errors or "bad_alloc" in errors:
        return "not enough memory"
    said = errors.strip().splitlines() or [""]
    return f"status {status}: {said[-1]}"
