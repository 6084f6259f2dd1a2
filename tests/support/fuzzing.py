"""Damages files and reads them, each in a process of its own: HDF5's library may crash."""

import os
import random
import resource

SECONDS = 60  # of computing: what takes longer hangs


def damaged(data, number):
    """Return the bytes cut, or some of them changed, in a way that the number chooses."""
    rng = random.Random(number)
    data = bytearray(data)
    if number % 5 == 0:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data) if number % 2 else min(len(data), 30_000))
        data[at] = rng.choice([0, 255, data[at] ^ (1 << rng.randrange(8)), rng.randrange(256)])
    return bytes(data)


def apart(action, *arguments):
    """Run an action in a process of its own and return its exit status.

    0 is a whole file, 1 an error as there should be. Where a signal ended the process, return its
    name.
    """
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        status = 99
        try:
            status = action(*arguments)
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return f"signal {os.WTERMSIG(ended)}" if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)


def outcomes(action, data, path, count):
    """Damage a file in several ways and run an action on each.

    Returns how often the file was whole, how often it was refused, and what else happened to it, by
    its number.
    """
    found = {}
    for number in range(count):
        path.write_bytes(damaged(data, number))
        found[number] = apart(action, path)
    odd = {number: what for number, what in found.items() if what not in (0, 1)}
    statuses = list(found.values())
    return statuses.count(0), statuses.count(1), odd
